import t from 'tap'
import { newId } from '../../src/environment.ts'
import { adjustDue } from '../../src/receipt/adjustments.ts'
import { issueDue } from '../../src/receipt/issue.ts'
import { replaceReceipt } from '../../src/store/receipt-replacement.ts'
import { type ReceiptBench, receiptBench } from '../harness/receipts.ts'
import { anId, type SeededInvoice } from '../harness/seed.ts'

type Takes = readonly (readonly [receiptId: string | undefined, amount: bigint])[]

/** A refund that is done and has queued what it takes off which receipt. */
async function queueRefund(
  bench: ReceiptBench,
  invoice: SeededInvoice,
  takes: Takes,
  refundId = anId('ref'),
): Promise<string> {
  await bench.database.query(
    `INSERT INTO refunds (id, tenant_id, settlement_id, invoice_id, origin, amount, status, reason, requested_by, created_at, updated_at)
     SELECT $1, tenant_id, id, invoice_id, 'REQUEST', 1, 'REQUESTED', 'Hồ sơ không đủ điều kiện', 'canbo01', now(), now()
       FROM settlements WHERE invoice_id = $2 ON CONFLICT (id) DO NOTHING`,
    [refundId, invoice.id],
  )
  for (const [receiptId, amount] of takes)
    await bench.database.query(
      `INSERT INTO receipt_adjustments (id, tenant_id, receipt_id, refund_id, amount, status, requested_at)
       VALUES ($1, $2, $3, $4, $5, 'REQUESTED', now())`,
      [anId('ref'), bench.seeded.tenantId, receiptId ?? '', refundId, amount],
    )
  return refundId
}

/** The same, worked off. Returns the ids of the adjusting receipts. */
async function refund(
  bench: ReceiptBench,
  invoice: SeededInvoice,
  takes: Takes,
  refundId = anId('ref'),
): Promise<string[]> {
  await queueRefund(bench, invoice, takes, refundId)
  await adjustDue(bench.options)
  return (await bench.database.query<{ id: string }>('SELECT id FROM receipts WHERE refund_id = $1', [refundId])).map(
    ({ id }) => id,
  )
}

const documentOf = (jws: string | null | undefined) =>
  JSON.parse(Buffer.from(jws?.split('.')[1] ?? '', 'base64url').toString())

t.test('a refund makes adjusting receipts with numbers of their own; the originals stay, as ADJUSTED', async (t) => {
  const bench = await receiptBench(t)
  const invoice = await bench.pay()
  await issueDue(bench.options)
  const before = await bench.receipts(invoice.id)
  bench.environment.advance(86_400_000)
  const whole = [[before[0]?.id, 50_000n] as const, [before[1]?.id, 8_000n] as const]
  t.equal((await refund(bench, invoice, whole)).length, 2)
  t.match(
    (await bench.receipts(invoice.id)).map(({ status }) => status),
    ['ISSUED', 'ISSUED', 'REQUESTED', 'REQUESTED'],
    'nothing changes before the new ones are issued',
  )
  t.equal(await issueDue(bench.options), 2)
  const after = (await bench.receipts(invoice.id)).sort(
    (one, other) => Number(one.relation !== null) - Number(other.relation !== null),
  )
  t.match(after, [
    { id: before[0]?.id ?? '', status: 'ADJUSTED', amount: 50_000n, jws: before[0]?.jws ?? '' },
    { id: before[1]?.id ?? '', status: 'ADJUSTED', amount: 8_000n },
    {
      relation: 'ADJUSTS',
      relatesToId: before[0]?.id ?? '',
      amount: -50_000n,
      status: 'ISSUED',
      issuedOn: '2026-11-21',
    },
    { relation: 'ADJUSTS', relatesToId: before[1]?.id ?? '', amount: -8_000n, status: 'ISSUED' },
  ])
  t.same(after.map(({ number }) => number).sort(), [1, 2, 3, 4])
  t.match(documentOf(after[2]?.jws), {
    title: 'Biên lai thu lệ phí (điều chỉnh)',
    items: [{ name: 'Điều chỉnh giảm: Lệ phí cấp thẻ', amount: -50_000 }],
    total: -50_000,
    totalInWords: 'Giảm: Năm mươi nghìn đồng',
    related: {
      relation: 'ADJUSTS',
      template: 'EBL01',
      symbol: '26TAA',
      number: before[0]?.number ?? 0,
      issuedOn: '2026-11-20',
    },
    reason: 'Hồ sơ không đủ điều kiện',
  })
  const [event] = await bench.database.query<{ body: string }>(
    'SELECT body FROM events WHERE invoice_id = $1 ORDER BY invoice_seq DESC LIMIT 1',
    [invoice.id],
  )
  t.match(JSON.parse(event?.body ?? ''), { type: 'receipt.issued', data: { receipt: { relation: 'ADJUSTS' } } })
})

t.test('the same refund again adjusts nothing more', async (t) => {
  const bench = await receiptBench(t)
  const invoice = await bench.pay()
  await issueDue(bench.options)
  const [levy] = await bench.receipts(invoice.id)
  const refundId = anId('ref')
  const first = await refund(bench, invoice, [[levy?.id, 50_000n]], refundId)
  t.same(await refund(bench, invoice, [], refundId), first)
  await bench.database.query(`UPDATE receipt_adjustments SET status = 'REQUESTED'`, [])
  t.same(await refund(bench, invoice, [], refundId), first)
  t.equal((await bench.receipts(invoice.id)).length, 3)
})

