/** The sweeper over real books: every class is planted past the service's grants, and found, repaired or told of. */
import t, { type Test } from 'tap'
import { type ParityCode, type ParityScope, parityClasses, parityCodes, parityScopes } from '../../src/domain/parity.ts'
import { createSettler } from '../../src/settlement/group.ts'
import { openDatabase } from '../../src/store/database.ts'
import { type Finding, nextRows } from '../../src/store/parity.ts'
import { findAllDiscrepancies, findDiscrepancies } from '../../src/store/parity-checks.ts'
import { insertAll } from '../../src/store/rows.ts'
import { type ParityOptions, parityBatch, repaired, sweepParity } from '../../src/watch/parity.ts'
import { asOwner, type ReceiptBench, receiptBench } from '../harness/receipts.ts'
import { anId, aSuccess, seedInvoice, seedRailAccount, seedTime } from '../harness/seed.ts'

const minute = 60_000

type Bench = ReceiptBench & {
  readonly sweeper: ParityOptions
  owner(statement: string, values?: readonly unknown[]): Promise<object[]>
  /** Time goes on far enough for every pass to be due and every row to be old enough. */
  sweep(): Promise<void>
  findings(): Promise<{ code: string; subject: string; resolution: string | null }[]>
}

async function parityBench(t: Test): Promise<Bench> {
  const bench = await receiptBench(t)
  const { database, environment, metrics, options, url, seeded } = bench
  await insertAll(database, 'webhook_endpoints', [
    {
      id: anId('whe'),
      tenant_id: seeded.tenantId,
      client_id: seeded.clientId,
      url: 'https://dossiers.example/',
      secrets: [{ secret: 'whsec_x' }],
      status: 'ACTIVE',
      consecutive_failures: 0,
      created_at: seedTime,
      updated_at: seedTime,
    },
  ])
  const sweeper = { database, environment, metrics, log: options.log }
  return {
    ...bench,
    sweeper,
    owner: (statement, values) => asOwner(url, statement, values),
    async sweep() {
      environment.advance(7 * 60 * minute)
      await sweepParity(sweeper)
    },
    findings: () =>
      database.query(
        'SELECT code, subject, resolution FROM parity_findings ORDER BY code, subject, found_at, resolved_at',
        [],
      ),
  }
}

/** A paid invoice, a duplicate, an excess, too little, an orphan and a reversal. */
async function allKindsOfMoney(bench: Bench) {
  const { database, environment, seeded } = bench
  const qr = await seedRailAccount(database, seeded, { rail: 'vietqr' })
  const settler = createSettler({ database, environment })
  const settle = async (outcome: ReturnType<typeof aSuccess>) => {
    const { settlementId } = await settler.settle({ outcome, transferRail: outcome.accountId === qr })
    if (settlementId === null) throw new Error('nothing was settled')
    return settlementId
  }
  const fresh = () => seedInvoice(database, seeded, { expiresAt: new Date(environment.now().getTime() + 86_400_000) })
  const [paid, twice, more, less, back] = [await fresh(), await fresh(), await fresh(), await fresh(), await fresh()]
  const now = environment.now()
  const applied = await settle(aSuccess(seeded, paid, { paidAt: now }))
  await settle(aSuccess(seeded, twice, { paidAt: now }))
  const duplicate = await settle(aSuccess(seeded, twice, { paidAt: now }))
  const byCode = { accountId: qr, rail: 'vietqr', paidAt: now }
  await settle(aSuccess(seeded, more, { ...byCode, merchantRef: more.payCode, amount: more.total + 2_000n }))
  await settle(aSuccess(seeded, less, { ...byCode, merchantRef: less.payCode, amount: 9n }))
  await settle(aSuccess(seeded, less, { merchantRef: 'NOBODY', paidAt: now }))
  const success = aSuccess(seeded, back, { paidAt: now })
  await settle(success)
  const reversal = await settle({ ...success, kind: 'reversed' })
  await settler.close()
  return { paid, twice, applied, duplicate, reversal }
}

