/** After the last fault: the banks call until they are heard, retries come due at once, and everybody comes to rest. */
import type pg from 'pg'
import type { BankMoney } from './bank-process.ts'
import { databaseName, type Stage } from './stage.ts'
import { pause } from './wait.ts'

const longestMs = 300_000
/** Long enough for a watcher's pause. */
const roundMs = 1_000

/** What is not at rest after five minutes is left to the verdict. Returns what was still open then. */
export async function comeToRest(stage: Stage): Promise<readonly string[]> {
  const deadline = Date.now() + longestMs
  let open: readonly string[] = []
  while (Date.now() < deadline) {
    open = await stage.postgres.primary.asOwner(databaseName, async (client) => {
      const unheard = await stage.banks.callAgain()
      const money = await stage.banks.money()
      await letTimePass(client, money)
      return [...unheard, ...(await stillOpen(client)), ...(await notYetBooked(client, money))]
    })
    if (open.length === 0) return []
    stage.note(`not at rest: ${open.length}, ${open.slice(0, 3).join('; ')}`)
    await pause(roundMs)
  }
  return open
}

/** Times of retries and inquiries that lie ahead are reached now: nothing else is changed. */
async function letTimePass(client: pg.Client, money: readonly BankMoney[]): Promise<void> {
  await client.query(
    `UPDATE deliveries SET next_attempt_at = now() WHERE status = 'PENDING' AND next_attempt_at > now() AND (lease_until IS NULL OR lease_until < now())`,
  )
  await client.query(
    `UPDATE payments SET next_inquiry_at = now() WHERE status IN ('CREATED', 'REDIRECTED', 'UNKNOWN') AND next_inquiry_at > now() AND merchant_ref = ANY ($1)`,
    [money.map(({ reference }) => reference)],
  )
}

async function stillOpen(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(
    `SELECT 'delivery ' || id AS what FROM deliveries WHERE status = 'PENDING'
     UNION ALL SELECT 'receipt ' || id FROM receipts WHERE status = 'REQUESTED'
     UNION ALL SELECT 'journal entry ' || seq FROM journal_unsealed`,
  )
  return rows.map(({ what }) => what)
}

async function notYetBooked(client: pg.Client, money: readonly BankMoney[]): Promise<string[]> {
  const { rows } = await client.query<{ txn: string }>(
    `SELECT rail_transaction_id AS txn FROM settlements WHERE direction = 'IN'
     UNION ALL SELECT merchant_ref FROM payments WHERE needs_human`,
  )
  return money
    .filter(({ key, reference }) => !rows.some(({ txn }) => txn.endsWith(key) || txn === reference))
    .map(({ rail, reference }) => `${rail} ${reference}`)
}
