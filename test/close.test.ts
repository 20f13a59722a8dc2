/** A gateway that has closed leaves nothing behind that would keep its process alive. */
import t from 'tap'
import { testDatabase } from './harness/database.ts'
import { testGateway } from './harness/gateway.ts'

t.test('nothing sleeps any more once the gateway has closed', async (t) => {
  const store = await testDatabase(t)
  const gateway = await testGateway(t, { database: store, background: true })
  const { sleep } = gateway.environment
  const sleeping = new Set<number>()
  gateway.environment.sleep = async (ms, signal) => {
    sleeping.add(ms)
    await sleep(ms, signal)
    sleeping.delete(ms)
  }
  await gateway.gateway.close()
  t.same([...sleeping], [])
})
