/** A gateway that has closed leaves nothing behind that would keep its process alive. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
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

t.test('a request that is on its way when the gateway closes is answered in full', async (t) => {
  const gateway = await testGateway(t, { database: await testDatabase(t) })
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const closed = gateway.gateway.close()
  await new Promise((resolve) => setTimeout(resolve, 100))
  socket.write('\r\n')
  const answer = await text(socket)
  await closed
  t.match(answer, /^HTTP\/1\.1 200 /)
  t.match(answer, /\r\nconnection: close\r\n/i)
})
