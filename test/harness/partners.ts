/** A gateway with its partners beside it, introduced to each other: what the demo shows, for tests. */
import type { Test } from 'tap'
import { type AccountIds, type RailName, railAccountsOf, sandboxRails } from '../../src/sandbox/rail-list.ts'
import { connectGateway } from '../../src/sandbox/run.ts'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/start.ts'
import { type TestGateway, testDirectory, testGateway } from './gateway.ts'

export type Partners = { readonly gateway: TestGateway; readonly sandbox: Sandbox }

/** Rail accounts of `testPartners`, one for each partner: `vnpay-test` … */
export const testAccountIds = Object.fromEntries(
  sandboxRails.map(({ partner }) => [partner, `${partner.toLowerCase()}-test`]),
) as Required<AccountIds>

export type PartnersOver = {
  /** Partners with a rail account at the gateway. */
  readonly only?: readonly RailName[]
  /** Changes to the config of each of those accounts. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly sandbox?: SandboxOptions
}

export async function testPartners(t: Test, over: PartnersOver = {}): Promise<Partners> {
  const { only = ['vietqr', 'vnpay', 'vietinbank'] } = over
  const gateway = await testGateway(t, { background: true })
  const sandbox = await startSandbox({ clock: gateway.environment, tenant: 'ten_thanhhoa', ...over.sandbox })
  t.teardown(() => sandbox.close())
  const place = { beneficiaryAccountId: 'bac_h56-14-colle', agencyCode: 'H56.14' }
  const railAccounts = railAccountsOf(sandbox, place, { ids: testAccountIds, only }).map((entry) => {
    const title = entry.id.replace('-test', '').toUpperCase()
    return { ...entry, titleVi: title, titleEn: title, config: { ...entry.config, ...over.config } }
  })
  await gateway.load(testDirectory({ railAccounts }))
  connectGateway(sandbox, gateway.url, testAccountIds)
  const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: sandbox.dossier.webhookUrl })
  sandbox.dossier.secret = String(endpoint.json.secret)
  return { gateway, sandbox }
}
