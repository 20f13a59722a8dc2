import { readFileSync } from 'node:fs'
import t from 'tap'
import { signCms } from '../../src/signing/cms-sign.ts'
import { testPki, uses } from '../harness/pki.ts'
import { house } from '../harness/process.ts'

t.test(
  'verify checks a CMS signature against given authorities and lists, and says what is wrong in a sentence',
  async (t) => {
    const { feegate } = await house(t)
    const pki = testPki(t)
    const root = pki.authority('root')
    const agency = pki.leaf('agency', { issuer: root, extensions: uses.signing })
    const content = pki.file('document.json', '{"total":58000}')
    const other = pki.file('other.json', '{"total":5800}')
    const signer = { privateKey: agency.key, certificate: agency.certificate, others: [] }
    const p7s = pki.file('signature.p7s', signCms(readFileSync(content), signer, new Date()))
    const [ca, good, bad] = [
      root.certificateFile,
      pki.file('good.crl', pki.crl(root)),
      pki.file('bad.crl', pki.crl(root, [agency])),
    ]
    t.match(await feegate(['verify', p7s, '--ca', ca, '--content', content]), {
      code: 0,
      out: /^VALID CMS.*\n.*CN=agency/,
    })
    t.match(await feegate(['verify', p7s, '--ca', ca, '--content', content, '--crl', good]), { code: 0 })
    t.match(await feegate(['verify', p7s, '--ca', ca, '--content', content, '--crl', bad]), { code: 1, out: /revoked/ })
    t.match(await feegate(['verify', p7s, '--ca', ca, '--content', other]), { code: 1, out: /^NOT VALID: changed/ })
    t.match(await feegate(['verify', p7s, '--ca', ca]), { code: 1, out: /--content/ })
    t.match(await feegate(['verify', p7s, '--content', content]), { code: 1, err: /--ca/ })
    t.match(await feegate(['verify', p7s, '--ca', ca, '--content', content, '--at', '2040-01-01']), {
      code: 1,
      out: /ended/,
    })
  },
)