t.test('several refunds never take back more than a receipt stands for', async (t) => {
  const bench = await receiptBench(t)
  const invoice = await bench.pay()
  await issueDue(bench.options)
  const [levy] = await bench.receipts(invoice.id)
  await refund(bench, invoice, [[levy?.id, 30_000n]])
  await refund(bench, invoice, [[levy?.id, 20_000n]])
  t.same(await refund(bench, invoice, [[levy?.id, 1n]]), [])
  t.ok(bench.logged.some(({ level, msg }) => level === 'error' && /a human must look/.test(msg)))
  await issueDue(bench.options)
  const [sum] = await bench.database.query<{ sum: bigint }>(
    `SELECT sum(amount)::bigint AS sum FROM receipts WHERE kind = 'LE_PHI'`,
    [],
  )
  t.equal(sum?.sum, 0n)
  t.same(
    (await bench.receipts(invoice.id)).map(({ kind, relation, status }) => `${kind} ${relation} ${status}`).sort(),
    ['LE_PHI ADJUSTS ISSUED', 'LE_PHI ADJUSTS ISSUED', 'LE_PHI null ADJUSTED', 'PHI null ISSUED'],
  )
})

t.test('a wrong payer is put right by a receipt in the place of the first, once', async (t) => {
  const bench = await receiptBench(t)
  const invoice = await bench.pay()
  await issueDue(bench.options)
  const [original] = await bench.receipts(invoice.id)
  const correct = (tenantId = bench.seeded.tenantId) =>
    bench.database.transaction((tx) =>
      replaceReceipt(
        tx,
        {
          tenantId,
          receiptId: original?.id ?? '',
          payerName: 'Lê Thị Đúng',
          reason: 'Sai tên người nộp',
          actor: 'canbo01',
        },
        bench.environment.now(),
        () => newId(bench.environment, 'rcp'),
      ),
    )
  t.match(await correct('ten_other'), { ok: false, why: 'notFound' })
  t.match(await correct(), { ok: true })
  t.match(await correct(), { ok: false, why: 'notStanding' })
  await issueDue(bench.options)
  const replacement = (await bench.receipts(invoice.id)).find(({ relation }) => relation === 'REPLACES')
  t.match(replacement, { status: 'ISSUED', amount: 50_000n, number: 3 })
  t.match(documentOf(replacement?.jws), {
    payer: { name: 'Lê Thị Đúng' },
    related: { relation: 'REPLACES', number: original?.number },
  })
  const first = (await bench.receipts(invoice.id)).find(({ id }) => id === original?.id)
  t.match(first, { status: 'REPLACED', number: original?.number, jws: original?.jws })
  t.equal((await refund(bench, invoice, [[original?.id, 50_000n]])).length, 1)
  t.ok(
    (await bench.receipts(invoice.id)).some(
      ({ relatesToId, relation }) => relation === 'ADJUSTS' && relatesToId === replacement?.id,
    ),
  )
})

t.test(
  'the queue of refunds is worked off once, along replacements, and never beyond what a receipt stands for',
  async (t) => {
    const bench = await receiptBench(t)
    const invoice = await bench.pay()
    await issueDue(bench.options)
    const [levy, fee] = await bench.receipts(invoice.id)
    const queue = (receiptId: string | undefined, amount: bigint) => queueRefund(bench, invoice, [[receiptId, amount]])
    await queue(levy?.id, 20_000n)
    const worked = await Promise.all(Array.from({ length: 5 }, () => adjustDue(bench.options)))
    t.equal(
      worked.reduce((sum, count) => sum + count, 0),
      1,
    )
    await issueDue(bench.options)
    const adjusting = (await bench.receipts(invoice.id)).find(({ relation }) => relation === 'ADJUSTS')
    t.match(adjusting, { amount: -20_000n, relatesToId: levy?.id, status: 'ISSUED' })
    await queue(adjusting?.id, 1_000n)
    t.equal(await adjustDue(bench.options), 1, 'an adjustment is not adjusted')
    t.equal((await bench.receipts(invoice.id)).length, 3)
    await bench.database.transaction((tx) =>
      replaceReceipt(
        tx,
        {
          tenantId: bench.seeded.tenantId,
          receiptId: fee?.id ?? '',
          payerName: 'Lê Thị Đúng',
          reason: 'Sai tên',
          actor: 'canbo01',
        },
        bench.environment.now(),
        () => newId(bench.environment, 'rcp'),
      ),
    )
    await issueDue(bench.options)
    await queue(fee?.id, 8_000n)
    await adjustDue(bench.options)
    const replacement = (await bench.receipts(invoice.id)).find(({ relation }) => relation === 'REPLACES')
    t.ok(
      (await bench.receipts(invoice.id)).some(
        ({ relatesToId, amount }) => relatesToId === replacement?.id && amount === -8_000n,
      ),
    )
    await queue(levy?.id, 30_001n)
    t.equal(await adjustDue(bench.options), 0)
    t.ok(bench.logged.some(({ level, msg }) => level === 'error' && /a human must look/.test(msg)))
  },
)
