/** Settling callbacks in groups, beside the same settlement one transaction at a time, beside the smallest durable commit. */
import { createSettler } from '../src/settlement/group.ts'
import { settleAll } from '../src/settlement/settle.ts'
import type { Database } from '../src/store/database.ts'
import { testEnvironment } from '../test/harness/environment.ts'
import { aSuccess, type Seeded, type SeededInvoice, seedInvoice, seedTenant } from '../test/harness/seed.ts'
import { print, rate, withDatabase } from './stage.ts'

const count = 1500
const atOnce = 64

export async function benchSettle(): Promise<void> {
  await withDatabase(async (database) => {
    const environment = testEnvironment()
    const seeded = await seedTenant(database)
    const commits = await rate(count, 16, (index) =>
      database.transaction((tx) =>
        tx.query(`INSERT INTO client_assertions (client_id, jti_hash, expires_at) VALUES ($1, $2, now())`, [
          seeded.clientId,
          Buffer.from(`jti ${index}`),
        ]),
      ),
    )

    const single = await invoices(database, seeded)
    const oneByOne = await rate(count, 16, (index) =>
      database.transaction((tx) => settleAll(tx, [request(seeded, single, index)], environment)),
    )

    const grouped = await invoices(database, seeded)
    let flushes = 0
    const settler = createSettler({ database, environment, onFlush: () => flushes++ })
    const inGroups = await rate(count, atOnce, (index) => settler.settle(request(seeded, grouped, index)))

    const perCommit = (count / flushes).toFixed(0)

    const calm = await invoices(database, seeded, 200)
    const alone = await rate(calm.length, 1, (index) => settler.settle(request(seeded, calm, index)))
    print(
      `Settlement of ${count} callbacks (limit: the smallest durable transaction, 16 at once)`,
      [
        ['limit: one-row commits', commits],
        ['settle, one transaction per callback, 16 at once', oneByOne],
        [`settle in groups, ${atOnce} callers (${perCommit} per commit)`, inGroups],
        ['settle in groups, one caller: no added wait', alone],
      ],
      commits,
    )
    process.stdout.write(`  groups against one by one: ${(inGroups / oneByOne).toFixed(1)} ×\n`)
  })
}

async function invoices(database: Database, seeded: Seeded, many = count): Promise<SeededInvoice[]> {
  const made: SeededInvoice[] = []
  await rate(many, 16, async (index) => {
    made[index] = await seedInvoice(database, seeded)
  })
  return made
}

function request(seeded: Seeded, from: readonly SeededInvoice[], index: number) {
  const invoice = from[index]
  if (invoice === undefined) throw new RangeError('no such invoice')
  return { outcome: aSuccess(seeded, invoice), transferRail: false }
}
