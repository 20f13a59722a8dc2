/** Every kind of damage a day can bring, planted one at a time: what the bank and the rail show, and the class it must be found as. */
import { randomBytes } from 'node:crypto'
import { makePayCode } from '../../src/domain/pay-code.ts'
import { insertAll } from '../../src/store/rows.ts'
import { anId, aSuccess, seedInvoice, seedRailAccount, seedTime } from '../harness/seed.ts'
import { codeOf, openDrawer } from './drawers.ts'
import type { BankLine, Stage } from './stage.ts'

export type RailRow = {
  readonly railTransactionId: string
  readonly merchantRef: string | null
  readonly gross: bigint
  readonly fee: bigint
  readonly net: bigint
  readonly occurredAt: Date
  readonly status: 'SUCCEEDED' | 'REVERSED' | 'FAILED' | 'PENDING'
  readonly batchId: string | null
  readonly valueDate: string | null
}

export type Damage = {
  readonly lines?: readonly BankLine[]
  readonly rows?: readonly RailRow[]
  /** Classes of the breaks it must be found as, in no order. */
  readonly found: readonly string[]
  /** Lines of the other bank account. */
  readonly otherLines?: readonly BankLine[]
  readonly foreignLines?: readonly BankLine[]
  readonly gap?: boolean
}

export type Scene = Stage & {
  /** Rail account whose rail sends settlement files. */
  readonly card: string
  /** Another bank account of the tenant and its rail account. */
  readonly other: {
    readonly accountNumber: string
    readonly railAccountId: string
    readonly beneficiaryAccountId: string
  }
}

export async function sceneOf(stage: Stage): Promise<Scene> {
  const { database, seeded } = stage
  const card = await seedRailAccount(database, seeded, { rail: 'vnpay' })
  await insertAll(database, 'rail_terms', [
    {
      tenant_id: seeded.tenantId,
      rail_account_id: card,
      valid_from: '2026-01-01',
      legs: 3,
      fee_flat: 0n,
      fee_ppm: 11_000n,
      created_by: 'test',
      created_at: seedTime,
      fee_tolerance: 0n,
    },
  ])
  const beneficiaryAccountId = anId('bac')
  await insertAll(database, 'beneficiary_accounts', [
    {
      id: beneficiaryAccountId,
      tenant_id: seeded.tenantId,
      agency_code: seeded.agencyCode,
      creditor: 'PUBLIC_POST',
      creditor_name: 'Bưu điện',
      creditor_tax_code: '0100111948',
      bank_bin: '970436',
      account_number: '990011223344',
      account_name: 'BUU DIEN',
      status: 'ACTIVE',
      created_at: seedTime,
    },
  ])
  const railAccountId = await seedRailAccount(database, { ...seeded, beneficiaryAccountId }, { rail: 'vietqr' })
  return { ...stage, card, other: { accountNumber: '990011223344', railAccountId, beneficiaryAccountId } }
}

/** No two plants share an amount, so that rule 5 joins nothing by chance. */
let amounts = 100_000n
const anAmount = (): bigint => (amounts += 1_001n)
const bankRef = (): string => `BK${randomBytes(5).toString('hex').toUpperCase()}`
const longAgo = new Date('2026-11-09T03:00:00Z')
const fee = (gross: bigint): bigint => (2n * gross * 11_000n + 1_000_000n) / 2_000_000n

async function card(scene: Scene, over: { total?: bigint; paidAt?: Date } = {}) {
  const total = over.total ?? anAmount()
  const invoice = await seedInvoice(scene.database, scene.seeded, { total, railAccountId: scene.card })
  const txn = `VNP${randomBytes(5).toString('hex')}`
  const paidAt = over.paidAt ?? seedTime
  await scene.settler.settle({
    outcome: aSuccess(scene.seeded, invoice, { accountId: scene.card, railTransactionId: txn, paidAt }),
    transferRail: false,
  })
  const row = (change: Partial<RailRow> = {}): RailRow => ({
    railTransactionId: txn,
    merchantRef: invoice.merchantRef,
    gross: total,
    fee: fee(total),
    net: total - fee(total),
    occurredAt: paidAt,
    status: 'SUCCEEDED',
    batchId: `B${txn}`,
    valueDate: '2026-11-20',
    ...change,
  })
  return { ...invoice, txn, row, net: total - fee(total) }
}

async function closedDrawer(scene: Scene, difference = 0n): Promise<{ code: string; amount: bigint }> {
  const drawer = await openDrawer(scene)
  const [one, two] = [await drawer.take(anAmount()), await drawer.take(anAmount())]
  return { code: codeOf(await drawer.close(difference)), amount: one.total + two.total }
}

