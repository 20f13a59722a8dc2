/** A gateway with VNPAY and an issuer of officers beside it, and invoices that are paid there. */
import type { Logger } from 'pino'
import type { Test } from 'tap'
import { makeContext } from '../../src/sandbox/context.ts'
import { type Issuer, startIssuer } from '../../src/sandbox/issuer.ts'
import { startVnpay, type Vnpay } from '../../src/sandbox/rails/vnpay.ts'
import {
  type ApiAnswer,
  anInvoice,
  callApi,
  feeCodeOf,
  type TestGateway,
  testDirectory,
  testGateway,
} from './gateway.ts'

export type Officer = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<ApiAnswer>

export type Finance = {
  readonly gateway: TestGateway
  readonly vnpay: Vnpay
  readonly issuer: Issuer
  /** finance.read and finance.resolve. */
  readonly an: Officer
  /** finance.read and finance.approve. */
  readonly binh: Officer
  officer(sub: string, roles: readonly string[], tenant?: string): Officer
  /** A paid invoice of one fee that is given back when not granted: 200,000 VND. */
  paid(over?: Record<string, unknown>): Promise<{ id: string; total: number; dossierCode: string }>
  /** Started at VNPAY: where the payer goes. */
  start(invoiceId: string): Promise<string>
}

export async function testFinance(
  t: Test,
  options: {
    readonly log?: Logger
    readonly refundMs?: number
    readonly background?: boolean
    readonly maxConnections?: number
  } = {},
): Promise<Finance> {
  const clock = { now: (): Date => now() }
  let now = (): Date => new Date()
  const context = makeContext({ clock })
  const issuer = await startIssuer(context, { tenant: 'ten_thanhhoa' })
  t.teardown(() => issuer.close())
  const gateway = await testGateway(t, {
    officerIssuer: issuer.issuer,
    background: options.background ?? true,
    maxConnections: options.maxConnections ?? 10,
    ...(options.log === undefined ? {} : { log: options.log }),
  })
  now = gateway.environment.now
  const vnpay = await startVnpay(context, {
    tmnCode: 'TESTBOX1',
    hashSecret: 'S'.repeat(32),
    refundMs: options.refundMs ?? 0,
  })
  t.teardown(() => vnpay.close())
  const railAccountId = 'vnpay-box'
  const [model] = testDirectory().railAccounts
  if (model === undefined) throw new Error('the directory has no rail account to copy')
  await gateway.load(testDirectory({ railAccounts: [{ ...model, id: railAccountId, config: vnpay.accountConfig() }] }))
  vnpay.callbackUrl = `${gateway.url}/callbacks/vnpay/${railAccountId}`

  const officer: Finance['officer'] =
    (sub, roles, tenant) =>
    async (method, path, body, headers = {}) => {
      const token = await issuer.token({ sub, roles, ...(tenant === undefined ? {} : { tenant }) })
      return await callApi(gateway.url, method, `/v1/finance${path}`, body, {
        authorization: `Bearer ${token}`,
        ...headers,
      })
    }
  const start = async (invoiceId: string): Promise<string> => {
    const payment = await gateway.api('POST', `/v1/invoices/${invoiceId}/payments`, {
      railAccountId,
      payerIp: '203.0.113.7',
    })
    if (payment.status !== 201) throw new Error(payment.text)
    return String((payment.json.instruction as unknown as { url: string }).url)
  }
  return {
    gateway,
    vnpay,
    issuer,
    an: officer('an', ['finance.read', 'finance.resolve']),
    binh: officer('binh', ['finance.read', 'finance.approve']),
    officer,
    start,
    async paid(over = {}) {
      const invoice = await gateway.api(
        'POST',
        '/v1/invoices',
        anInvoice({ procedureCode: '1.010100', items: [{ feeCode: feeCodeOf('1.010100') }], ...over }),
      )
      if (invoice.status !== 201) throw new Error(invoice.text)
      const id = String(invoice.json.id)
      await vnpay.pay(await start(id), 'success')
      return { id, total: Number(invoice.json.total), dossierCode: String(invoice.json.dossierCode) }
    },
  }
}

/** Resolves once `isTrue`; rejects after half a minute: how long it takes is the machine's affair. */
export async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await isTrue()); waited += 20) {
    if (waited > 30_000) throw new Error('it did not come true within 30 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
