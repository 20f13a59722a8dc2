import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Validator } from '@seriousme/openapi-schema-validator'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { contractFiles, differences } from '../src/contracts.ts'
import type { Directory } from '../src/directory/load.ts'
import { type ProblemCode, problemCatalogue } from '../src/problem/catalogue.ts'
import { Problem, problemBody } from '../src/problem/problem.ts'
import { testGateway } from './harness/gateway.ts'
import { testReceiver } from './harness/receiver.ts'

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
const read = (name: string): Record<string, unknown> => JSON.parse(readFileSync(path(name), 'utf8'))

t.test('what stands in contracts/ and the generated docs is what the code says', async (t) => {
  t.doesNotThrow(() => execFileSync(process.execPath, [path('src/contracts.ts'), '--check'], { stdio: 'pipe' }))
})

t.test('what is generated is the same at every run, and each file that is not so is named', async (t) => {
  const files = await contractFiles()
  t.same([...(await contractFiles())], [...files])
  const root = t.testdir()
  for (const [name, content] of files) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  t.same(differences(files, root), [])
  appendFileSync(join(root, 'docs/errors.md'), ' ')
  rmSync(join(root, 'contracts/openapi.json'))
  writeFileSync(join(root, 'contracts/events/invoice.lost.schema.json'), '{}')
  t.same(differences(files, root), [
    'contracts/openapi.json is missing',
    'docs/errors.md differs',
    'contracts/events/invoice.lost.schema.json is left over',
  ])
})

t.test("pages of payers, callbacks of banks and probes are nobody else's to call", async (t) => {
  const { paths, components } = read('contracts/openapi.json') as { paths: object; components: { schemas: object } }
  t.same(
    Object.keys(paths).filter((address) => !/^\/(v1\/|oauth\/token$|\.well-known\/jwks\.json$)/.test(address)),
    [],
  )
  const document = JSON.stringify(read('contracts/openapi.json'))
  t.same(
    Object.keys(components.schemas).filter((name) => !document.includes(`"#/components/schemas/${name}"`)),
    [],
    'no schema without use',
  )
})

t.test('the list of errors is what callers get', async (t) => {
  const errors = read('contracts/errors.json')
  const codes = Object.keys(problemCatalogue) as ProblemCode[]
  t.same(Object.keys(errors), codes)
  for (const code of codes) {
    const { type, status, title, action, en } = JSON.parse(problemBody(new Problem(code)))
    t.same(errors[code], { type, status, title, action, en: { title: en.title, action: en.action } })
  }
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
          t.match(content?.['application/problem+json']?.schema.$ref, /Problem$/, `${method} ${address} ${status}`)
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
  const made = new Map<string, string>()
  for (const name of names) {
    const { operation, of, status, body } = read(`contracts/examples/${name}`) as {
      operation: string
      /** Example that made what `{id}` stands for. */
      of?: string
      status: number
      body: object
    }
    const [method = '', address = ''] = operation.split(' ')
    const route = `openapi#/paths/${address.replaceAll('/', '~1')}/${method.toLowerCase()}`
    const accepts = ajv.getSchema(`${route}/requestBody/content/application~1json/schema`)
    t.ok(accepts?.(body), `${name}: ${JSON.stringify(accepts?.errors)}`)
    const answer = await gateway.api(method, address.replace('{id}', made.get(of ?? '') ?? ''), body)
    made.set(name, String(answer.json.id))
    t.equal(answer.status, status, `${name}: ${answer.text}`)
    const type = status < 400 ? 'json' : 'problem+json'
    const validate = ajv.getSchema(
      `${route}/responses/${status}/content/application~1${type.replace('+', '%2B')}/schema`,
    )
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
