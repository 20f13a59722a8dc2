import { randomBytes } from 'node:crypto'
import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { realEnvironment } from '../../src/environment.ts'
import { createRailAccounts } from '../../src/rails/accounts.ts'
import { masterKeysInFile } from '../../src/secrets/master-keys.ts'
import { createVault } from '../../src/secrets/vault.ts'
import { testDirectory } from '../harness/gateway.ts'
import { house } from '../harness/process.ts'

t.test('an operator exchanges the master key by three commands, none of which loses a secret', async (t) => {
  const { folder, database, feegate } = await house(t)
  const directory = join(folder, 'directory.json')
  writeFileSync(directory, JSON.stringify(testDirectory()))
  t.match(await feegate(['directory', 'load', directory]), { code: 0 })
  t.match(await feegate(['secrets', 'list']), { code: 0, out: /^sandbox-1 +wraps +1$/m })
  t.match(await feegate(['secrets', 'rotate', '--id', 'm2']), { code: 0, out: /m2 wraps/ })
  t.match(await feegate(['secrets', 'rewrap']), { code: 0, out: /rail-account +1 re-wrapped/ })
  t.match(await feegate(['secrets', 'drop', 'sandbox-1']), { code: 1, err: /changed a moment ago/ })
  const file = join(folder, 'keys', 'master-keys')
  const earlier = new Date(Date.now() - 600_000)
  utimesSync(file, earlier, earlier)
  t.match(await feegate(['secrets', 'drop', 'm2']), { code: 1, err: /1 data keys stand under m2/ })
  t.match(await feegate(['secrets', 'drop', 'sandbox-1']), { code: 0, out: /gone/ })
  const vault = createVault({ masterKeys: masterKeysInFile(file, randomBytes), random: randomBytes })
  t.same(vault.masterKeys.ids(), ['m2'])
  const accounts = createRailAccounts(database, realEnvironment, vault, (id, error) =>
    t.fail(`${id}: ${String(error)}`),
  )
  t.match(await accounts.get('vnpay-h56-14'), { config: { hashSecret: 'A'.repeat(32) } })
})
