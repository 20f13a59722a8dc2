/** A handle for one tenant names it to the database, in its own transactions and nowhere else. */
import t from 'tap'
import { testDatabase } from '../harness/database.ts'

const named = `SELECT current_setting('feegate.tenant', true) AS tenant`

t.test('every statement of a tenant’s handle runs under its name, whatever the name holds', async (t) => {
  const { database } = await testDatabase(t)
  for (const tenantId of ['ten_thanhhoa', `ten_'; DROP TABLE tenants; --`, 'ten_\\x']) {
    const tenant = database.forTenant(tenantId)
    t.same(await tenant.query(named, []), [{ tenant: tenantId }])
    t.same(await tenant.transaction((tx) => tx.query(named, [])), [{ tenant: tenantId }])
  }
})

t.test('a connection that served a tenant does not keep its name', async (t) => {
  const { database } = await testDatabase(t, { maxConnections: 1 })
  await database.forTenant('ten_a').query(named, [])
  t.same(await database.query(named, []), [{ tenant: '*' }])
})

t.test('no tenant’s handle can be had under the system’s name, nor under none', async (t) => {
  const { database } = await testDatabase(t)
  for (const name of ['*', '']) t.throws(() => database.forTenant(name), TypeError)
})
