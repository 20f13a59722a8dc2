/** The invariants of DESIGN §6, as questions to the database and to those outside. Each answers with what is wrong; nothing is well. */

import { readProofs, verifyProvenReceipt } from '../../src/journal/proof.ts'
import { verifyJournal } from '../../src/journal/verify.ts'
import { checkReconciled } from '../../src/reconciliation/invariant.ts'
import { keysOfJwks } from '../../src/signing/compact-jws.ts'
import type { KeyRing } from '../../src/signing/key-ring.ts'
import type { Query, Transaction } from '../../src/store/database.ts'
import { findAllDiscrepancies } from '../../src/store/parity-checks.ts'
import type { Server } from './engine/postgres.ts'
import { lifecycles } from './lifecycles.ts'
import { bankMoney, returnedMoney } from './stage/money.ts'
import { railOf } from './stage/rails.ts'
import type { Stage } from './stage/stage.ts'

type Invariant = { readonly name: string; readonly sql: string }

/** True at any moment, between any two statements that are committed. */
const always: readonly Invariant[] = [
  {
    name: 'I1 postings of a transaction sum to zero',
    sql: `SELECT transaction_id AS what FROM ledger_postings GROUP BY transaction_id HAVING sum(amount) <> 0`,
  },
  {
    name: 'I1 every settlement has its ledger transaction',
    sql: `SELECT s.id AS what FROM settlements s LEFT JOIN ledger_transactions t ON t.settlement_id = s.id
           LEFT JOIN ledger_postings p ON p.transaction_id = t.id GROUP BY s.id HAVING count(p.line_no) = 0`,
  },
  {
    name: 'I2 an invoice is paid exactly when one applied success covers it',
    sql: `SELECT i.id || ' ' || i.status || ' with ' || count(s.id) AS what
            FROM invoices i LEFT JOIN settlements s ON s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID') AND s.amount >= i.total
           GROUP BY i.id HAVING (i.status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')) <> (count(s.id) = 1)`,
  },
  {
    name: 'I2 every other success has a refund case',
    sql: `SELECT s.id || ' ' || s.disposition AS what FROM settlements s
           WHERE s.direction = 'IN' AND s.disposition <> 'APPLIED' AND NOT EXISTS (SELECT FROM refunds r WHERE r.settlement_id = s.id)`,
  },
  {
    name: 'I2 what covers an invoice came to its creditor',
    sql: `SELECT s.id AS what FROM settlements s JOIN invoices i ON i.id = s.invoice_id JOIN rail_accounts a ON a.id = s.rail_account_id
           WHERE s.disposition IN ('APPLIED', 'OVERPAID') AND a.beneficiary_account_id <> i.beneficiary_account_id`,
  },
  {
    name: 'I3 one rail transaction settles once',
    sql: `SELECT rail_account_id || ' ' || rail_transaction_id AS what FROM settlements GROUP BY rail_account_id, rail_transaction_id, direction HAVING count(*) > 1`,
  },
  {
    name: 'I5 every paid invoice has exactly one paid event, with a delivery to every endpoint',
    sql: `SELECT i.id AS what FROM invoices i
           WHERE i.status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED')
             AND (SELECT count(*) FROM events e WHERE e.invoice_id = i.id AND e.type = 'invoice.paid') <> 1
          UNION ALL
          SELECT e.id FROM events e JOIN webhook_endpoints w ON w.client_id = e.client_id AND w.created_at <= e.created_at
           WHERE NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = e.id AND d.endpoint_id = w.id)`,
  },
  {
    name: 'I6 a success never becomes anything else',
    sql: `SELECT p.id || ' ' || p.status AS what FROM payments p WHERE p.status <> 'SUCCEEDED'
            AND EXISTS (SELECT FROM settlements s WHERE s.payment_id = p.id AND s.disposition IN ('APPLIED', 'OVERPAID'))`,
  },
  {
    name: 'I8 totals equal items, refunds never exceed what was paid',
    sql: `SELECT i.id AS what FROM invoices i JOIN invoice_items n ON n.invoice_id = i.id GROUP BY i.id HAVING sum(n.net) <> i.total
          UNION ALL
          SELECT s.id FROM settlements s JOIN refunds r ON r.settlement_id = s.id AND r.status NOT IN ('REJECTED', 'FAILED') GROUP BY s.id HAVING sum(r.amount) > s.amount`,
  },
  {
    name: 'receipts of a series are numbered from its first number on, without a gap and each once',
    sql: `SELECT s.symbol || ' up to ' || s.used_number AS what FROM receipt_series s LEFT JOIN receipts r ON r.series_id = s.id
           GROUP BY s.id HAVING count(DISTINCT r.number) <> s.used_number - s.first_number + 1 OR count(r.number) <> count(DISTINCT r.number)
              OR coalesce(max(r.number), s.first_number - 1) <> s.used_number`,
  },
  {
    name: 'a paid invoice has its receipts, and no other has any',
    sql: `SELECT i.id AS what FROM invoices i
           WHERE (SELECT count(DISTINCT (n.kind, n.creditor_tax_code)) FROM invoice_items n WHERE n.invoice_id = i.id AND n.kind IN ('PHI', 'LE_PHI') AND n.net > 0
                     AND i.status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED'))
              <> (SELECT count(*) FROM receipts r WHERE r.invoice_id = i.id AND r.relation IS NULL)`,
  },
  {
    name: 'I10 batches of the journal follow each other without a gap, each as full as it says',
    sql: `SELECT 'batch ' || b.number AS what
            FROM journal_batches b LEFT JOIN journal_batches before ON before.number = b.number - 1
           WHERE b.previous IS DISTINCT FROM before.chain OR b.sealed_at < before.sealed_at
              OR (SELECT count(*) FROM journal_checkpoints c WHERE c.batch = b.number) <> 1
              OR b.size <> (SELECT count(*) FROM journal_places p WHERE p.batch = b.number AND p.position < b.size)
          UNION ALL
          SELECT 'entry ' || e.seq FROM journal_entries e LEFT JOIN journal_places p ON p.seq = e.seq LEFT JOIN journal_unsealed u ON u.seq = e.seq
           WHERE (p.seq IS NULL) = (u.seq IS NULL)`,
  },
  {
    name: 'a basket is what its invoices add up to',
    sql: `SELECT id || ' ' || status AS what
            FROM (SELECT b.id, b.status,
                         CASE WHEN i.status IN ('ISSUED', 'PAYING') THEN 'LEFT'
                              WHEN i.status IN ('PAID', 'PARTIALLY_REFUNDED', 'REFUNDED') THEN 'PAID'
                              WHEN i.status = 'EXPIRED' AND NOT EXISTS (
                                SELECT FROM basket_invoices n WHERE n.basket_id = m.basket_id AND n.line_no = m.line_no AND n.invoice_id > m.invoice_id) THEN 'LEFT'
                              ELSE 'NOTHING' END AS part
                    FROM baskets b JOIN basket_invoices m ON m.basket_id = b.id JOIN invoices i ON i.id = m.invoice_id) AS parts
           GROUP BY id, status
          HAVING status <> CASE WHEN bool_or(part = 'PAID') THEN CASE WHEN bool_or(part = 'LEFT') THEN 'PARTLY_PAID' ELSE 'PAID' END
                                ELSE CASE WHEN bool_or(part = 'LEFT') THEN 'OPEN' ELSE 'CLOSED' END END`,
  },
  {
    name: 'a basket is told of as paid once, when it is',
    sql: `SELECT b.id || ' ' || b.status || ' with ' || count(e.id) AS what
            FROM baskets b LEFT JOIN events e ON e.type = 'basket.paid' AND e.body::jsonb #>> '{data,basket,id}' = b.id
           GROUP BY b.id HAVING (b.status = 'PAID')::int <> count(e.id)`,
  },
  ...Object.entries(lifecycles).map(([kind, ways]) => ({
    name: `I6 ${kind} take only the ways of their lifecycle`,
    sql: `SELECT id || ' ' || was || ' → ' || became AS what FROM sim_transitions WHERE kind = '${kind}'
            AND (was, became) NOT IN (VALUES ${ways.map(([was, became]) => `('${was}','${became}')`).join(', ')})`,
  })),
]

