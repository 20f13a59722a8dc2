/** What must be true when everybody has come to rest, as a table of questions: each answers with what is wrong; nothing is well. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifyJournal } from '../../src/journal/verify.ts'
import { keysOfJwks } from '../../src/signing/compact-jws.ts'
import { openKeyRing } from '../../src/signing/key-ring.ts'
import { findAllDiscrepancies } from '../../src/store/parity-checks.ts'
import { Server } from '../simulation/engine/postgres.ts'
import { brokenNow } from '../simulation/invariants.ts'
import type { BankMoney } from './bank-process.ts'
import { databaseName, type Stage } from './stage.ts'

export type Finding = {
  readonly what: string
  /** The payment it is about; null when it is about the whole. */
  readonly payment: number | null
}
export type Answered = { readonly promise: string; readonly checked: number; readonly findings: readonly Finding[] }

type Booked = {
  readonly account: string
  readonly txn: string
  readonly amount: number
  readonly reference: string | null
}
type Books = {
  readonly stage: Stage
  readonly server: Server
  readonly money: readonly BankMoney[]
  readonly booked: readonly Booked[]
}
type Question = { readonly promise: string; readonly ask: (books: Books) => Promise<Omit<Answered, 'promise'>> }

const whole = (lines: readonly string[]): Finding[] => lines.map((what) => ({ what, payment: null }))

const questions: readonly Question[] = [
  {
    promise: 'what a bank was acknowledged is in the books exactly once, with its amount',
    ask: async ({ stage, money, booked }) => {
      const acknowledged = money.filter((one) => one.acknowledged)
      return {
        checked: acknowledged.length,
        findings: acknowledged.flatMap((one) => {
          const rows = rowsOf(one, booked)
          return rows.length === 1 && rows[0]?.amount === one.amount
            ? []
            : [
                {
                  what: `${one.rail} ${one.reference} (${one.amount}) is booked ${rows.length} times: ${rows.map(({ amount }) => amount).join(', ')}`,
                  payment: paymentOf(stage, one),
                },
              ]
        }),
      }
    },
  },
  {
    promise: 'what a bank holds for paid is in the books once, or a person is asked',
    ask: async ({ stage, server, money, booked }) => {
      const human = new Set(
        (await server.query<{ ref: string }>('SELECT merchant_ref AS ref FROM payments WHERE needs_human')).map(
          ({ ref }) => ref,
        ),
      )
      return {
        checked: money.length,
        findings: money
          .filter((one) => rowsOf(one, booked).length !== 1 && !human.has(one.reference))
          .map((one) => ({
            what: `${one.rail} ${one.reference} is booked ${rowsOf(one, booked).length} times`,
            payment: paymentOf(stage, one),
          })),
      }
    },
  },
  {
    promise: 'nothing is in the books that no bank holds for paid',
    ask: async ({ money, booked }) => ({
      checked: booked.length,
      findings: whole(
        booked
          .filter((row) => !money.some((one) => row.account === `${one.rail}-chaos` && row.txn.endsWith(one.key)))
          .map(({ account, txn }) => `${account} ${txn} is booked, and the bank knows nothing of it`),
      ),
    }),
  },
  {
    promise: 'what a portal was told is on record',
    ask: async ({ stage, server }) => {
      const known = new Set(
        (await server.query<{ id: string }>('SELECT id FROM invoices UNION ALL SELECT id FROM payments')).map(
          ({ id }) => id,
        ),
      )
      const told = stage.load.records.flatMap(({ planned, invoiceId, attemptIds }) =>
        [...(invoiceId === null ? [] : [invoiceId]), ...attemptIds].map((id) => ({ id, payment: planned.number })),
      )
      return {
        checked: told.length,
        findings: told
          .filter(({ id }) => !known.has(id))
          .map(({ id, payment }) => ({ what: `${id} is not on record`, payment })),
      }
    },
  },
  {
    promise: 'the same key has the same answer, and no portal sees an error of ours',
    ask: async ({ stage }) => {
      let repeated = 0
      for (const portal of stage.portals)
        for (const { call } of [...portal.answers.values()].slice(-100)) {
          await portal.call(call)
          repeated++
        }
      return {
        checked: repeated,
        findings: whole([...stage.portals.flatMap(({ faults }) => faults), ...stage.load.faults]),
      }
    },
  },
  {
    promise: 'every dossier system heard each of its events, once in effect and in order',
    ask: async ({ stage, server }) => {
      const events = await server.query<{ id: string; client: string; type: string }>(
        `SELECT e.id, e.client_id AS client, e.type FROM events e WHERE EXISTS (SELECT FROM deliveries d WHERE d.event_id = e.id)`,
      )
      const findings = stage.portals.flatMap(({ clientId, dossiers }) => {
        const own = new Set(events.filter(({ client }) => client === clientId).map(({ id }) => id))
        const heard = new Set(dossiers.heard)
        return [
          ...[...own].filter((id) => !heard.has(id)).map((id) => `${id} was never heard`),
          ...dossiers.heard.filter((id) => !own.has(id)).map((id) => `${id} was heard and is not on record`),
          ...dossiers.faults,
        ]
      })
      return { checked: events.length, findings: whole(findings) }
    },
  },
  {
    promise: 'the ledger balances and every invariant of the books holds (I1–I10)',
    ask: async ({ server }) => {
      const [row] = await server.query<{ count: number }>('SELECT count(*)::int AS count FROM ledger_transactions')
      return { checked: row?.count ?? 0, findings: whole(await brokenNow(server)) }
    },
  },
  {
    promise: 'the journal is sealed and verifies from end to end',
    ask: async ({ stage, server }) => {
      const database = stage.openDatabase()
      const { findings, waiting } = await verifyJournal(
        database,
        keysOfJwks(openKeyRing(join(stage.folder, 'keys')).publicJwks()),
      )
      await database.close()
      const [row] = await server.query<{ count: number }>('SELECT count(*)::int AS count FROM journal_entries')
      return {
        checked: row?.count ?? 0,
        findings: whole([
          ...findings.map(({ what, seq, batch, detail }) => `${what} ${seq ?? `batch ${batch}`}: ${detail}`),
          ...(waiting > 0n ? [`${waiting} entries were never sealed`] : []),
        ]),
      }
    },
  },
  {
    promise: 'the parity sweeper finds nothing, now or on the way',
    ask: async ({ server }) => {
      const open = await server.query<{ code: string; subject: string; detail: string }>(
        'SELECT code, subject, detail FROM parity_findings',
      )
      const now = await findAllDiscrepancies({ query: (text, values) => server.query(text, values) })
      return {
        checked: open.length + now.length,
        findings: whole([...open, ...now].map(({ code, subject, detail }) => `${code} ${subject}: ${detail}`)),
      }
    },
  },
  {
    promise: 'nothing is stuck: no delivery, attempt, receipt or lease that nobody will come back to',
    ask: async ({ server }) => {
      const rows = await server.query<{ what: string }>(
        `SELECT 'delivery ' || id || ' is still pending' AS what FROM deliveries WHERE status = 'PENDING'
         UNION ALL
         SELECT 'attempt ' || p.id || ' is still ' || p.status || ' and nobody will ask' FROM payments p JOIN rail_accounts a ON a.id = p.rail_account_id
          WHERE p.status IN ('CREATED', 'REDIRECTED', 'UNKNOWN') AND p.next_inquiry_at IS NULL AND NOT p.needs_human AND a.rail <> 'vietqr'
         UNION ALL
         SELECT 'receipt ' || id || ' is still not issued' FROM receipts WHERE status = 'REQUESTED'
         UNION ALL
         SELECT 'backend ' || pid || ' has stood in a transaction for minutes' FROM pg_stat_activity
          WHERE application_name = 'feegate' AND state LIKE 'idle in transaction%' AND xact_start < now() - interval '2 minutes'`,
      )
      const [row] = await server.query<{ count: number }>(
        'SELECT (SELECT count(*) FROM deliveries)::int + (SELECT count(*) FROM payments)::int AS count',
      )
      return { checked: row?.count ?? 0, findings: whole(rows.map(({ what }) => what)) }
    },
  },
  {
    promise: 'no gateway ends by itself, and no log holds an error that nobody expected',
    ask: async ({ stage }) => {
      let lines = 0
      const findings = stage.everyReplica.flatMap(({ name, logs: [out, err], deaths }) => {
        const log = linesOf(out)
        lines += log.length
        return [
          ...deaths.map((death) => `${name} ${death}`),
          ...log.filter(isUnexpected).map((line) => `${name}: ${line.slice(0, 600)}`),
          ...linesOf(err)
            .filter((line) => /Uncaught|Unhandled|^\s+at /.test(line))
            .map((line) => `${name}: ${line.slice(0, 300)}`),
        ]
      })
      return { checked: lines, findings: whole(findings) }
    },
  },
]

