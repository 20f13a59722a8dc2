/** Every rail that makes refunds, at its simulated partner, through a whole gateway: a part, the rest, and an answer that never came. */
import t from 'tap'
import { approveRefund } from '../../src/refund/decide.ts'
import { type RefundView, readRefunds } from '../../src/refund/read.ts'
import { requestRefund, settlementOfInvoice } from '../../src/refund/request.ts'
import { makeSandboxKeys } from '../../src/sandbox/keys.ts'
import type { Sandbox } from '../../src/sandbox/start.ts'
import { eventually } from '../harness/finance.ts'
import { anInvoice, feeCodeOf, type TestGateway } from '../harness/gateway.ts'
import { testAccountIds, testPartners } from '../harness/partners.ts'

type Instruction = { readonly url: string; readonly fields: Record<string, string> }

type Row = {
  readonly name: 'vnpay' | 'onepay' | 'napas' | 'momo' | 'zalopay'
  pay(sandbox: Sandbox, instruction: Instruction): Promise<unknown>
  /** Amounts of refunds in the partner's books. */
  books(sandbox: Sandbox): bigint[]
  /** A partner that does what it is asked and never answers. Absent where the rail's own shortest wait is half a minute. */
  readonly canFallSilent: boolean
}

type Books = ReadonlyMap<string, { readonly refunds: readonly { readonly amount: bigint }[] }>
const booksOf = (transactions: Books): bigint[] =>
  [...transactions.values()].flatMap(({ refunds }) => refunds.map(({ amount }) => amount))

const rows: readonly Row[] = [
  {
    name: 'vnpay',
    pay: ({ vnpay }, { url }) => vnpay.pay(url, 'success'),
    books: ({ vnpay }) => booksOf(vnpay.transactions),
    canFallSilent: true,
  },
  {
    name: 'onepay',
    pay: ({ onepay }, { url }) => onepay.pay(url, 'success'),
    books: ({ onepay }) => [...onepay.refunds.values()].map(({ amount }) => amount),
    canFallSilent: true,
  },
  {
    name: 'napas',
    pay: ({ napas }, { fields }) => napas.pay(fields, 'success'),
    books: ({ napas }) => booksOf(napas.transactions),
    canFallSilent: true,
  },
  {
    name: 'momo',
    pay: ({ momo }, { url }) => momo.pay(url, 'success'),
    books: ({ momo }) => booksOf(momo.transactions),
    canFallSilent: false,
  },
  {
    name: 'zalopay',
    pay: ({ zalopay }, { url }) => zalopay.pay(url, 'success'),
    books: ({ zalopay }) => booksOf(zalopay.transactions),
    canFallSilent: true,
  },
]

const tenantId = 'ten_thanhhoa'
const keys = await makeSandboxKeys((length) => crypto.getRandomValues(new Uint8Array(length)))

async function approved(
  { database, environment, vault }: TestGateway,
  invoiceId: string,
  amount: bigint,
): Promise<string> {
  return await database.transaction(async (tx) => {
    const settlementId = await settlementOfInvoice(tx, { tenantId }, invoiceId)
    const id = await requestRefund(
      tx,
      environment,
      { tenantId, actor: 'an', as: 'officer' },
      settlementId,
      {
        reason: 'NOT_GRANTED',
        legalBasis: 'Thông báo 12/TB-CA',
        channel: 'RAIL_REVERSAL',
        items: [{ lineNo: 1, amount }],
      },
      vault,
    )
    await approveRefund(tx, environment, { tenantId, subject: 'binh' }, id, 1)
    return id
  })
}

async function read({ database }: TestGateway, id: string): Promise<RefundView> {
  const [refund] = await readRefunds(database, tenantId, { ids: [id], limit: 1 })
  if (refund === undefined) throw new Error(`no refund ${id}`)
  return refund
}

const statusOf = async (gateway: TestGateway, id: string): Promise<string> => (await read(gateway, id)).status

/** Asked about on the schedule, an hour at a time. */
async function ended(gateway: TestGateway, id: string): Promise<string> {
  const status = () => statusOf(gateway, id)
  await eventually(async () => !['APPROVED', 'REQUESTED'].includes(await status()))
  for (let waited = 0; ['SENT', 'UNKNOWN'].includes(await status()) && waited < 40; waited++) {
    gateway.environment.advance(61 * 60_000)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  return await statusOf(gateway, id)
}

for (const { name, pay, books, canFallSilent } of rows) {
  t.test(name, async (t) => {
    const { gateway, sandbox } = await testPartners(t, {
      only: [name],
      config: canFallSilent ? { timeoutMs: 5_000 } : {},
      sandbox: { keys, refundMs: 0 },
    })
    const invoice = await gateway.api(
      'POST',
      '/v1/invoices',
      anInvoice({ procedureCode: '1.010100', items: [{ feeCode: feeCodeOf('1.010100') }] }),
    )
    const id = String(invoice.json.id)
    const started = await gateway.api('POST', `/v1/invoices/${id}/payments`, {
      railAccountId: testAccountIds[name],
      payerIp: '203.0.113.7',
    })
    t.equal(started.status, 201, started.text)
    await pay(sandbox, started.json.instruction as unknown as Instruction)
    const invoiceStatus = async (): Promise<unknown> => (await gateway.api('GET', `/v1/invoices/${id}`)).json.status
    await eventually(async () => (await invoiceStatus()) === 'PAID')

    t.equal(await ended(gateway, await approved(gateway, id, 50_000n)), 'DONE')
    t.equal(await invoiceStatus(), 'PARTIALLY_REFUNDED')
    t.same(books(sandbox), [50_000n])

    const parts = canFallSilent ? [50_000n, 30_000n, 120_000n] : [50_000n, 150_000n]
    if (canFallSilent) {
      const partner = sandbox[name]
      partner.behaviour.misbehave({ timeoutAfterEffect: true })
      const silent = await approved(gateway, id, 30_000n)
      await eventually(async () => (await read(gateway, silent)).railDetail !== null)
      // NAPAS falls silent over the token already: the refund itself has not left.
      t.equal(await statusOf(gateway, silent), name === 'napas' ? 'APPROVED' : 'UNKNOWN')
      if (name !== 'napas') t.same(books(sandbox), [50_000n, 30_000n], 'the money has gone back all the same')
      partner.behaviour.behave()
      gateway.environment.advance(2 * 60_000)
      t.equal(await ended(gateway, silent), 'DONE')
    }
    t.equal(await ended(gateway, await approved(gateway, id, parts.at(-1) ?? 0n)), 'DONE')
    t.same(books(sandbox), parts, 'each once')
    t.equal(await invoiceStatus(), 'REFUNDED')
    const [{ sum } = { sum: 1n }] = await gateway.database.query<{ sum: bigint }>(
      'SELECT sum(amount)::bigint AS sum FROM ledger_postings',
      [],
    )
    t.equal(sum, 0n)
  })
}
