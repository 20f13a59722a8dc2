/** One server or a cluster: the address says which, and losing a part of either costs speed only. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { connectRedis } from '../../src/store/redis.ts'
import { readClusterUrl } from '../../src/store/redis-address.ts'
import { anInvoice, testGateway } from '../harness/gateway.ts'
import { startRedisCluster } from '../harness/redis-cluster.ts'

t.test('a cluster is named by some of its nodes', async (t) => {
  t.same(readClusterUrl('redis-cluster://10.0.0.1:7000,redis-2,[::1]:7002/'), {
    nodes: [
      { host: '10.0.0.1', port: 7000 },
      { host: 'redis-2', port: 6379 },
      { host: '::1', port: 7002 },
    ],
  })
  t.same(readClusterUrl('rediss-cluster://fee%40gate:p%3Aw:1@a:1'), {
    nodes: [{ host: 'a', port: 1 }],
    username: 'fee@gate',
    password: 'p:w:1',
    tls: {},
  })
  t.same(readClusterUrl('redis-cluster://:secret@a'), { nodes: [{ host: 'a', port: 6379 }], password: 'secret' })
  for (const single of ['redis://127.0.0.1:6379', 'rediss://a', 'unix:///run/redis.sock'])
    t.equal(readClusterUrl(single), null, single)
  for (const wrong of ['redis-cluster://', 'redis-cluster://a,,b', 'redis-cluster://a:b'])
    t.throws(() => readClusterUrl(wrong), TypeError, wrong)
})

t.test('repeats and rates hold in a real cluster, and a lost master fails no request', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-cluster-'))
  const cluster = await startRedisCluster(folder)
  const redis = connectRedis(cluster.url, pino({ level: 'silent' }))
  t.teardown(async () => {
    redis.disconnect()
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const gateway = await testGateway(t, { redis })
  /** Keys of many requests lie on every master. */
  const issueTwice = async (count: number): Promise<string[]> =>
    (
      await Promise.all(
        Array.from({ length: count }, async () => {
          const key = { 'idempotency-key': randomUUID() }
          const body = anInvoice()
          const [first, again] = [
            await gateway.api('POST', '/v1/invoices', body, key),
            await gateway.api('POST', '/v1/invoices', body, key),
          ]
          return first.status === 201 &&
            again.text === first.text &&
            again.headers.get('idempotency-replayed') === 'true'
            ? []
            : [`${first.status} then ${again.status}: ${again.text}`]
        }),
      )
    ).flat()
  /** Answers that the cluster itself keeps. */
  const kept = async (): Promise<number> => {
    const counts = await Promise.all(
      (await cluster.masters()).map(async ({ port }) => {
        const one = connectRedis(`redis://127.0.0.1:${port}`, pino({ level: 'silent' }))
        await new Promise((resolve) => one.once('ready', resolve))
        const size = await one.dbsize()
        one.disconnect()
        return size
      }),
    )
    t.ok(
      counts.every((count) => count > 0),
      `keys on every master: ${counts.join(', ')}`,
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  t.same(await issueTwice(30), [])
  t.ok((await kept()) >= 30, 'answers are kept in the cluster')

  const [lost] = await cluster.masters()
  await lost?.kill()
  t.same(await issueTwice(30), [], 'PostgreSQL alone answers for what the lost master held')
  await cluster.settled()
  const before = await kept()
  let found = before
  for (let waited = 0; found < before + 30; waited++) {
    if (waited > 200) throw new Error(`the cluster is not used again: ${found} keys`)
    t.same(await issueTwice(10), [])
    found = await kept()
  }
  t.equal((await cluster.masters()).length, 3)
})
