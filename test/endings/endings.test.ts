import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import { rotateClientKey } from '../../src/clients/manage.ts'
import { readConfig } from '../../src/config.ts'
import { type Ending, isUrgent, stageOf } from '../../src/endings/ending.ts'
import { endingsOfFiles, endingsOfKeys, endingsOfMasterKeys } from '../../src/endings/of-files.ts'
import { endingsOfStore } from '../../src/endings/of-store.ts'
import { createMetrics } from '../../src/metrics.ts'
import { makeDemoCertificates } from '../../src/signing/demo-certificates.ts'
import { openKeyRing } from '../../src/signing/key-ring.ts'
import { readPkcs12 } from '../../src/signing/pkcs12.ts'
import { createEndingWatcher } from '../../src/watch/endings.ts'
import { testEnvironment } from '../harness/environment.ts'
import { testGateway } from '../harness/gateway.ts'

const now = new Date('2026-11-20T00:00:00Z')
const dayMs = 24 * 60 * 60 * 1000
const inDays = (days: number): Date => new Date(now.getTime() + days * dayMs)
const folder = mkdtempSync(join(tmpdir(), 'feegate-endings-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
makeDemoCertificates(folder, now)

function watcherOf(sources: (() => readonly Ending[])[]) {
  const environment = testEnvironment(now)
  const lines: { level: string; name: string; msg: string }[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const metrics = createMetrics()
  const log = pino({ formatters: { level: (label) => ({ level: label }) } }, destination)
  const round = createEndingWatcher({ endings: sources, environment, metrics, log })
  const gauges = async (): Promise<Record<string, number>> =>
    Object.fromEntries((await metrics.daysLeft.get()).values.map(({ labels, value }) => [String(labels.name), value]))
  return { environment, lines, round, gauges }
}

t.test('warnings begin 60, 30 and 7 days before the end; of a list, a day before', async (t) => {
  const of = (kind: Ending['kind'], days: number): string => stageOf({ kind, endsAt: inDays(days) }, now)
  t.same(
    [61, 60, 31, 30, 8, 7, 0.01, 0, -5].map((days) => of('certificate', days)),
    ['quiet', '60 days', '60 days', '30 days', '30 days', '7 days', '7 days', 'ended', 'ended'],
  )
  t.same(
    [2, 1, 0.5, 0].map((days) => of('list', days)),
    ['quiet', '1 days', '1 days', 'ended'],
  )
  t.equal(stageOf({ kind: 'key', endsAt: null }, now), 'quiet')
  t.same([isUrgent('30 days'), isUrgent('7 days'), isUrgent('ended')], [false, true, true])
})

t.test('each warning is written once, in the last week once a day, and the metrics always tell the days', async (t) => {
  const ending: Ending = { kind: 'certificate', name: 'ours', endsAt: inDays(62), isDemo: false }
  const { environment, lines, round, gauges } = watcherOf([() => [ending]])
  const told: string[] = []
  for (let day = 0; day <= 64; day++) {
    for (let hour = 0; hour < 4; hour++) {
      environment.set(new Date(inDays(day).getTime() + hour * 60 * 60 * 1000))
      await round()
    }
    for (const { level, msg } of lines.splice(0)) told.push(`${62 - day}: ${level} ${msg}`)
  }
  t.same(told.slice(0, 4), [
    '60: warn this ends within 60 days: renew it',
    '30: warn this ends within 30 days: renew it',
    '7: warn this ends within 7 days: renew it',
    '6: warn this ends within 7 days: renew it',
  ])
  t.same(told.slice(-3), [
    '0: error this has ended: renew it now',
    '-1: error this has ended: renew it now',
    '-2: error this has ended: renew it now',
  ])
  t.equal(told.length, 3 + 6 + 3)
  t.same(await gauges(), { ours: -3 })
})

t.test('what was renewed leaves the metrics, and a source that cannot be read hides none of the others', async (t) => {
  let endings: Ending[] = [{ kind: 'key', name: 'old', endsAt: inDays(5), isDemo: false }]
  const broken = (): Ending[] => {
    throw new Error('no such file')
  }
  const { lines, round, gauges } = watcherOf([broken, () => endings])
  t.equal(await round(), 1)
  t.same(
    lines.map(({ level, msg }) => `${level} ${msg}`),
    ['error what ends soon cannot be read', 'warn this ends within 7 days: renew it'],
  )
  t.same(await gauges(), { old: 5 })
  endings = [{ kind: 'key', name: 'new', endsAt: inDays(300), isDemo: false }]
  t.equal(await round(), 0)
  t.same(await gauges(), { new: 300 })
})

t.test('files, keys and master keys in use are found with their ends, and demo ones by their mark', async (t) => {
  const path = (name: string): string => join(folder, name)
  const config = readConfig({
    BANK_TLS_PORT: '0',
    BANK_TLS_CERT: path('gateway-server.crt.pem'),
    BANK_TLS_KEY: path('gateway-server.key.pem'),
    BANK_TLS_CA: path('ca.crt.pem'),
    BANK_TLS_CRL: path('ca.crl.pem'),
  })
  const found = endingsOfFiles(config)
  t.match(found, [
    { kind: 'certificate', name: /^BANK_TLS_CERT .*CN=localhost/, endsAt: inDays(365), isDemo: true },
    { kind: 'certificate', name: /^BANK_TLS_CA .*FeeGate DEMO CA/, isDemo: true },
    { kind: 'list', name: /^BANK_TLS_CRL/, endsAt: inDays(365), isDemo: false },
  ])
  writeFileSync(path('cut.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')
  t.throws(() => endingsOfFiles({ ...config, bankAuthorities: [path('cut.pem')] }), {
    code: 'CERTIFICATE_FILE',
    message: /cut\.pem/,
  })
  const ring = openKeyRing(join(folder, 'keys'))
  await ring.generate('ES256', now)
  const { privateKey } = readPkcs12(readFileSync(path('agency-signing.p12')), 'feegate-demo')
  await ring.add(privateKey, now, { name: 'imported', endsAt: inDays(20), isDemo: true })
  t.match(endingsOfKeys(ring), [
    { name: /^signing key key-1/, endsAt: null, isDemo: false },
    { name: /^signing key imported/, endsAt: inDays(20), isDemo: true },
  ])
  ring.revoke('imported')
  t.equal(endingsOfKeys(ring).length, 1, 'a revoked key ends nobody’s day')
  t.match(endingsOfMasterKeys(['m2026', 'sandbox-1']), [{ isDemo: false }, { isDemo: true }])
})

t.test('a portal is warned about when its last key ends, and not when an older one does', async (t) => {
  const gateway = await testGateway(t)
  const { database, environment, client } = gateway
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
  await database.transaction((tx) => rotateClientKey(tx, environment, client.clientId, jwk, 'test'))
  t.same(await endingsOfStore(database), [])
  await database.query(`UPDATE client_keys SET expires_at = $1 WHERE expires_at IS NULL`, [inDays(3)])
  t.match(await endingsOfStore(database), [{ kind: 'key', name: new RegExp(client.clientId), isDemo: false }])
})