export async function judge(stage: Stage): Promise<readonly Answered[]> {
  const server = await Server.open(stage.postgres.primary.url(databaseName), 0)
  try {
    const money = await stage.banks.money()
    const booked = (
      await server.query<{ account: string; txn: string; amount: bigint; reference: string | null }>(
        `SELECT s.rail_account_id AS account, s.rail_transaction_id AS txn, s.amount, p.merchant_ref AS reference
           FROM settlements s LEFT JOIN payments p ON p.id = s.payment_id WHERE s.direction = 'IN'`,
      )
    ).map((row) => ({ ...row, amount: Number(row.amount) }))
    const answers: Answered[] = []
    for (const { promise, ask } of questions)
      answers.push({ promise, ...(await ask({ stage, server, money, booked })) })
    return answers
  } finally {
    await server.close()
  }
}

function rowsOf({ rail, key }: BankMoney, booked: readonly Booked[]): Booked[] {
  return booked.filter(({ account, txn }) => account === `${rail}-chaos` && txn.endsWith(key))
}

function paymentOf({ load }: Stage, { reference }: BankMoney): number | null {
  return load.records.find(({ references }) => references.includes(reference))?.planned.number ?? null
}

function linesOf(file: string): string[] {
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []
}

/** A request that failed for a reason of ours, or worse. That a store, a bank or a dossier system is away is expected and logged too. */
function isUnexpected(line: string): boolean {
  return (
    /"level":"fatal"|"code":"INTERNAL"|left out: its config|routing entry left out/.test(line) || !line.startsWith('{')
  )
}