type Money = Awaited<ReturnType<typeof allKindsOfMoney>>

/** How each class comes about: statements of somebody who can do everything, and the row that no longer ties. */
const planted: Readonly<
  Record<ParityCode, (bench: Bench, money: Money) => Promise<{ subject: string; besides?: readonly ParityCode[] }>>
> = {
  LEDGER_NOT_ZERO: async ({ owner }, { applied }) => {
    const [row] = (await owner(
      `UPDATE ledger_postings SET amount = amount - 1 WHERE line_no = 2 AND transaction_id = (SELECT id FROM ledger_transactions WHERE settlement_id = $1) RETURNING transaction_id AS id`,
      [applied],
    )) as { id: string }[]
    return { subject: row?.id ?? '' }
  },
  SETTLEMENT_UNBOOKED: async ({ owner }, { applied }) => {
    await owner(
      `DELETE FROM ledger_postings WHERE transaction_id = (SELECT id FROM ledger_transactions WHERE settlement_id = $1)`,
      [applied],
    )
    await owner('DELETE FROM ledger_transactions WHERE settlement_id = $1', [applied])
    return { subject: applied }
  },
  SETTLEMENT_BOOKED_WRONG: async ({ owner }, { applied }) => {
    await owner(
      `UPDATE ledger_postings SET amount = amount * 2 WHERE transaction_id = (SELECT id FROM ledger_transactions WHERE settlement_id = $1)`,
      [applied],
    )
    return { subject: applied }
  },
  SETTLEMENT_WRONG_CREDITOR: async ({ owner }, { paid, applied }) => {
    await owner(
      `INSERT INTO beneficiary_accounts SELECT 'bac_other', tenant_id, agency_code, creditor, creditor_name, creditor_tax_code, bank_bin, '999', account_name, status, created_at
         FROM beneficiary_accounts LIMIT 1`,
    )
    await owner(`UPDATE invoices SET beneficiary_account_id = 'bac_other' WHERE id = $1`, [paid.id])
    return { subject: applied }
  },
  SETTLEMENT_UNTOLD: async ({ owner }, { applied }) => {
    await owner('DELETE FROM journal_entries WHERE subject = $1', [applied])
    return { subject: applied }
  },
  REFUNDS_BEYOND_PAID: async ({ owner }, { duplicate }) => {
    await owner(
      `ALTER TABLE refunds DISABLE TRIGGER USER; UPDATE refunds SET amount = amount + 1 WHERE settlement_id = '${duplicate}'; ALTER TABLE refunds ENABLE TRIGGER USER`,
    )
    return { subject: duplicate }
  },
  MONEY_WITHOUT_CASE: async ({ owner }, { duplicate }) => {
    await owner(
      `DELETE FROM refund_steps WHERE refund_id IN (SELECT id FROM refunds WHERE settlement_id = '${duplicate}'); DELETE FROM refunds WHERE settlement_id = '${duplicate}'`,
    )
    return { subject: duplicate }
  },
  INVOICE_TOTAL_WRONG: async ({ owner }, { paid }) => {
    await owner(`UPDATE invoice_items SET kind = 'FINE', gross = gross + 1, net = net + 1 WHERE invoice_id = $1`, [
      paid.id,
    ])
    await owner('DELETE FROM receipts WHERE invoice_id = $1', [paid.id])
    return { subject: paid.id }
  },
  PAID_WITHOUT_SUCCESS: async ({ owner, seeded, database, environment }) => {
    const { id, paymentId } = await seedInvoice(database, seeded, { paymentStatus: 'FAILED' })
    await owner(`UPDATE invoices SET status = 'PAID', updated_at = $2 WHERE id = $1`, [id, environment.now()])
    await owner('DELETE FROM payments WHERE id = $1', [paymentId])
    return { subject: id, besides: ['PAID_NOT_TOLD'] }
  },
  SUCCESS_WITHOUT_PAID: async ({ owner }, { paid }) => {
    await owner(`UPDATE invoices SET status = 'ISSUED' WHERE id = $1`, [paid.id])
    return { subject: paid.id, besides: ['RECEIPT_NOT_OWED'] }
  },
  PAID_NOT_TOLD: async ({ owner }, { paid }) => {
    await owner(
      `DELETE FROM deliveries WHERE invoice_id = '${paid.id}'; DELETE FROM events WHERE invoice_id = '${paid.id}'`,
    )
    return { subject: paid.id }
  },
  PAID_WITHOUT_RECEIPT: async ({ owner }, { paid }) => {
    await owner(`DELETE FROM receipts WHERE invoice_id = $1 AND kind = 'PHI'`, [paid.id])
    return { subject: paid.id }
  },
  RECEIPT_NOT_OWED: async ({ owner }, { paid }) => {
    const [row] = (await owner(
      `UPDATE receipts SET amount = amount + 1 WHERE invoice_id = $1 AND kind = 'PHI' RETURNING id`,
      [paid.id],
    )) as { id: string }[]
    return { subject: row?.id ?? '' }
  },
  ATTEMPT_LEFT_OPEN: async ({ owner }, { paid }) => {
    await owner(`UPDATE payments SET status = 'UNKNOWN', next_inquiry_at = updated_at WHERE id = $1`, [paid.paymentId])
    return { subject: paid.paymentId }
  },
  ATTEMPT_WITHOUT_MONEY: async ({ owner, seeded, database }) => {
    const { paymentId } = await seedInvoice(database, seeded)
    await owner(`UPDATE payments SET status = 'SUCCEEDED' WHERE id = $1`, [paymentId])
    return { subject: paymentId }
  },
  EVENT_WITHOUT_DELIVERY: async ({ owner }, { paid }) => {
    const [row] = (await owner('DELETE FROM deliveries WHERE invoice_id = $1 RETURNING event_id AS id', [paid.id])) as {
      id: string
    }[]
    return { subject: row?.id ?? '' }
  },
  REFUND_BOOKED_WRONG: async ({ owner }, { duplicate }) => {
    const [row] = (await owner(
      `WITH r AS (SELECT id, tenant_id FROM refunds WHERE settlement_id = $1),
            t AS (INSERT INTO ledger_transactions (id, tenant_id, refund_id, kind, booked_at) SELECT 'ltx_planted', tenant_id, id, 'REFUND', now() FROM r RETURNING id)
       INSERT INTO ledger_postings SELECT t.id, line, 'rail:planted', (3 - 2 * line) * 5 FROM t, generate_series(1, 2) AS line RETURNING (SELECT id FROM r) AS id`,
      [duplicate],
    )) as { id: string }[]
    return { subject: row?.id ?? '' }
  },
}