/** Notes every change of a status, so that no way round the lifecycles stays unseen. Kept out of production: only the simulation asks. */
export const transitionLog = `
  CREATE TABLE IF NOT EXISTS sim_transitions (kind text, id text, was text, became text);
  GRANT INSERT ON sim_transitions TO feegate_service;
  CREATE OR REPLACE FUNCTION sim_note_transition() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF OLD.status IS DISTINCT FROM NEW.status THEN
      INSERT INTO sim_transitions VALUES (TG_TABLE_NAME, NEW.id, OLD.status, NEW.status);
    END IF;
    RETURN NULL;
  END $$;
  ${Object.keys(lifecycles)
    .map(
      (table) =>
        `CREATE OR REPLACE TRIGGER sim_note_transition AFTER UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION sim_note_transition();`,
    )
    .join('\n')}`

/** All in one round trip: this runs after every step that may have committed something. */
const alwaysSql = always
  .map(({ name, sql }) => `SELECT '${name.replaceAll("'", "''")}' AS name, what FROM (${sql}) AS found`)
  .join('\nUNION ALL\n')

export async function brokenNow(server: Server): Promise<string[]> {
  const rows = await server.ask<{ name: string; what: string }>('invariants', alwaysSql)
  return rows.map(({ name, what }) => `${name}: ${what}`)
}

