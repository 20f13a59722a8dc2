/** Makes the demo PKI in `certs-example/out`: `node certs-example/make.ts`, or `npm run feegate -- certs demo`. */
import { fileURLToPath } from 'node:url'
import { makeDemoCertificates } from '../src/signing/demo-certificates.ts'

const folder = fileURLToPath(new URL('out', import.meta.url))
for (const name of makeDemoCertificates(folder, new Date())) process.stdout.write(`certs-example/out/${name}\n`)
