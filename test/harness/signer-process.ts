/** A key keeper as a process of its own: it makes keys, tells their public parts and signs; no private key leaves it. Run by node. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Kept = { state: string; privateKey: KeyObject; publicKey: KeyObject }
const kept: Kept[] = []

function make(state: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  kept.push({ state, privateKey, publicKey })
}
make('active')

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const [, what = '', number = ''] = (request.url ?? '').split('/')
    if (what === 'rotate') {
      for (const key of kept) if (key.state === 'active') key.state = 'retired'
      make('active')
    }
    const key = kept[Number(number)]
    if (what === 'sign' && key?.state === 'active')
      response.end(sign('sha256', Buffer.concat(chunks), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }))
    else if (what === 'sign') response.writeHead(409).end()
    else
      response.end(
        JSON.stringify(kept.map(({ state, publicKey }) => ({ state, jwk: publicKey.export({ format: 'jwk' }) }))),
      )
  })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