/** True once everybody is well again and has had time: nothing that happened outside is unknown inside, and the other way round. */
export async function brokenAtTheEnd(stage: Stage, keys: KeyRing): Promise<string[]> {
  return [
    ...(await brokenNow(stage.server)),
    ...(await unheard(stage)),
    ...(await unbooked(stage)),
    ...(await wronglyReturned(stage)),
    ...(await wronglyTakenBack(stage)),
    ...(await unreconciled(stage)),
    ...(await leftOpen(stage)),
    ...(await unproven(stage, keys)),
    ...(await foundBySweeper(stage)),
    ...stage.world.deadlocks.map((what) => `a deadlock, against the order of locks: ${what}`),
    ...stage.portal.faults.map((fault) => `I9 ${fault}`),
    ...stage.dossiers.faults.map((fault) => `I5 ${fault}`),
  ]
}

function isLying({ lyingRails }: Stage, account: string): boolean {
  const rail = railOf(account)
  return lyingRails.has('statement') || (rail !== null && lyingRails.has(rail))
}

async function unheard({ server, dossiers }: Stage): Promise<string[]> {
  const events = await server.query<{ id: string; type: string; delivered: string | null }>(
    `SELECT e.id, e.type, (SELECT string_agg(d.status, ',') FROM deliveries d WHERE d.event_id = e.id) AS delivered FROM events e`,
  )
  const heard = new Set(dossiers.heard.map(({ id }) => id))
  return [
    ...events
      .filter(({ id, delivered }) => !heard.has(id) && delivered !== 'DEAD')
      .map(({ id, type, delivered }) => `I5 ${type} ${id} was never heard (${delivered ?? 'no delivery'})`),
    ...dossiers.heard
      .filter(({ id }) => !events.some((event) => event.id === id))
      .map(({ id }) => `I5 ${id} was heard and is not on record`),
  ]
}