export const damages: Readonly<Record<string, (scene: Scene) => Promise<Damage>>> = {
  async none(scene) {
    const paid = await scene.pay({ total: anAmount() })
    return { lines: [{ amount: paid.total, reference: paid.txn }], found: [] }
  },
  async referenceInText(scene) {
    const paid = await scene.pay({ total: anAmount() })
    const code = paid.payCode
    return {
      lines: [{ amount: paid.total, reference: bankRef(), text: `NOP PHÍ ${code.slice(0, 5)} ${code.slice(5)} HỒ SƠ` }],
      found: [],
    }
  },
  async amountOnly(scene) {
    const paid = await scene.pay({ total: anAmount() })
    return { lines: [{ amount: paid.total, reference: bankRef(), text: 'CHUYEN TIEN' }], found: [] }
  },
  async basket(scene) {
    const [one, two] = [await scene.pay({ total: anAmount() }), await scene.pay({ total: anAmount() })]
    return {
      lines: [{ amount: one.total + two.total, reference: bankRef(), text: `${one.payCode} VA ${two.payCode}` }],
      found: [],
    }
  },
  async split(scene) {
    const paid = await scene.pay({ total: anAmount() })
    return {
      lines: [
        { amount: paid.total - 40_000n, reference: bankRef(), customer: paid.txn },
        { amount: 40_000n, reference: bankRef(), text: `PHAN CON LAI ${paid.payCode}` },
      ],
      found: [],
    }
  },
  async splitShort(scene) {
    const paid = await scene.pay({ total: anAmount() })
    return {
      lines: [
        { amount: paid.total - 40_000n, reference: bankRef(), customer: paid.txn },
        { amount: 39_000n, reference: bankRef(), text: `PHAN CON LAI ${paid.payCode}` },
      ],
      found: ['AMBIGUOUS', 'AMBIGUOUS', 'CUT_OFF'],
    }
  },
  async cashDeposited(scene) {
    const { code, amount } = await closedDrawer(scene)
    return { lines: [{ amount, reference: bankRef(), text: `NOP TIEN MAT ${code}` }], found: [] }
  },
  async cashDepositedTogether(scene) {
    const [one, two] = [await closedDrawer(scene), await closedDrawer(scene)]
    return {
      lines: [{ amount: one.amount + two.amount, reference: bankRef(), text: `${one.code} ${two.code}` }],
      found: [],
    }
  },
  async cashOnHand(scene) {
    await closedDrawer(scene)
    return { found: ['CASH_ON_HAND'] }
  },
  async cashOverdue(scene) {
    const now = scene.environment.now()
    scene.environment.set(longAgo)
    await closedDrawer(scene)
    scene.environment.set(now)
    return { found: ['CASH_NOT_DEPOSITED'] }
  },
  async cashMore(scene) {
    const { code, amount } = await closedDrawer(scene)
    return { lines: [{ amount: amount + 1_000n, reference: bankRef(), text: code }], found: ['AMOUNT_MISMATCH'] }
  },
  async cashTakenBack(scene) {
    const drawer = await openDrawer(scene)
    await drawer.giveBack((await drawer.take(anAmount())).collectionId)
    return { found: [] }
  },
  async cashShort(scene) {
    const { code, amount } = await closedDrawer(scene, -5_000n)
    return { lines: [{ amount, reference: bankRef(), text: code }], found: [] }
  },
  async cashLeftAndShort(scene) {
    await closedDrawer(scene, -5_000n)
    return { found: ['CASH_ON_HAND', 'CASH_DIFFERENCE'] }
  },
  async unpaidTwoCodes(scene) {
    const one = await seedInvoice(scene.database, scene.seeded, { total: anAmount() })
    const two = await seedInvoice(scene.database, scene.seeded, { total: anAmount() })
    return {
      lines: [{ amount: one.total, reference: bankRef(), text: `${one.payCode} ${two.payCode}` }],
      found: ['AMBIGUOUS'],
    }
  },
  async lostNotice(scene) {
    const invoice = await seedInvoice(scene.database, scene.seeded, { total: anAmount() })
    return { lines: [{ amount: invoice.total, reference: bankRef(), text: invoice.payCode }], found: [] }
  },
  async cutOff(scene) {
    const paidAt = new Date('2026-11-20T16:59:58Z')
    await scene.pay({ total: anAmount(), paidAt })
    return { found: ['CUT_OFF'] }
  },
  async missingInBank(scene) {
    await scene.pay({ total: anAmount(), paidAt: longAgo })
    return { found: ['MISSING_IN_BANK'] }
  },
  async missingInGateway() {
    return {
      lines: [{ amount: anAmount(), reference: bankRef(), text: `NOP ${makePayCode(randomBytes(32))}` }],
      found: ['MISSING_IN_GATEWAY'],
    }
  },
  async amountMismatch(scene) {
    const paid = await scene.pay({ total: anAmount() })
    return { lines: [{ amount: paid.total - 1n, reference: paid.txn }], found: ['AMOUNT_MISMATCH'] }
  },
  async underpaid(scene) {
    const total = anAmount()
    const paid = await scene.pay({ total, amount: total - 500n })
    return { lines: [{ amount: total - 500n, reference: paid.txn }], found: ['AMOUNT_MISMATCH'] }
  },
  async duplicateCredit(scene) {
    const paid = await scene.pay({ total: anAmount() })
    const line = { amount: paid.total, reference: paid.txn }
    return { lines: [line, line], found: ['DUPLICATE_CREDIT'] }
  },
  async duplicatePayment(scene) {
    const paid = await scene.pay({ total: anAmount() })
    const again = `FT${randomBytes(5).toString('hex').toUpperCase()}`
    await scene.settler.settle({
      outcome: aSuccess(scene.seeded, paid, { railTransactionId: again }),
      transferRail: true,
    })
    return {
      lines: [
        { amount: paid.total, reference: paid.txn },
        { amount: paid.total, reference: again },
      ],
      found: ['DUPLICATE_PAYMENT'],
    }
  },
  async late(scene) {
    const invoice = await seedInvoice(scene.database, scene.seeded, { total: anAmount(), status: 'CANCELLED' })
    const txn = `FT${randomBytes(5).toString('hex').toUpperCase()}`
    await scene.settler.settle({
      outcome: aSuccess(scene.seeded, invoice, { railTransactionId: txn }),
      transferRail: true,
    })
    return { lines: [{ amount: invoice.total, reference: txn }], found: ['LATE'] }
  },
  async reversed(scene) {
    const paid = await scene.pay({ total: anAmount() })
    return {
      lines: [
        { amount: paid.total, reference: paid.txn },
        { amount: paid.total, reference: paid.txn, mark: 'RC' },
      ],
      found: ['REVERSED'],
    }
  },
  async reversalPair() {
    const line = { amount: anAmount(), reference: bankRef() }
    return { lines: [line, { ...line, mark: 'RC' as const }], found: [] }
  },
  async unreferenced() {
    return { lines: [{ amount: anAmount(), reference: bankRef(), text: 'CHUC MUNG NAM MOI' }], found: ['UNREFERENCED'] }
  },
  async ambiguous(scene) {
    const total = anAmount()
    await scene.pay({ total, paidAt: new Date('2026-11-20T05:00:00Z') })
    await scene.pay({ total, paidAt: new Date('2026-11-20T05:00:00Z') })
    // Both payments go on waiting for their lines, together with the others of that day.
    return { lines: [{ amount: total, reference: bankRef(), text: 'NOP PHI' }], found: ['AMBIGUOUS', 'CUT_OFF'] }
  },
  async wrongAccount(scene) {
    const invoice = await seedInvoice(
      scene.database,
      { ...scene.seeded, beneficiaryAccountId: scene.other.beneficiaryAccountId },
      { total: anAmount(), railAccountId: scene.other.railAccountId },
    )
    return { lines: [{ amount: invoice.total, reference: bankRef(), text: invoice.payCode }], found: ['WRONG_ACCOUNT'] }
  },
  async wrongCurrency() {
    return { foreignLines: [{ amount: anAmount(), reference: bankRef() }], found: ['WRONG_CURRENCY'] }
  },
  async batch(scene) {
    const [one, two] = [await card(scene), await card(scene)]
    const batch = { batchId: `B${bankRef()}` }
    return {
      rows: [one.row(batch), two.row(batch)],
      lines: [{ amount: one.net + two.net, reference: bankRef(), text: 'VNPAY QUYET TOAN' }],
      found: [],
    }
  },
  async feeMismatch(scene) {
    const paid = await card(scene)
    const wrong = fee(paid.total) + 700n
    const row = paid.row({ fee: wrong, net: paid.total - wrong })
    return { rows: [row], lines: [{ amount: row.net, reference: bankRef(), text: 'VNPAY' }], found: ['FEE_MISMATCH'] }
  },
  async statusMismatch(scene) {
    const paid = await card(scene)
    return { rows: [paid.row({ status: 'FAILED' })], found: ['STATUS_MISMATCH'] }
  },
  async missingInStatement(scene) {
    const paid = await card(scene, { paidAt: longAgo })
    return { rows: [paid.row({ valueDate: '2026-11-10' })], found: ['MISSING_IN_STATEMENT'] }
  },
  async missingInRail(scene) {
    const paid = await card(scene, { paidAt: longAgo })
    return { lines: [{ amount: paid.total, reference: paid.txn, day: '2026-11-20' }], found: ['MISSING_IN_RAIL'] }
  },
  async onlyInRailFile(scene) {
    const total = anAmount()
    const invoice = await seedInvoice(scene.database, scene.seeded, { total, railAccountId: scene.card })
    const row: RailRow = {
      railTransactionId: `VNP${randomBytes(5).toString('hex')}`,
      merchantRef: invoice.merchantRef,
      gross: total,
      fee: fee(total),
      net: total - fee(total),
      occurredAt: seedTime,
      status: 'SUCCEEDED',
      batchId: `B${bankRef()}`,
      valueDate: '2026-11-20',
    }
    return { rows: [row], lines: [{ amount: row.net, reference: bankRef(), text: 'VNPAY' }], found: [] }
  },
  async unknownInRailFile() {
    const total = anAmount()
    const row: RailRow = {
      railTransactionId: `VNP${randomBytes(5).toString('hex')}`,
      merchantRef: null,
      gross: total,
      fee: fee(total),
      net: total - fee(total),
      occurredAt: seedTime,
      status: 'SUCCEEDED',
      batchId: null,
      valueDate: null,
    }
    return { rows: [row], found: ['MISSING_IN_GATEWAY'] }
  },
  async refundUnconfirmed(scene) {
    await sentRefund(scene, anAmount(), new Date('2026-11-10T03:00:00Z'))
    return { found: ['REFUND_UNCONFIRMED'] }
  },
  async refundSeen(scene) {
    const amount = anAmount()
    await sentRefund(scene, amount, new Date('2026-11-19T03:00:00Z'))
    return { lines: [{ amount, reference: bankRef(), mark: 'D', text: 'HOAN TRA' }], found: [] }
  },
  async receiptMissing(scene) {
    const paid = await scene.pay({ total: anAmount() })
    return { lines: [{ amount: paid.total, reference: paid.txn }], found: ['RECEIPT_MISSING', 'RECEIPT_MISSING'] }
  },
  async notPushed(scene) {
    const paid = await scene.pay({ total: anAmount() })
    await deadDelivery(scene, paid.id)
    return { lines: [{ amount: paid.total, reference: paid.txn }], found: ['NOT_PUSHED'] }
  },
  async balanceGap() {
    return { gap: true, found: ['BALANCE_GAP'] }
  },
}

