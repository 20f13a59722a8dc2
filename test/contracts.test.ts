import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Validator } from '@seriousme/openapi-schema-validator'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import type { Directory } from '../src/directory/load.ts'
import { testGateway } from './harness/gateway.ts'
import { testReceiver } from './harness/receiver.ts'

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
const read = (name: string): Record<string, unknown> => JSON.parse(readFileSync(path(name), 'utf8'))

t.test('what stands in contracts/ and the generated docs is what the code says', async (t) => {
  t.doesNotThrow(() => execFileSync(process.execPath, [path('src/contracts.ts'), '--check'], { stdio: 'pipe' }))
})

t.test('the OpenAPI document is valid 3.1', async (t) => {
  const result = await new Validator().validate(read('contracts/openapi.json'))
  t.ok(result.valid, JSON.stringify(result.errors)?.slice(0, 500))
})

t.test('every route says which access it needs, and every refusal is a Problem', async (t) => {
  const { paths } = read('contracts/openapi.json') as {
    paths: Record<
      string,
      Record<
        string,
        { security?: unknown[]; responses: Record<string, { content?: Record<string, { schema: { $ref?: string } }> }> }
      >
    >
  }
  for (const [address, methods] of Object.entries(paths)) {
    for (const [method, { security, responses }] of Object.entries(methods)) {
      const open = address === '/oauth/token' || address.startsWith('/.well-known')
      if (!open) t.ok((security?.length ?? 0) > 0, `${method} ${address}`)
      if (open) continue
      for (const [status, { content }] of Object.entries(responses)) {
        if (Number(status) >= 400)
          t.match(content?.['application/json']?.schema.$ref, /Problem$/, `${method} ${address} ${status}`)
      }
    }
  }
})

t.test('the examples do what they say, and their answers have the published shape', async (t) => {
  const gateway = await testGateway(t)
  const openapi = read('contracts/openapi.json')
  const ajv = new Ajv2020.default({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(openapi, 'openapi')
  const names = readdirSync(path('contracts/examples')).filter((name) => name !== 'directory.json')
  for (const name of names) {
    const { operation, status, body } = read(`contracts/examples/${name}`) as {
      operation: string
      status: number
      body: object
    }
    const [method = '', address = ''] = operation.split(' ')
    const answer = await gateway.api(method, address, body)
    t.equal(answer.status, status, `${name}: ${answer.text}`)
    const pointer = `openapi#/paths/${address.replaceAll('/', '~1')}/${method.toLowerCase()}/responses/${status}/content/application~1json/schema`
    const validate = ajv.getSchema(pointer)
    t.ok(validate?.(answer.json), `${name}: ${JSON.stringify(validate?.errors)}`)
  }
})

t.test('the example directory loads', async (t) => {
  const gateway = await testGateway(t)
  const directory = read('contracts/examples/directory.json') as unknown as Directory
  await t.resolves(gateway.load(directory))
})

t.test('events that are sent have the published shape', async (t) => {
  const gateway = await testGateway(t, { background: true })
  const receiver = await testReceiver(t)
  const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: receiver.url })
  const issue = read('contracts/examples/issue-by-fee.json').body as object
  const invoice = await gateway.api('POST', '/v1/invoices', issue)
  await gateway.api('POST', `/v1/webhook-endpoints/${String(endpoint.json.id)}/test`)
  await gateway.api('POST', `/v1/invoices/${String(invoice.json.id)}/supersede`, issue)
  const successors = await gateway.api('GET', '/v1/invoices?status=ISSUED')
  const [successor] = successors.json.invoices as unknown as { id: string }[]
  await gateway.api('POST', `/v1/invoices/${successor?.id}/cancel`, { reason: 'rút hồ sơ' })
  await receiver.until(5)
  const ajv = new Ajv2020.default({ strict: false, allErrors: true })
  addFormats.default(ajv)
  const seen = new Set<string>()
  for (const { body } of receiver.received) {
    const event = JSON.parse(body) as { type: string }
    seen.add(event.type)
    const validate = ajv.compile(read(`contracts/events/${event.type}.schema.json`))
    t.ok(validate(event), `${event.type}: ${JSON.stringify(validate.errors)}`)
  }
  t.same([...seen].sort(), ['invoice.cancelled', 'invoice.issued', 'invoice.superseded', 'webhook.test'])
})
