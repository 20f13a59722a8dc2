/** Settings that contradict each other are named at start, before anything is opened. */
import t from 'tap'
import { readConfig } from '../src/config.ts'

const wrong = (variables: Record<string, string>): string => {
  try {
    readConfig(variables)
    return 'taken'
  } catch (error) {
    return String(error)
  }
}

t.test('a listener for client certificates needs its files', async (t) => {
  t.match(wrong({ BANK_TLS_PORT: '8443' }), /BANK_TLS_PORT needs BANK_TLS_CERT, BANK_TLS_KEY and BANK_TLS_CA/)
  t.match(wrong({ BANK_TLS_PORT: '8443', BANK_TLS_CERT: 'a', BANK_TLS_KEY: 'b' }), /BANK_TLS_CA/)
  t.match(wrong({ PORTAL_TLS_PORT: '8444', PORTAL_TLS_CERT: 'a' }), /PORTAL_TLS_KEY/)
  const config = readConfig({
    BANK_TLS_PORT: '8443',
    BANK_TLS_CERT: 'a',
    BANK_TLS_KEY: 'b',
    BANK_TLS_CA: 'c, d',
    HOST: '::1',
  })
  t.same(config.bankTls, { host: '::1', port: 8443, certificate: 'a', key: 'b' })
  t.same(config.bankAuthorities, ['c', 'd'])
  t.equal(config.portalTls, null)
})

t.test('proxies that may pass certificates on are addresses or ranges, and the header is a name', async (t) => {
  t.match(wrong({ CLIENT_CERT_PROXIES: 'proxy.internal' }), /CLIENT_CERT_PROXIES: must be addresses or ranges/)
  t.match(wrong({ CLIENT_CERT_PROXIES: '10.0.0.0/8, 300.1.1.1' }), /CLIENT_CERT_PROXIES/)
  t.match(wrong({ CLIENT_CERT_HEADER: 'bad header' }), /CLIENT_CERT_HEADER/)
  const config = readConfig({
    CLIENT_CERT_PROXIES: '10.0.0.0/8,192.0.2.7,::1',
    CLIENT_CERT_HEADER: 'X-SSL-Client-Cert',
  })
  t.same(config.clientCertProxies, ['10.0.0.0/8', '192.0.2.7', '::1'])
  t.equal(config.clientCertHeader, 'x-ssl-client-cert')
})

t.test('production says all that is missing in one sentence', async (t) => {
  t.match(wrong({ FEEGATE_MODE: 'production' }), /PUBLIC_URL.*MASTER_KEYS_FILE/)
  t.match(wrong({ BANK_TLS_URL: 'http://bank.example' }), /BANK_TLS_URL/)
})
