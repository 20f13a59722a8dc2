/** A Redis Cluster on loopback: three masters with a replica each, to lose a master of. */
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { freePorts, loopback } from './ports.ts'
import { askRedis, type RedisServer, startRedisServer, untilSo } from './redis-server.ts'

export type RedisCluster = {
  readonly url: string
  readonly members: readonly RedisServer[]
  /** Members that are masters now, as a living member sees it. */
  masters(): Promise<readonly RedisServer[]>
  /** Resolves once every slot has a living master. */
  settled(): Promise<void>
  close(): Promise<void>
}

const masterCount = 3
const slots = 16_384
/** A master is given up after this. */
const nodeTimeoutMs = 1_000

export async function startRedisCluster(folder: string): Promise<RedisCluster> {
  const ports = await freePorts(masterCount * 4)
  const places = Array.from({ length: masterCount * 2 }, (_, index) => ({
    folder: join(folder, `redis-${index}`),
    port: ports[index * 2] ?? 0,
    busPort: ports[index * 2 + 1] ?? 0,
  }))
  const members = await Promise.all(
    places.map(({ folder, port, busPort }) =>
      startRedisServer(folder, port, {
        'cluster-enabled': 'yes',
        'cluster-port': busPort,
        'cluster-config-file': 'nodes.conf',
        'cluster-node-timeout': nodeTimeoutMs,
        'cluster-replica-validity-factor': 0,
        // A replica that waits for others to come is of no use here.
        'repl-diskless-sync-delay': 0,
      }),
    ),
  )
  const close = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()))
  }
  try {
    await form(places)
  } catch (error) {
    await close()
    throw error
  }
  const masters = async (): Promise<readonly RedisServer[]> => {
    const lines = String(await askAny(members, (redis) => redis.call('CLUSTER', 'NODES'))).split('\n')
    const ports = lines
      .filter((line) => /\bmaster\b/.test(line) && !/\bfail\b/.test(line))
      .map((line) => Number(/^\S+ \S+?:(\d+)@/.exec(line)?.[1]))
    return members.filter(({ port }) => ports.includes(port))
  }
  return {
    url: `redis-cluster://${members.map(({ port }) => `${loopback}:${port}`).join(',')}`,
    members,
    masters,
    settled: () =>
      untilSo('every slot has a living master', async () => {
        // A master that died a moment ago still stands in the list.
        const alive = await Promise.all(
          (await masters()).map(({ port }) => askRedis(port, (redis) => redis.call('CLUSTER', 'INFO'))),
        )
        return alive.length === masterCount && alive.every((info) => String(info).includes('cluster_state:ok'))
      }),
    close,
  }
}

/** By the cluster's own commands: `redis-cli --cluster create` is not on every machine. */
async function form(members: readonly { readonly port: number; readonly busPort: number }[]): Promise<void> {
  const [first] = members
  if (first === undefined) throw new Error('a cluster needs members')
  const info = async (port: number): Promise<string> =>
    String(await askRedis(port, (redis) => redis.call('CLUSTER', 'INFO')))
  for (const [index, { port }] of members.entries())
    await askRedis(port, (redis) => redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1))
  for (const { port, busPort } of members.slice(1))
    await askRedis(first.port, (redis) => redis.call('CLUSTER', 'MEET', loopback, port, busPort))
  for (const { port } of members)
    await untilSo('all members know each other', async () =>
      (await info(port)).includes(`cluster_known_nodes:${members.length}\r`),
    )
  const share = Math.ceil(slots / masterCount)
  for (const [index, { port }] of members.slice(0, masterCount).entries()) {
    const [from, to] = [index * share, Math.min((index + 1) * share, slots) - 1]
    await askRedis(port, (redis) => redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to))
    const master = String(await askRedis(port, (redis) => redis.call('CLUSTER', 'MYID')))
    const replica = members[masterCount + index]
    if (replica === undefined) throw new Error('a master has no replica')
    await untilSo('the replica knows its master', async () => {
      await askRedis(replica.port, (redis) => redis.call('CLUSTER', 'REPLICATE', master))
      return true
    })
    await untilSo('the replica follows', async () =>
      (await askRedis(replica.port, (redis) => redis.info('replication'))).includes('master_link_status:up'),
    )
  }
  for (const { port } of members)
    await untilSo('the cluster is whole', async () => (await info(port)).includes('cluster_state:ok'))
}

async function askAny<Answer>(
  members: readonly RedisServer[],
  question: (redis: Redis) => Promise<Answer>,
): Promise<Answer> {
  for (const { port } of members) {
    try {
      return await askRedis(port, question)
    } catch {
      // This one is down or stands still: the next.
    }
  }
  throw new Error('no member of the Redis Cluster answers')
}