t.test('books with every kind of money tie, and nothing is found', async (t) => {
  const bench = await parityBench(t)
  await sweepParity(bench.sweeper)
  await allKindsOfMoney(bench)
  await bench.sweep()
  await bench.sweep()
  t.same(await bench.findings(), [])
  t.same(await findAllDiscrepancies(bench.database), [])
  const passes = await bench.database.query<{ places: bigint; finished: bigint }>(
    `SELECT count(*) FILTER (WHERE after_id <> '') AS places, count(finished_at) AS finished FROM parity_passes`,
    [],
  )
  t.same(passes, [{ places: 7n, finished: 7n }], 'every table was walked, by both passes')
})

for (const code of parityCodes) {
  const { action } = parityClasses[code]
  t.test(`${code} is ${action === 'repair' ? 'repaired' : 'told of, and left as it is'}`, async (t) => {
    const bench = await parityBench(t)
    const money = await allKindsOfMoney(bench)
    const { subject, besides = [] } = await planted[code](bench, money)
    await bench.sweep()
    const found = await bench.findings()
    const expected = [
      { code, subject, resolution: action === 'repair' ? 'REPAIRED' : null },
      ...found.filter((other) => besides.includes(other.code as ParityCode)),
    ]
    t.same(
      found,
      expected.sort((a, b) => (a.code < b.code ? -1 : 1)),
    )
    t.equal(new Set(found.map((finding) => finding.code)).size, 1 + besides.length)
    const lines = bench.logged.filter((line) => line.code === code)
    t.equal(lines.length, 1)
    t.match(lines[0], action === 'repair' ? { level: 'warn', subject } : { level: 'error', subject, remedy: /./ })
    const told = await bench.database.query<{ kind: string }>(
      `SELECT kind FROM journal_entries WHERE subject = $1 AND kind = 'parity.repaired'`,
      [subject],
    )
    t.equal(told.length, action === 'repair' ? 1 : 0)
    const gauge = (await bench.metrics.parityFindings.get()).values.find(({ labels }) => labels.code === code)
    t.equal(gauge?.value, action === 'repair' ? 0 : 1)

    await bench.sweep()
    t.same(await bench.findings(), found, 'the next round finds nothing new')
    t.equal(bench.logged.filter((line) => line.code === code).length, 1, 'and says it once')
    if (action === 'repair') t.same(await findAllDiscrepancies(bench.database), [])
  })
}

