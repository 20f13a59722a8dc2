import t from 'tap'
import { house } from '../harness/process.ts'

t.test('keys are made, rotated when everybody has had time to learn of them, and revoked by name', async (t) => {
  const { feegate } = await house(t)
  const first = await feegate(['keys', 'generate', '--name', 'y2026'])
  t.match(first, { code: 0, out: /^[\w-]{43}$/m })
  t.match(await feegate(['keys', 'rotate']), { code: 1, err: /may sign from .*--now/ })
  const rotated = await feegate(['keys', 'rotate', '--now'])
  t.match(rotated, { code: 0, out: /^[\w-]{43}$/m })
  t.not(rotated.out, first.out)
  t.match(await feegate(['keys', 'revoke', 'y2026-typo']), { code: 1, err: /no key y2026-typo/ })
  t.match(await feegate(['keys', 'revoke', 'y2026']), { code: 0 })
  t.match((await feegate(['keys', 'list'])).out, /^key-2 +ES256 +active .*\ny2026 +ES256 +revoked/)
  t.match(await feegate(['keys', 'generate'], { SIGNING_KEYS: '{}' }), { code: 1, err: /SIGNING_KEYS/ })
})
