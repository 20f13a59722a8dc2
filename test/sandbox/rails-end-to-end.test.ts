/**
 * One payment by each rail through everything that ships: payment page, partner's page, callback, settlement, books, dossier
 * system. Then a tampered callback, and a callback that never comes. A new rail is a new row.
 */
import t, { type Test } from 'tap'
import { makeSandboxKeys } from '../../src/sandbox/keys.ts'
import type { RailName } from '../../src/sandbox/rail-list.ts'
import { testCards } from '../../src/sandbox/rails/vietinbank.ts'
import type { Sandbox } from '../../src/sandbox/start.ts'
import { anInvoice, type TestGateway } from '../harness/gateway.ts'
import { type Partners, testAccountIds, testPartners } from '../harness/partners.ts'
import { follow, open, type Page, press, submit } from './browser.ts'
import { eventually } from './hand-timers.ts'

type Invoice = {
  readonly id: string
  readonly dossierCode: string
  readonly total: bigint
  readonly payUrl: string
  /** Of the VietQR; empty at other rails. */
  readonly qr: string
}

/** What a payer has before him once he has chosen the rail. */
type Chosen = {
  readonly gateway: TestGateway
  readonly sandbox: Sandbox
  readonly invoice: Invoice
  readonly page: Page
}

type Row = {
  readonly partner: RailName
  /** Typed into the payment page before the attempt; `lost` when nobody is to tell the gateway of the payment. */
  readonly typed?: Readonly<Record<'usually' | 'lost', Readonly<Record<string, string>>>>
  /** Changes to the account's config. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Where the gateway learns of the payment first. */
  readonly source: 'CALLBACK' | 'CONFIRM'
  /** From the chosen rail to the last page; `way` is a button of the partner's page. */
  pay(chosen: Chosen, way: 'success' | 'tampered'): Promise<Page>
  readonly inquiry: boolean
  /** What a refused callback leaves. A QR code stands on the payment page itself: nothing has begun there. */
  readonly untouched: 'PAYING' | 'ISSUED'
}

/** The partner's page sends the browser back by itself. */
function redirect(partner: RailName, host: (sandbox: Sandbox) => string): Row {
  return {
    ...{ partner, inquiry: true, untouched: 'PAYING', source: 'CALLBACK' },
    async pay({ page, sandbox }, way) {
      return await press(await follow(page, host(sandbox)), 'way', way)
    },
  }
}

/** The payer scans with the bank app, then looks at the payment page again. */
function transfer(partner: 'vietqr' | 'payos' | 'vietqrvn' | 'vietqrvnHmac'): Row {
  return {
    ...{ partner, inquiry: false, untouched: 'ISSUED', source: 'CALLBACK' },
    async pay({ invoice, sandbox }, way) {
      // The app of any bank will do: it hands the order on to the bank that keeps the account.
      const app = await open(`${sandbox.vietqr.baseUrl}/app`)
      await press(await submit(app, '/app/scan', { qr: invoice.qr }), 'way', way)
      return await open(invoice.payUrl)
    },
  }
}

const rows: readonly Row[] = [
  redirect('vnpay', ({ vnpay }) => vnpay.baseUrl),
  redirect('onepay', ({ onepay }) => onepay.baseUrl),
  redirect('momo', ({ momo }) => momo.baseUrl),
  redirect('zalopay', ({ zalopay }) => zalopay.baseUrl),
  {
    ...{ partner: 'napas', inquiry: true, untouched: 'PAYING', source: 'CALLBACK' },
    async pay({ page, sandbox }, way) {
      const cardForm = await submit(page, sandbox.napas.baseUrl)
      return await submit(await press(cardForm, 'way', way), '/return')
    },
  },
  {
    ...{ partner: 'vietinbank', inquiry: true, untouched: 'PAYING', source: 'CONFIRM' },
    typed: {
      usually: { 'input.token': testCards.success, 'input.tokenIssueDate': '0325' },
      lost: { 'input.token': testCards['no-answer-after-debit'], 'input.tokenIssueDate': '0325' },
    },
    config: { timeoutMs: 2_000 },
    async pay({ page, sandbox, invoice, gateway }, way) {
      const reference = await referenceOf(gateway, invoice)
      if (way === 'tampered') {
        await sandbox.vietinbank.credit({ amount: invoice.total, remark: reference }, { tampered: true })
        return await open(invoice.payUrl)
      }
      const phone = await open(`${sandbox.vietinbank.baseUrl}/phone`)
      const [, otp = ''] = />(\d{6})<\/td>/.exec(phone.html) ?? []
      return await submit(page, '/confirm', { otp })
    },
  },
  transfer('vietqr'),
  transfer('payos'),
  transfer('vietqrvn'),
  transfer('vietqrvnHmac'),
]

const keys = await makeSandboxKeys((length) => crypto.getRandomValues(new Uint8Array(length)))

async function referenceOf({ database }: TestGateway, { id }: Invoice): Promise<string> {
  const [row] = await database.query<{ reference: string }>(
    'SELECT merchant_ref AS reference FROM payments WHERE invoice_id = $1',
    [id],
  )
  return row?.reference ?? ''
}