async function unbooked(stage: Stage): Promise<string[]> {
  const settlements = await stage.server.query<{ account: string; txn: string; amount: bigint }>(
    `SELECT rail_account_id AS account, rail_transaction_id AS txn, amount FROM settlements WHERE direction = 'IN'`,
  )
  const human = new Set(
    (
      await stage.server.query<{ ref: string }>(
        `SELECT merchant_ref AS ref FROM payments WHERE needs_human AND status <> 'SUCCEEDED'`,
      )
    ).map(({ ref }) => ref),
  )
  return bankMoney(stage).flatMap(({ account, reference, key, amount, canBeAsked, acknowledged }) => {
    const booked = settlements.filter((row) => row.account === account && row.txn === key)
    if (booked.length > 1) return [`I3 ${key} of ${account} is booked ${booked.length} times`]
    if (booked.length === 1)
      return booked[0]?.amount === amount || isLying(stage, account)
        ? []
        : [`I3 ${key} of ${account} is booked with ${booked[0]?.amount} instead of ${amount}`]
    if (acknowledged) return [`I4 ${account} was told that ${key} (${reference}) is booked, and it is not`]
    return canBeAsked && !human.has(reference)
      ? [`I3 ${account} holds ${key} (${reference}) for paid, and nobody asked`]
      : []
  })
}

/** What the rails gave back is what is on record as given back, and never more than was paid. */
async function wronglyReturned(stage: Stage): Promise<string[]> {
  const booked = await stage.server.query<{ txn: string; done: bigint; maybe: bigint }>(
    `SELECT s.rail_transaction_id AS txn, coalesce(sum(r.amount) FILTER (WHERE r.status = 'DONE'), 0)::bigint AS done,
            coalesce(sum(r.amount) FILTER (WHERE r.status IN ('UNKNOWN', 'SENT')), 0)::bigint AS maybe
       FROM settlements s JOIN refunds r ON r.settlement_id = s.id AND r.channel = 'RAIL_REVERSAL' GROUP BY s.rail_transaction_id`,
  )
  return returnedMoney(stage).flatMap(({ key, paid, returned }) => {
    const { done, maybe } = booked.find(({ txn }) => txn === key) ?? { done: 0n, maybe: 0n }
    return [
      ...(returned > paid ? [`I8 a rail gave back ${returned} of ${paid} (${key})`] : []),
      ...(returned < done || returned > done + maybe
        ? [`I8 a rail gave back ${returned} of ${key}; on record are ${done}, and ${maybe} in doubt`]
        : []),
    ]
  })
}

/** A bank that was told its payment is taken back gives the money to the payer: it must be so in the books, and the other way round. */
async function wronglyTakenBack({ server, takenBack }: Stage): Promise<string[]> {
  const booked = await server.query<{ name: string }>(
    `SELECT rail_account_id || ' ' || rail_transaction_id AS name FROM settlements WHERE direction = 'OUT' AND rail_account_id LIKE 'bill-pull-%'`,
  )
  return [...takenBack]
    .filter((name) => !booked.some((row) => row.name === name))
    .map((name) => `I4 the bank of ${name} was told that it is taken back, and it is not`)
}

/** I12, and closed days that follow one another. */
async function unreconciled({ server }: Stage): Promise<string[]> {
  const query: Query = (text, values) => server.query(text, values)
  // Nothing else happens in the world meanwhile: one moment without a transaction.
  const moment: Parameters<typeof checkReconciled>[0] = {
    transaction: (work) => work({ query, copyIn: () => Promise.reject(new TypeError('nothing is written here')) }),
  }
  const tenants = await server.query<{ id: string }>('SELECT id FROM tenants')
  const violations = (await Promise.all(tenants.map(({ id }) => checkReconciled(moment, id)))).flat()
  const early = await server.query<{ what: string }>(
    `SELECT i.settlement_id || ' counts on ' || i.payment_day AS what FROM reconciliation_items i JOIN settlements s ON s.id = i.settlement_id
      WHERE i.payment_day < (s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date`,
  )
  const days = await server.query<{ what: string }>(
    `SELECT rail_account_id || ' ' || business_date AS what
       FROM (SELECT *, lag(closing) OVER days AS before, lag(business_date) OVER days AS day_before
               FROM reconciliation_days WHERE status = 'CLOSED' WINDOW days AS (PARTITION BY rail_account_id ORDER BY business_date)) d
      WHERE opening <> coalesce(before, 0) OR closing <> opening + entered - matched - resolved OR from_date <> coalesce(day_before + 1, from_date)`,
  )
  return [
    ...violations.map(({ what, id, detail }) => `I12 ${what} ${id}: ${detail}`),
    ...early.map(({ what }) => `a payment counts before its day in Viet Nam: ${what}`),
    ...days.map(({ what }) => `a closed day does not follow from the one before: ${what}`),
  ]
}

