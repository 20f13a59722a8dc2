/**
 * Every operation of the OpenAPI document, called by those who must not: nobody, an expired token, a token without the scope or the
 * role, the other kind of token, and another tenant's client and officer with every scope and role. Ids in paths and bodies are
 * real ids of the tenant under attack. A new route is covered by being in the document.
 */
import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { scopes } from '../../src/clients/scopes.ts'
import { roles } from '../../src/http/auth/officer.ts'
import { type Finance, testFinance } from '../harness/finance.ts'
import { anInvoice, callApi, testDirectory } from '../harness/gateway.ts'

type Schema = {
  $ref?: string
  type?: string
  enum?: unknown[]
  examples?: unknown[]
  pattern?: string
  format?: string
  minimum?: number
  minLength?: number
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
}
type Operation = {
  security?: Record<string, string[]>[]
  parameters?: { in: string; name: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}
type OpenApi = { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Schema> } }

const victim = 'ten_thanhhoa'
/** Texts of the victim that must appear in no answer. */
const secretName = 'Lò Thị Bí Mật'
const secretPersonalId = '001199777777'
const dossierCode = 'H56.14-261120-7777'

/** Values by the field's name, where the schema alone says too little: they name things of the victim. */
const named: Record<string, string> = {
  collectingAgencyCode: 'H56.14',
  beneficiaryAccountId: 'bac_h56-14-colle',
  railAccountId: 'vnpay-box',
  payerIp: '203.0.113.7',
  url: 'https://attacker.example/hook',
  from: '2026-11-01',
  to: '2026-11-30',
  code: '9.999999',
  day: '2026-11-19',
}

async function seedVictim({ gateway, paid, an }: Finance): Promise<void> {
  const { api, database } = gateway
  const must = async (call: Promise<{ status: number; text: string }>): Promise<void> => {
    const { status, text } = await call
    if (status >= 300) throw new Error(text)
  }
  await must(api('POST', '/v1/webhook-endpoints', { url: 'http://127.0.0.1:9/hook' }))
  const invoice = await paid({ dossierCode, submitter: { name: secretName, personalId: secretPersonalId } })
  const open = await api('POST', '/v1/invoices', anInvoice({ submitter: { name: secretName } }))
  await must(Promise.resolve(open))
  await must(api('POST', '/v1/baskets', { invoiceIds: [open.json.id] }))
  await must(
    an('POST', '/refunds', {
      invoiceId: invoice.id,
      reason: 'NOT_GRANTED',
      legalBasis: 'Thông báo 12/TB',
      channel: 'RAIL_REVERSAL',
    }),
  )
  await seedCounterAndPortal(gateway, invoice.id)
  await database.query(
    `INSERT INTO payout_orders (id, tenant_id, beneficiary_account_id, channel, created_by, created_at)
     VALUES ('pob_00000000000000000000000001', $1, 'bac_h56-14-colle', 'AGENCY_PAYOUT', 'an', now())`,
    [victim],
  )
  await database.query(
    `INSERT INTO receipt_summaries (id, tenant_id, creditor_tax_code, collector_name, business_date, part, receipts, amount, made_at)
     VALUES ('rsm_00000000000000000000000001', $1, '0100111948', 'Sở Tư pháp', '2026-11-19', 1, 1, 1000, now())`,
    [victim],
  )
}

