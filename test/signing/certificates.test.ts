import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { isDemoCertificate } from '../../src/signing/certificates.ts'
import { demoPassword, makeDemoCertificates } from '../../src/signing/demo-certificates.ts'
import { openKeyRing } from '../../src/signing/key-ring.ts'
import { readPkcs12 } from '../../src/signing/pkcs12.ts'

const folder = mkdtempSync(join(tmpdir(), 'feegate-certs-'))
const now = new Date()
makeDemoCertificates(folder, now)
const certificate = (name: string): X509Certificate =>
  new X509Certificate(readFileSync(join(folder, `${name}.crt.pem`)))

t.test(
  'the demo set hangs together: good ones are issued by the demo CA, bad ones are bad in the way their name says',
  async (t) => {
    const ca = certificate('ca')
    for (const name of ['gateway-server', 'bank-a-client', 'bank-b-client', 'agency-signing']) {
      t.ok(certificate(name).verify(ca.publicKey), name)
      t.ok(new Date(certificate(name).validTo) > now, name)
      t.ok(isDemoCertificate(certificate(name)))
    }
    t.ok(certificate('gateway-server').checkHost('localhost'))
    t.ok(new Date(certificate('expired-client').validTo) < now)
    t.notOk(certificate('foreign-ca-client').verify(ca.publicKey))
    t.notMatch(certificate('wrong-purpose-client').keyUsage, '1.3.6.1.5.5.7.3.2')
  },
)

t.test(
  'the key of a PKCS#12 file becomes a signing key; a wrong password or garbage is refused in one sentence',
  async (t) => {
    const bytes = readFileSync(join(folder, 'agency-signing.p12'))
    const { privateKey, certificate: own } = readPkcs12(bytes, demoPassword)
    t.ok(own.checkPrivateKey(privateKey))
    const keys = openKeyRing(mkdtempSync(join(tmpdir(), 'feegate-ring-')))
    const kid = await keys.add(privateKey, now)
    t.match(keys.list(), [{ kid, alg: 'PS256', state: 'active' }])
    t.throws(() => readPkcs12(bytes, 'wrong'), { code: 'PKCS12' })
    t.throws(() => readPkcs12(Buffer.from('garbage'), demoPassword), { code: 'PKCS12' })
  },
)