/** A payment of long ago, matched on paper, whose refund was sent to its rail. */
export async function sentRefund(
  scene: Pick<Scene, 'database' | 'seeded' | 'pay'>,
  amount: bigint,
  at: Date,
  status: 'SENT' | 'UNKNOWN' | 'FAILED' = 'SENT',
): Promise<{ readonly id: string; readonly railReference: string; readonly invoiceId: string }> {
  const { database, seeded } = scene
  const paid = await scene.pay({ total: amount * 2n, paidAt: longAgo })
  const refund = { id: anId('ref'), railReference: `RR${randomBytes(5).toString('hex')}`, invoiceId: paid.id }
  await insertAll(database, 'refunds', [
    {
      id: refund.id,
      tenant_id: seeded.tenantId,
      settlement_id: paid.settlementId,
      invoice_id: paid.id,
      origin: 'REQUEST',
      amount,
      status,
      reason: 'test',
      requested_by: 'officer-1',
      approved_by: 'officer-2',
      created_at: at,
      updated_at: at,
      channel: 'RAIL_REVERSAL',
      legal_basis: 'test',
      approved_at: at,
      sent_at: at,
      rail_reference: refund.railReference,
      items: [{ lineNo: 1, amount: amount.toString() }],
      inquiries: 0,
      needs_human: false,
      steps: 0,
    },
  ])
  // The payment itself is seen: its line came with another statement, matched by two officers.
  await database.query(
    `INSERT INTO reconciliation_items (run_id, settlement_id, counted_on, payment_day, rule_set_version, tenant_id, rail_account_id, rule, evidence)
     VALUES (0, $1, '2026-11-10', '2026-11-09', 1, $2, $3, 'OFFICER', '{}')`,
    [paid.settlementId, seeded.tenantId, seeded.railAccountId],
  )
  return refund
}

async function deadDelivery({ database, seeded }: Scene, invoiceId: string): Promise<void> {
  const endpointId = anId('whe')
  await insertAll(database, 'webhook_endpoints', [
    {
      id: endpointId,
      tenant_id: seeded.tenantId,
      client_id: seeded.clientId,
      url: 'https://dossiers.example/webhooks',
      secrets: [],
      status: 'PAUSED',
      created_at: seedTime,
      updated_at: seedTime,
      consecutive_failures: 0,
    },
  ])
  await database.query(
    `INSERT INTO deliveries (id, tenant_id, event_id, endpoint_id, invoice_id, invoice_seq, status, next_attempt_at, give_up_at, created_at)
     SELECT $1, tenant_id, id, $2, invoice_id, invoice_seq, 'DEAD', created_at, created_at, created_at FROM events WHERE invoice_id = $3 AND type = 'invoice.paid'`,
    [anId('dlv'), endpointId, invoiceId],
  )
}