/** A counter with a collection that is asked back, and a portal that has sent a payer: rows alone, for no route makes them here. */
async function seedCounterAndPortal({ database }: Finance['gateway'], invoiceId: string): Promise<void> {
  const [shift, collection, correction] = ['shf', 'col', 'cor'].map((prefix) => `${prefix}_00000000000000000000000001`)
  await database.query(
    `INSERT INTO counter_shifts (id, tenant_id, operator, operator_name, unit_code, status, opened_at, opening_cash)
     VALUES ($1, $2, 'motcua01', $3, 'H56.14', 'OPEN', now(), 0)`,
    [shift, victim, secretName],
  )
  await database.query(
    `INSERT INTO counter_collections (id, tenant_id, shift_id, slip_no, invoice_id, settlement_id, rail_account_id, amount, cash_given, change_given,
       collected_by, collected_at)
     SELECT $1, $2, $3, 1, invoice_id, id, 'vnpay-box', amount, amount, 0, 'motcua01', now() FROM settlements WHERE invoice_id = $4`,
    [collection, victim, shift, invoiceId],
  )
  await database.query(
    `INSERT INTO counter_corrections (id, tenant_id, collection_id, shift_id, amount, reason, status, requested_by, requested_at)
     SELECT $1, $2, id, shift_id, amount, $4, 'REQUESTED', 'motcua01', now() FROM counter_collections WHERE id = $3`,
    [correction, victim, collection, secretName],
  )
  await database.query(
    `INSERT INTO portal_partners (id, tenant_id, name, config, status, created_at, updated_at)
     VALUES ('portal', $1, 'Portal', '{}', 'PAUSED', now(), now())`,
    [victim],
  )
  await database.query(
    `INSERT INTO partner_orders (id, tenant_id, partner_id, reference, invoice_id, amount, init_time, description, fingerprint, created_at)
     VALUES ('pto_00000000000000000000000001', $1, 'portal', 'dvc1', $2, 1, '20261120101500', '', '', now())`,
    [victim, invoiceId],
  )
}

/** Every id of the victim, by prefix, from every table that has a tenant. */
async function idsOfVictim({ gateway }: Finance): Promise<Map<string, string[]>> {
  const tables = await tenantTables(gateway.database, 'id')
  const found = new Map<string, string[]>()
  for (const table of tables) {
    const rows = await gateway.database.query<{ id: string }>(
      `SELECT id FROM ${table} WHERE tenant_id = $1 ORDER BY id`,
      [victim],
    )
    for (const { id } of rows) {
      const prefix = id.split('_')[0] ?? ''
      found.set(prefix, [...(found.get(prefix) ?? []), id])
    }
  }
  return found
}