t.test('a finding that ties again is closed', async (t) => {
  const bench = await parityBench(t)
  const money = await allKindsOfMoney(bench)
  await planted.RECEIPT_NOT_OWED(bench, money)
  await bench.sweep()
  t.match(await bench.findings(), [{ resolution: null }])
  await bench.owner(`UPDATE receipts SET amount = amount - 1 WHERE invoice_id = $1 AND kind = 'PHI'`, [money.paid.id])
  await bench.sweep()
  t.match(await bench.findings(), [{ resolution: 'GONE' }])
  await bench.owner(`UPDATE receipts SET amount = amount + 1 WHERE invoice_id = $1 AND kind = 'PHI'`, [money.paid.id])
  await bench.sweep()
  t.match(
    await bench.findings(),
    [{ resolution: 'GONE' }, { resolution: null }],
    'what breaks again is a finding again',
  )
})

t.test('three replicas at once repair everything once', async (t) => {
  const bench = await parityBench(t)
  const money = await allKindsOfMoney(bench)
  const codes = parityCodes.filter((code) => parityClasses[code].action === 'repair')
  for (const code of codes) await planted[code](bench, money)
  bench.environment.advance(7 * 60 * minute)
  const replicas = Array.from({ length: 3 }, () => {
    const database = openDatabase({
      url: bench.url,
      maxConnections: 5,
      log: bench.sweeper.log,
      serviceRole: 'feegate_service',
    })
    t.teardown(() => database.close())
    return { ...bench.sweeper, database }
  })
  // Past the leases, as if two of them had run out: the same findings in all hands at once.
  const found = await findAllDiscrepancies(bench.database)
  t.equal(found.length, codes.length)
  await Promise.all(
    replicas.flatMap((replica) =>
      found.map((one): Promise<boolean> => repaired(replica, { ...one, id: anId('pfd') } satisfies Finding)),
    ),
  )
  await Promise.all(replicas.map((replica) => sweepParity(replica)))
  const count = async (sql: string) =>
    (await bench.database.query<{ n: bigint }>(`SELECT count(*) AS n ${sql}`, []))[0]?.n
  t.equal(await count(`FROM journal_entries WHERE kind = 'parity.repaired'`), BigInt(codes.length))
  t.equal(await count('FROM parity_findings'), BigInt(codes.length))
  t.equal(await count(`FROM refunds WHERE settlement_id = '${money.duplicate}'`), 1n)
  t.equal(await count(`FROM receipts WHERE invoice_id = '${money.paid.id}'`), 2n)
  t.equal(await count(`FROM deliveries WHERE invoice_id = '${money.paid.id}'`), 1n)
  t.same(await findAllDiscrepancies(bench.database), [])
})

