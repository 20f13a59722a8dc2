/** Production and what it refuses to start with. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { importSigner } from '../../src/agencies/signers.ts'
import { loadDirectory } from '../../src/directory/load.ts'
import { realEnvironment } from '../../src/environment.ts'
import { makeMasterKeyFile, masterKeysInFile } from '../../src/secrets/master-keys.ts'
import { createVault } from '../../src/secrets/vault.ts'
import { demoPassword, makeDemoCertificates } from '../../src/signing/demo-certificates.ts'
import { openKeyRing } from '../../src/signing/key-ring.ts'
import { readPkcs12 } from '../../src/signing/pkcs12.ts'
import { testDirectory } from '../harness/gateway.ts'
import { house } from '../harness/process.ts'

t.test('production refuses to start with a demo key or certificate, wherever it is, and names each', async (t) => {
  const { folder, database, feegate } = await house(t)
  const demo = join(folder, 'demo')
  makeDemoCertificates(demo, new Date())
  const file = (name: string): string => join(demo, name)
  const masterKeys = join(folder, 'master-keys')
  makeMasterKeyFile(masterKeys, 'm1', randomBytes)
  const production = {
    FEEGATE_MODE: 'production',
    PUBLIC_URL: 'https://fees.example',
    MASTER_KEYS_FILE: masterKeys,
    LOG_LEVEL: 'silent',
  }
  const p12 = { P12_PASSWORD: demoPassword }

  const sandboxKeys = join(folder, 'sandbox-keys')
  makeMasterKeyFile(sandboxKeys, 'sandbox-1', randomBytes)
  const files = await feegate(['serve'], {
    ...production,
    MASTER_KEYS_FILE: sandboxKeys,
    SIGNING_P12: file('agency-signing.p12'),
    SIGNING_P12_PASSWORD: demoPassword,
    BANK_TLS_PORT: '0',
    BANK_TLS_CERT: file('gateway-server.crt.pem'),
    BANK_TLS_KEY: file('gateway-server.key.pem'),
    BANK_TLS_CA: file('ca.crt.pem'),
  })
  t.equal(files.code, 1)
  t.match(files.err, /^demo keys and certificates are refused in production:/)
  for (const name of [
    /BANK_TLS_CERT .*CN=localhost/,
    /BANK_TLS_CA .*FeeGate DEMO CA/,
    /signing key agency-signing\.p12/,
    /master key sandbox-1/,
  ])
    t.match(files.err, name)

  const { privateKey, certificate, others } = readPkcs12(readFileSync(file('agency-signing.p12')), demoPassword)
  const ring = openKeyRing(join(folder, 'demo-keys'))
  await ring.add(privateKey, new Date(), { name: 'from-demo', isDemo: true })
  t.match(await feegate(['serve'], { ...production, KEYS_DIR: join(folder, 'demo-keys') }), {
    code: 1,
    err: /signing key from-demo/,
  })

  const vault = createVault({ masterKeys: masterKeysInFile(masterKeys, randomBytes), random: randomBytes })
  await database.transaction(async (tx) => {
    await loadDirectory(tx, realEnvironment, testDirectory(), 'test', vault)
    const store = { privateKey, certificate, others }
    await importSigner(tx, realEnvironment, vault, { agencyCode: 'H56.14', store, refuseDemo: false }, 'test')
  })
  t.match(await feegate(['serve'], production), { code: 1, err: /agency H56\.14 signs with: CN=Demo Agency/ })

  t.match(await feegate(['keys', 'import', file('agency-signing.p12')], { ...production, ...p12 }), {
    code: 1,
    err: /demo keys are refused/,
  })
  t.match(await feegate(['agencies', 'sign-with', 'H56.14', file('agency-signing.p12')], { ...production, ...p12 }), {
    code: 1,
    err: /demo certificates are refused/,
  })
})