async function tenantTables(database: Finance['gateway']['database'], column: string): Promise<string[]> {
  const rows = await database.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('tenant_id', $1)) = $2 ORDER BY 1`,
    [column, column === 'tenant_id' ? 1 : 2],
  )
  return rows.map(({ name }) => name)
}

/** A digest of every row the victim has, but those of this client. What the victim's own calls keep for repeats is among them. */
async function digest({ gateway }: Finance, except: string): Promise<Record<string, string>> {
  const tables = await tenantTables(gateway.database, 'tenant_id')
  const result: Record<string, string> = {}
  for (const table of tables) {
    const [row] = await gateway.database.query<{ digest: string }>(
      `SELECT count(*) || ' ' || coalesce(md5(string_agg(r::text, '|' ORDER BY r::text)), '') AS digest FROM ${table} r WHERE tenant_id = $1 AND strpos(r::text, $2) = 0`,
      [victim, except],
    )
    result[table] = row?.digest ?? ''
  }
  return result
}

t.test('every route', async (t) => {
  const finance = await testFinance(t, { background: false })
  const { gateway, issuer } = finance
  await seedVictim(finance)
  const ids = await idsOfVictim(finance)
  await gateway.load(testDirectory({ tenantId: 'ten_attacker', agencyCode: 'H57.14' }))
  const other = await gateway.addClient({ tenantId: 'ten_attacker' })
  const own = await gateway.addClient()
  const document = gateway.gateway.server.swagger() as unknown as OpenApi

  const resolved = (schema: Schema): Schema =>
    schema.$ref === undefined ? schema : (document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {})

  function sample(name: string, given: Schema): unknown {
    const schema = resolved(given)
    const prefix = /^\^([a-z]{3})_/.exec(schema.pattern ?? '')?.[1]
    if (prefix !== undefined) {
      // Ids made of a row's number, in reconciliation: the first, whether or not there is one.
      const isNumbered = /hjkmnp|^\^fil_/.test(schema.pattern ?? '')
      const id = ids.get(prefix)?.[0] ?? (isNumbered ? `${prefix}_00000000000000000000000001` : undefined)
      if (id === undefined) throw new Error(`the tenant under attack has no ${prefix}_…: make one in seedVictim`)
      return id
    }
    if (named[name] !== undefined) return named[name]
    if (schema.enum !== undefined) return schema.enum[0]
    if (schema.examples !== undefined) return schema.examples[0]
    const choice = (schema.anyOf ?? schema.oneOf)?.[0]
    if (choice !== undefined) return sample(name, choice)
    switch (schema.type) {
      case 'object':
        return Object.fromEntries(
          (schema.required ?? []).map((field) => [field, sample(field, schema.properties?.[field] ?? {})]),
        )
      case 'array':
        return [sample(name, schema.items ?? {})]
      case 'integer':
      case 'number':
        return schema.minimum ?? 1
      case 'boolean':
        return true
      case 'string':
        return schema.format === 'uri' ? 'https://portal.example/x' : 'x'.repeat(Math.max(schema.minLength ?? 1, 3))
      default:
        return {}
    }
  }

  const operations = Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const parameters = operation.parameters ?? []
      const path = template.replace(/\{(\w+)\}/g, (_whole, name: string) =>
        encodeURIComponent(
          String(sample(name, parameters.find((one) => one.in === 'path' && one.name === name)?.schema ?? {})),
        ),
      )
      const query = parameters
        .filter((one) => one.in === 'query' && one.required === true)
        .map((one) => `${one.name}=${encodeURIComponent(String(sample(one.name, one.schema)))}`)
        .join('&')
      const [bodySchema] = Object.values(operation.requestBody?.content ?? {})
      return {
        name: `${method.toUpperCase()} ${template}`,
        method: method.toUpperCase(),
        address: query === '' ? path : `${path}?${query}`,
        namesVictim: /\{/.test(template) && !template.endsWith('{code}'),
        body: bodySchema === undefined ? undefined : sample('', bodySchema.schema),
        security: operation.security,
      }
    }),
  )
  t.ok(operations.length > 60)

  const secrets = [secretName, secretPersonalId, dossierCode, 'Sở Tư pháp tỉnh', ...[...ids.values()].flat()]
  /** No id, name or code of the victim that the caller did not send. */
  function leaksNothing(t: Test, text: string, sent: string): void {
    t.same(
      secrets.filter((secret) => text.includes(secret) && !sent.includes(secret)),
      [],
      'leaks nothing',
    )
  }

  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })
  const officer = async (claims: Parameters<typeof issuer.token>[0]): Promise<Record<string, string>> =>
    bearer(await issuer.token(claims))
  const before = await digest(finance, own.clientId)
  const expired = bearer(await own.token())
  const expiredOfficer = await officer({ sub: 'an', roles: [...roles] })
  gateway.environment.set(new Date(gateway.environment.now().getTime() + 2 * 3_600_000))
  const tokens = {
    foreignClient: bearer(await other.token()),
    foreignOfficer: await officer({ sub: 'x', roles: [...roles], tenant: 'ten_attacker' }),
    everyone: await officer({ sub: 'x', roles: [...roles], tenant: '*' }),
    unknownTenant: await officer({ sub: 'x', roles: [...roles], tenant: 'ten_nowhere' }),
    noRole: await officer({ sub: 'x', roles: [] }),
    ownClient: bearer(await own.token()),
    ownOfficer: await officer({ sub: 'y', roles: [...roles] }),
  }
  const without = new Map<string, Record<string, string>>()
  for (const scope of scopes)
    without.set(
      scope,
      bearer(await (await gateway.addClient({ scopes: scopes.filter((one) => one !== scope) })).token()),
    )

  for (const { name, method, address, namesVictim, body, security } of operations) {
    await t.test(name, async (t) => {
      if (security?.length === 0) {
        t.match(name, /^(GET \/\.well-known\/|POST \/oauth\/token$)/, 'public on purpose')
        return
      }
      const [scheme, needed] = Object.entries(security?.[0] ?? {})[0] ?? []
      t.ok(scheme === 'portal' || scheme === 'officer', `says who may call it: ${scheme}`)
      const call = async (headers: Record<string, string>): ReturnType<typeof callApi> =>
        await callApi(gateway.url, method, address, body, { 'idempotency-key': randomUUID(), ...headers })
      const sent = `${address} ${JSON.stringify(body)}`
      async function refused(
        t: Test,
        who: string,
        headers: Record<string, string>,
        ...statuses: number[]
      ): Promise<void> {
        const answer = await call(headers)
        // A list of what hangs from a foreign id is as empty as that of an id that does not exist.
        if (method === 'GET' && /^\{"\w+":\[\],"nextCursor":null\}$/.test(answer.text) && statuses.includes(404)) return
        t.ok(statuses.includes(answer.status), `${who}: ${answer.status} ${answer.text.slice(0, 300)}`)
        t.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8', who)
        leaksNothing(t, answer.text, sent)
      }
      await refused(t, 'nobody', {}, 401)
      await refused(t, 'half a token', { authorization: 'Bearer x.y' }, 401)
      await refused(t, 'an expired token', scheme === 'portal' ? expired : expiredOfficer, 401)
      await refused(t, 'the other kind of token', scheme === 'portal' ? tokens.ownOfficer : tokens.ownClient, 401)
      const tooSmall = scheme === 'officer' ? tokens.noRole : without.get(needed?.[0] ?? '')
      t.ok(tooSmall, 'a token without the scope it names')
      await refused(t, 'a token that may too little', tooSmall ?? {}, 403)
      if (scheme === 'officer') {
        await refused(t, 'an officer of every tenant', tokens.everyone, 401)
        await refused(t, 'an officer of a tenant nobody loaded', tokens.unknownTenant, 403)
      }

      // Portals of one tenant are strangers to one another.
      if (scheme === 'portal' && namesVictim)
        await refused(t, 'another client of the tenant', tokens.ownClient, 403, 404)

      const headers = scheme === 'portal' ? tokens.foreignClient : tokens.foreignOfficer
      if (namesVictim) await refused(t, 'another tenant', headers, 403, 404)
      else {
        const answer = await call(headers)
        t.ok(answer.status < 500, `another tenant: ${answer.status} ${answer.text.slice(0, 300)}`)
        leaksNothing(t, answer.text, sent)
      }
    })
  }
  const after = await digest(finance, own.clientId)
  // The clients of this test are the victim's own.
  const rest = ({ clients: _clients, journal_entries: _journal, ...tables }: Record<string, string>) => tables
  t.same(rest(after), rest(before), 'no row of the tenant under attack has changed')
})

t.test(
  'what is not in the document is a page, a probe, a callback, a portal’s message or public metadata',
  async (t) => {
    const { gateway } = await testFinance(t, { background: false })
    const document = gateway.gateway.server.swagger() as unknown as OpenApi
    const documented = new Set(Object.keys(document.paths).map((path) => path.replace(/\{(\w+)\}/g, ':$1')))
    const paths: string[] = []
    const parents: string[] = []
    for (const line of gateway.gateway.server.printRoutes({ commonPrefix: false }).split('\n')) {
      const match = /^([│├└─\s]*)(\S+)(?: \((.+)\))?/.exec(line)
      if (match === null) continue
      const depth = (match[1] ?? '').length / 4
      parents.splice(depth - 1)
      parents.push(match[2] ?? '')
      if (match[3] !== undefined) paths.push(parents.join(''))
    }
    t.ok(paths.length > 80, `${paths.length} paths`)
    t.same(
      paths.filter(
        (path) =>
          !documented.has(path) &&
          !/^\/(\.well-known\/|pay(\/|$)|callbacks\/|partners\/|healthz$|readyz$|metrics$)/.test(path),
      ),
      [],
    )
  },
)
