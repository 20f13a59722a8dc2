/** A gateway with its partners beside it, introduced to each other: what the demo shows, for tests. */
import type { Test } from 'tap'
import { type Sandbox, startSandbox } from '../../src/sandbox/partners/start.ts'
import { type TestGateway, testDirectory, testGateway } from './gateway.ts'

export type Partners = { readonly gateway: TestGateway; readonly sandbox: Sandbox }

export async function testPartners(t: Test): Promise<Partners> {
  const gateway = await testGateway(t, { background: true })
  const sandbox = await startSandbox({ now: gateway.environment.now })
  t.teardown(() => sandbox.close())
  const beneficiaryAccountId = 'bac_h56-14-colle'
  const rail = (id: string, name: string, config: Record<string, unknown>, position: number) => ({
    id,
    rail: name,
    beneficiaryAccountId,
    titleVi: name.toUpperCase(),
    titleEn: name.toUpperCase(),
    config,
    position,
  })
  await gateway.load(
    testDirectory({
      railAccounts: [
        rail('vietqr-test', 'vietqr', sandbox.bank.accountConfig(), 1),
        rail('vnpay-test', 'vnpay', sandbox.vnpay.accountConfig(), 2),
        rail('vietinbank-test', 'vietinbank', sandbox.vietinbank.accountConfig(), 3),
      ],
    }),
  )
  sandbox.vnpay.callbackUrl = `${gateway.url}/callbacks/vnpay/vnpay-test`
  sandbox.bank.callbackUrl = `${gateway.url}/callbacks/vietqr/vietqr-test`
  sandbox.vietinbank.callbackUrl = `${gateway.url}/callbacks/vietinbank/vietinbank-test`
  sandbox.dossier.jwksUrl = `${gateway.url}/.well-known/jwks.json`
  const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: sandbox.dossier.webhookUrl })
  sandbox.dossier.secret = String(endpoint.json.secret)
  return { gateway, sandbox }
}