/** An invoice whose payer has chosen the row's rail on the payment page. */
async function choose(
  { gateway, sandbox }: Partners,
  { partner, typed, untouched }: Row,
  when: 'usually' | 'lost' = 'usually',
): Promise<Chosen> {
  const { json, status, text } = await gateway.api('POST', '/v1/invoices', anInvoice())
  if (status !== 201) throw new Error(text)
  const invoice: Invoice = {
    id: String(json.id),
    dossierCode: String(json.dossierCode),
    total: BigInt(Number(json.total)),
    payUrl: String(json.payUrl),
    qr: String(Object(json.vietQr).payload ?? ''),
  }
  const first = await open(invoice.payUrl)
  const page = untouched === 'ISSUED' ? first : await press(first, 'rail', testAccountIds[partner], typed?.[when])
  return { gateway, sandbox, invoice, page }
}

async function statusOf({ gateway, invoice }: Chosen): Promise<string> {
  return String((await gateway.api('GET', `/v1/invoices/${invoice.id}`)).json.status)
}

/** Paid once in every book: settlement, ledger, and the dossier system that heard of it once. */
async function checkBooks(
  t: Test,
  { gateway, sandbox, invoice }: Chosen,
  { railAccountId, source }: { railAccountId: string; source: string },
): Promise<void> {
  const settlements = await gateway.database.query(
    'SELECT disposition, amount, rail_account_id AS rail, source FROM settlements WHERE invoice_id = $1',
    [invoice.id],
  )
  t.same(settlements, [{ disposition: 'APPLIED', amount: invoice.total, rail: railAccountId, source }])
  const postings = await gateway.database.query<{ account: string; amount: bigint }>(
    `SELECT p.account, p.amount FROM ledger_postings p JOIN ledger_transactions l ON l.id = p.transaction_id
       JOIN settlements s ON s.id = l.settlement_id WHERE s.invoice_id = $1`,
    [invoice.id],
  )
  t.equal(
    postings.reduce((sum, { amount }) => sum + amount, 0n),
    0n,
  )
  t.same(
    postings.filter(({ account }) => account === `rail:${railAccountId}`).map(({ amount }) => amount),
    [invoice.total],
  )
  await eventually(() => sandbox.dossier.dossiers.get(invoice.dossierCode)?.status === 'PAID')
  t.match(
    sandbox.dossier.received.filter(
      ({ type, dossierCode }) => type === 'invoice.paid' && dossierCode === invoice.dossierCode,
    ),
    [{ verified: true, times: 1 }],
  )
}

for (const row of rows) {
  t.test(`${row.partner}`, async (t) => {
    const { partner: name, config = {} } = row
    const partners = await testPartners(t, { only: [name], config, sandbox: { keys } })
    const { gateway, sandbox } = partners
    const partner = sandbox[row.partner]
    const railAccountId = testAccountIds[row.partner]

    await t.test('a payer pays on the pages alone, and every book says so once', async (t) => {
      const chosen = await choose(partners, row)
      const last = await row.pay(chosen, 'success')
      t.match([last.status, last.html], [200, 'Đã thanh toán'])
      t.equal(await statusOf(chosen), 'PAID')
      await eventually(() => partner.callbacks.at(-1)?.state === 'acknowledged')
      t.match(partner.callbacks.at(-1)?.acknowledgements, [{ asExpected: true, next: 'stop' }])
      await checkBooks(t, chosen, { railAccountId, source: row.source })
    })

    await t.test('a tampered callback is refused and pays nothing', async (t) => {
      const chosen = await choose(partners, row)
      const before = await gateway.database.query<{ id: string }>('SELECT id FROM callbacks', [])
      await row.pay(chosen, 'tampered')
      t.match(partner.callbacks.at(-1)?.acknowledgements, [{ asExpected: true, next: /stop|give up/ }])
      t.equal(await statusOf(chosen), row.untouched)
      const kept = await gateway.database.query<{ id: string; verdict: string }>(
        'SELECT id, verdict FROM callbacks',
        [],
      )
      t.match(
        kept.filter(({ id }) => !before.some((earlier) => earlier.id === id)).map(({ verdict }) => verdict),
        [/^refused:(signature|auth)$/],
        'its evidence is kept',
      )
      t.same(await gateway.database.query('SELECT id FROM settlements WHERE invoice_id = $1', [chosen.invoice.id]), [])
    })

    if (row.inquiry)
      await t.test('a callback that never comes is made good by inquiry', async (t) => {
        const chosen = await choose(partners, row, 'lost')
        partner.behaviour.misbehave({ callbacksLost: true })
        await row.pay(chosen, 'success')
        gateway.environment.advance(61_000)
        await eventually(() => sandbox.dossier.dossiers.get(chosen.invoice.dossierCode)?.status === 'PAID')
        t.equal(await statusOf(chosen), 'PAID')
        await checkBooks(t, chosen, { railAccountId, source: 'INQUIRY' })
        // It arrives after all: told again, nothing is booked again.
        partner.behaviour.behave()
        await partner.notifier.retryNow()
        t.match(partner.callbacks.at(-1), { state: 'acknowledged' })
        await checkBooks(t, chosen, { railAccountId, source: 'INQUIRY' })
      })
  })
}