/** I10: the whole journal verifies, all of it is sealed, and every issued receipt is proven by it. */
async function unproven({ server }: Stage, keys: KeyRing): Promise<string[]> {
  const find = keysOfJwks(keys.publicJwks())
  const query: Query = (text, values) => server.query(text, values)
  const snapshot = {
    async transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
      await query('BEGIN ISOLATION LEVEL REPEATABLE READ', [])
      try {
        return await work({ query, copyIn: () => Promise.reject(new Error('nothing here streams rows')) })
      } finally {
        await query('ROLLBACK', [])
      }
    },
  }
  const { findings, waiting } = await verifyJournal(snapshot, find)
  const receipts = await query<{ id: string; tenantId: string; jws: string }>(
    'SELECT id, tenant_id AS "tenantId", jws FROM receipts WHERE jws IS NOT NULL',
    [],
  )
  const broken = findings.map(({ what, seq, batch, detail }) => `I10 ${what} ${seq ?? `batch ${batch}`}: ${detail}`)
  if (waiting > 0n) broken.push(`I10 ${waiting} entries were never sealed`)
  for (const { id, tenantId, jws } of receipts) {
    const proof = (await readProofs({ query }, tenantId, 'receipt.issued', [id])).get(id)
    const verdict = proof === undefined ? null : verifyProvenReceipt({ jws, proof }, find)
    if (verdict?.valid !== true) broken.push(`I10 receipt ${id}: ${verdict?.reason ?? 'no proof'}`)
  }
  return broken
}

/** What the gateways' own sweepers found on the way, repaired or not, and what they would find now. */
async function foundBySweeper({ server }: Stage): Promise<string[]> {
  const found = await server.query<{ code: string; subject: string; detail: string }>(
    'SELECT code, subject, detail FROM parity_findings',
  )
  const now = await findAllDiscrepancies({ query: (text, values) => server.query(text, values) })
  return [...found, ...now].map(({ code, subject, detail }) => `parity ${code}: ${subject} (${detail})`)
}

async function leftOpen({ server }: Stage): Promise<string[]> {
  const rows = await server.query<{ what: string }>(
    `SELECT 'delivery ' || id || ' is still pending' AS what FROM deliveries WHERE status = 'PENDING'
     UNION ALL
     SELECT 'attempt ' || p.id || ' is still ' || p.status || ' and nobody will ask' FROM payments p JOIN rail_accounts a ON a.id = p.rail_account_id
      WHERE p.status IN ('CREATED', 'REDIRECTED', 'UNKNOWN') AND p.next_inquiry_at IS NULL AND NOT p.needs_human AND a.rail <> 'vietqr'
     UNION ALL
     SELECT 'refund ' || id || ' is still ' || status || ' and nobody will look' FROM refunds
      WHERE status IN ('SENT', 'UNKNOWN') AND channel = 'RAIL_REVERSAL' AND NOT needs_human
     UNION ALL
     SELECT 'receipt ' || id || ' is still not issued' FROM receipts WHERE status = 'REQUESTED'
     UNION ALL
     SELECT 'invoice ' || id || ' is still ' || status FROM invoices WHERE status IN ('ISSUED', 'PAYING') AND expires_at < $1`,
    [new Date(8.64e15 / 1000)],
  )
  return rows.map(({ what }) => what)
}
