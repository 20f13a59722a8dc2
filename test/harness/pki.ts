/** Certificates of the tests' own, made by OpenSSL: another hand than the code that checks them. */
import { execFileSync } from 'node:child_process'
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

export type Party = {
  readonly name: string
  readonly certificate: X509Certificate
  readonly key: KeyObject
  readonly certificateFile: string
  readonly keyFile: string
}
type Making = {
  readonly issuer?: Party
  /** Lines of OpenSSL's extension section. */
  readonly extensions?: readonly string[]
  readonly subject?: string
  readonly from?: Date
  readonly until?: Date
  /** Arguments of `openssl genpkey`. */
  readonly key?: readonly string[]
  /** Certify the key of another party again. */
  readonly sameKeyAs?: Party
  readonly digest?: string
  /** Further arguments of `openssl ca`, e.g. for RSA-PSS. */
  readonly more?: readonly string[]
}

export const keys = {
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  shortRsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  ed25519: ['-algorithm', 'ED25519'],
} as const

export const uses = {
  authority: [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign,cRLSign',
    'subjectKeyIdentifier=hash',
  ],
  client: ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature', 'extendedKeyUsage=clientAuth'],
  server: [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ],
  signing: [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature,nonRepudiation',
    'subjectKeyIdentifier=hash',
  ],
} as const

export type TestPki = {
  readonly folder: string
  authority(name: string, making?: Making): Party
  leaf(name: string, making: Making & { readonly issuer: Party }): Party
  /** The list of that authority with these certificates on it. */
  crl(issuer: Party, revoked?: readonly Party[], over?: { from?: Date; until?: Date }): Buffer
  openssl(args: readonly string[], input?: Uint8Array): Buffer
  /** Writes a file into the folder and tells its path. */
  file(name: string, content: string | Uint8Array): string
}

const dayMs = 24 * 60 * 60 * 1000
const yearMs = 365 * dayMs

/**
 * @param times every certificate is valid from a month before the first to a year after the last, unless told otherwise: OpenSSL
 *   goes by the machine's clock, the gateway by the test's
 */
export function testPki(t: Test, ...times: readonly Date[]): TestPki {
  const moments = times.length === 0 ? [Date.now()] : times.map((time) => time.getTime())
  const earliest = Math.min(...moments)
  const latest = Math.max(...moments)
  const folder = mkdtempSync(join(tmpdir(), 'feegate-pki-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const openssl = (args: readonly string[], input?: Uint8Array): Buffer =>
    execFileSync('openssl', [...args], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
      ...(input === undefined ? {} : { input }),
    })
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  let serial = 0x100000

  /** `openssl ca` alone can date certificates; it wants a folder with a database for each authority. */
  function configOf(authority: string, extensions: readonly string[]): string {
    const home = join(folder, `${authority}.ca`)
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'serial'), `${(++serial).toString(16)}\n`)
    writeFileSync(join(home, 'index.txt'), '', { flag: 'a' })
    writeFileSync(join(home, 'index.txt.attr'), 'unique_subject = no\n')
    return file(
      `${authority}.cnf`,
      [
        '[ca]',
        'default_ca=own',
        '[own]',
        `database=${home}/index.txt`,
        `serial=${home}/serial`,
        `new_certs_dir=${home}`,
        'default_md=sha256',
        'policy=any',
        'preserve=yes',
        'unique_subject=no',
        'copy_extensions=none',
        '[any]',
        'commonName=optional',
        'organizationName=optional',
        'countryName=optional',
        '[extensions]',
        ...extensions,
        '',
      ].join('\n'),
    )
  }

  function make(name: string, making: Making): Party {
    const { issuer, extensions = uses.client, subject = `/C=VN/O=FeeGate test/CN=${name}`, digest = 'sha256' } = making
    const [keyFile, certificateFile, request] = ['key', 'crt', 'csr'].map((end) => join(folder, `${name}.${end}`)) as [
      string,
      string,
      string,
    ]
    if (making.sameKeyAs === undefined) openssl(['genpkey', ...(making.key ?? keys.p256), '-out', keyFile])
    else copyFileSync(making.sameKeyAs.keyFile, keyFile)
    openssl(['req', '-new', '-utf8', '-key', keyFile, '-subj', subject, '-out', request])
    openssl([
      ...[
        'ca',
        '-batch',
        '-notext',
        '-config',
        configOf(issuer?.name ?? name, extensions),
        '-extensions',
        'extensions',
      ],
      ...(issuer === undefined ? ['-selfsign'] : ['-cert', issuer.certificateFile]),
      ...['-keyfile', issuer?.keyFile ?? keyFile, '-in', request, '-out', certificateFile],
      ...(issuer?.key.asymmetricKeyType === 'ed25519' || (issuer === undefined && making.key === keys.ed25519)
        ? ['-md', 'null']
        : ['-md', digest]),
      ...['-startdate', stamp(making.from ?? new Date(earliest - 30 * dayMs))],
      ...['-enddate', stamp(making.until ?? new Date(latest + yearMs))],
      ...(making.more ?? []),
    ])
    return {
      name,
      certificateFile,
      keyFile,
      certificate: new X509Certificate(readFileSync(certificateFile)),
      key: createPrivateKey(readFileSync(keyFile)),
    }
  }

  return {
    folder,
    openssl,
    file,
    authority: (name, making = {}) => make(name, { extensions: uses.authority, ...making }),
    leaf: (name, making) => make(name, making),
    crl(issuer, revoked = [], { from = new Date(earliest - dayMs), until = new Date(latest + yearMs) } = {}) {
      // A database of its own: the list holds exactly those it was asked for.
      const config = configOf(`${issuer.name}.list-${++serial}`, [])
      const authority = ['-config', config, '-cert', issuer.certificateFile, '-keyfile', issuer.keyFile]
      for (const { certificateFile } of revoked) openssl(['ca', ...authority, '-revoke', certificateFile])
      const path = join(folder, `${issuer.name}.${++serial}.crl`)
      const dates = ['-crl_lastupdate', stamp(from), '-crl_nextupdate', stamp(until)]
      openssl(['ca', ...authority, '-gencrl', ...dates, '-out', path])
      return readFileSync(path)
    },
  }
}

/** 20261120000000Z */
function stamp(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
}