t.test('a replica that dies in its round leaves it to another once its lease has ended', async (t) => {
  const bench = await parityBench(t)
  const money = await allKindsOfMoney(bench)
  await planted.PAID_WITHOUT_RECEIPT(bench, money)
  bench.environment.advance(7 * 60 * minute)
  const { database, environment } = bench
  // Dies with a pass in its hands: nothing it claimed is ended.
  const dying = { ...bench.sweeper, database: { ...database, query: failAfterClaim(database.query) } }
  await t.rejects(sweepParity(dying))
  await database.query(`UPDATE parity_passes SET lease_until = $1`, [
    new Date(environment.now().getTime() + 2 * minute),
  ])
  await sweepParity(bench.sweeper)
  t.same(await bench.findings(), [], 'the lease holds')
  environment.advance(3 * minute)
  await sweepParity(bench.sweeper)
  t.match(await bench.findings(), [{ code: 'PAID_WITHOUT_RECEIPT', resolution: 'REPAIRED' }])
})

function failAfterClaim(query: ParityOptions['database']['query']): ParityOptions['database']['query'] {
  return (text, values) => (/ORDER BY id LIMIT/.test(text) ? Promise.reject(new Error('killed')) : query(text, values))
}

t.test('rows that are a moment old wait: what is being committed is never looked at half', async (t) => {
  const bench = await parityBench(t)
  const money = await allKindsOfMoney(bench)
  await planted.SETTLEMENT_UNTOLD(bench, money)
  await sweepParity(bench.sweeper)
  t.same(await bench.findings(), [])
  bench.environment.advance(2 * minute)
  await sweepParity(bench.sweeper)
  t.match(await bench.findings(), [{ code: 'SETTLEMENT_UNTOLD' }])
})

t.test('what changes between two full passes is seen minutes later', async (t) => {
  const bench = await parityBench(t)
  const money = await allKindsOfMoney(bench)
  await bench.sweep()
  await bench.owner(`UPDATE payments SET status = 'UNKNOWN', updated_at = $2 WHERE id = $1`, [
    money.paid.paymentId,
    bench.environment.now(),
  ])
  bench.environment.advance(2 * minute)
  await sweepParity(bench.sweeper)
  t.match(await bench.findings(), [{ code: 'ATTEMPT_LEFT_OPEN', resolution: 'REPAIRED' }])
})

t.test('a round is bounded, and says when more recent rows wait', async (t) => {
  const bench = await parityBench(t)
  const { seeded, database, environment } = bench
  await insertAll(
    database,
    'events',
    Array.from({ length: parityBatch + 1 }, () => ({
      id: anId('evt'),
      tenant_id: seeded.tenantId,
      client_id: seeded.clientId,
      type: 'basket.paid',
      body: '{}',
      created_at: environment.now(),
    })),
  )
  environment.advance(2 * minute)
  t.equal(await sweepParity(bench.sweeper), 1)
  t.equal((await bench.findings()).length, parityBatch)
  t.equal(await sweepParity(bench.sweeper), 0)
  t.equal((await bench.findings()).length, parityBatch + 1)
})

t.test('every question and the next rows of every pass go by an index', async (t) => {
  const { database } = await parityBench(t)
  const until = new Date(seedTime.getTime() + minute)
  const plans: [string, string][] = []
  await database.transaction(async (tx) => {
    await tx.query('SET LOCAL enable_seqscan = off', [])
    // As the owner: the service's policies add a look at parents that the system's own sessions never take.
    await tx.query('SET LOCAL ROLE NONE', [])
    const explain = (name: string) => ({
      query: async <Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> => {
        plans.push([name, JSON.stringify(await tx.query(`EXPLAIN ${text}`, values))])
        return []
      },
    })
    for (const code of parityCodes) await findDiscrepancies(explain(code), code, ['x'])
    for (const scope of Object.keys(parityScopes) as ParityScope[])
      for (const kind of ['RECENT', 'FULL'] as const)
        await nextRows(
          explain(`${kind} ${scope}`),
          { scope, kind, afterAt: seedTime, afterId: 'a', leaseUntil: until },
          { until, untilId: 'z', limit: 5 },
        )
  })
  t.equal(plans.length, parityCodes.length + 14)
  // PostgreSQL would rather use anything else here: a sequential scan is left only where no index serves.
  t.same(
    plans.filter(([, plan]) => /Seq Scan/.test(plan)),
    [],
  )
})
