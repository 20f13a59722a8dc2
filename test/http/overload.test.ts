/** A gateway that is asked for more than it can do: banks are heard, portals are told when to come again, nobody is starved. */
import t from 'tap'
import { Agent, request } from 'undici'
import { usualOverloadLimits } from '../../src/overload/admission.ts'
import { anInvoice, callApi, testGateway } from '../harness/gateway.ts'
import { startVnpay, vnpayIpn } from '../harness/vnpay.ts'

const limits = { ...usualOverloadLimits, inFlight: 4, bankReserve: 2, waiting: 6 }
/** Three times what is worked on and waits. */
const crowd = 3 * (limits.inFlight + limits.waiting)
const rounds = 4
const callbacks = 36
/** More at a time than the banks' own places. */
const bankCalls = 3 * limits.bankReserve

t.test('at three times its capacity', async (t) => {
  const gateway = await testGateway(t, { overload: limits })
  const modest = await gateway.addClient()
  const tokens = { greedy: await gateway.client.token(), modest: await modest.token() }
  const agent = new Agent({ connections: crowd })
  t.teardown(() => agent.close())
  const issue = async (token: string) =>
    await callApi(gateway.url, 'POST', '/v1/invoices', anInvoice(), { authorization: `Bearer ${token}` })
  // Known to each other from here on.
  for (const token of Object.values(tokens)) t.equal((await issue(token)).status, 201)
  const paid = []
  for (let n = 0; n < callbacks; n++) paid.push(await startVnpay(gateway))

  const greedy: Awaited<ReturnType<typeof issue>>[] = []
  const flood = Array.from({ length: crowd }, async () => {
    for (let round = 0; round < rounds; round++) greedy.push(await issue(tokens.greedy))
  })
  const patient: number[] = []
  const asking = (async () => {
    for (let n = 0; n < 6; n++) patient.push((await issue(tokens.modest)).status)
  })()
  const heard: string[] = []
  const toTell = paid.values()
  const telling = Array.from({ length: bankCalls }, async () => {
    for (const payment of toTell) {
      const query = vnpayIpn(gateway.vnpaySecret, payment)
      const { statusCode, body } = await request(`${gateway.url}/callbacks/vnpay/vnpay-h56-14?${query}`, {
        dispatcher: agent,
      })
      heard.push(`${statusCode} ${/"RspCode":"(\d\d)"/.exec(await body.text())?.[1]}`)
    }
  })
  const probes = await Promise.all(['/healthz', '/readyz'].map((path) => callApi(gateway.url, 'GET', path)))
  await Promise.all([...flood, asking, ...telling])

  t.same(heard, Array(callbacks).fill('200 00'), 'every callback is acknowledged')
  t.same(patient, Array(6).fill(201), 'a portal that asks for little gets it')
  t.same(
    probes.map(({ status }) => status),
    [200, 200],
    'probes are answered',
  )
  const shed = greedy.filter(({ status }) => status === 503)
  t.same(new Set(greedy.map(({ status }) => status)), new Set([201, 503]))
  t.ok(shed.length > 0)
  for (const { json, headers } of shed) {
    if (json.code !== 'OVERLOADED') t.fail(`503 ${json.code}`)
    if (headers.get('content-type') !== 'application/problem+json; charset=utf-8') t.fail('no problem')
    if (!(Number(headers.get('retry-after')) >= 1)) t.fail('no Retry-After')
  }
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
  t.match(metrics, `feegate_shed_total{kind="other",reason="full"} ${shed.length}`)
  t.notMatch(metrics, /feegate_shed_total\{kind="bank"/)
  t.match(metrics, /feegate_requests_in_flight\{kind="other"\} 0\n/, 'no place is lost')
  t.match(metrics, /feegate_requests_waiting\{kind="other"\} 0\n/)
  t.equal((await issue(tokens.greedy)).status, 201, 'after it the first one is answered')
  const [row] = await gateway.database.query<{ count: number }>('SELECT count(*)::int AS count FROM invoices', [])
  t.equal(row?.count, greedy.length - shed.length + patient.length + callbacks + 3, 'who was sent away left nothing')
})

t.test(
  'a caller who goes away gives up its place in the line, or keeps its place at work until the work is done',
  async (t) => {
    const gateway = await testGateway(t, { overload: { ...limits, inFlight: 1, bankReserve: 1, waiting: 2 } })
    const agent = new Agent({ connections: 20 })
    t.teardown(() => agent.close())
    await gateway.api('GET', '/v1/invoices')
    const authorization = `Bearer ${await gateway.client.token()}`
    await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const gone = new AbortController()
        const asking = request(`${gateway.url}/v1/invoices`, {
          dispatcher: agent,
          headers: { authorization },
          signal: gone.signal,
        })
        setImmediate(() => (n % 2 === 0 ? gone.abort() : undefined))
        try {
          await (await asking).body.dump()
        } catch {
          // It went away: that is what is tried.
        }
      }),
    )
    let text = ''
    do text = await (await fetch(`${gateway.url}/metrics`)).text()
    while (!/feegate_requests_in_flight\{kind="other"\} 0\n/.test(text))
    t.match(text, /feegate_requests_waiting\{kind="other"\} 0\n/)
    t.equal((await gateway.api('GET', '/v1/invoices')).status, 200)
  },
)

t.test('a process that is behind with its work answers banks and sends portals away', async (t) => {
  let delay = 0
  const gateway = await testGateway(t, { overload: limits, loopDelayMs: () => delay })
  const payment = await startVnpay(gateway)
  delay = limits.maxLoopDelayMs + 1
  const refused = await gateway.api('GET', '/v1/invoices')
  t.match(refused.json, { status: 503, code: 'OVERLOADED' })
  const heard = await callApi(
    gateway.url,
    'GET',
    `/callbacks/vnpay/vnpay-h56-14?${vnpayIpn(gateway.vnpaySecret, payment)}`,
  )
  t.match(heard.text, '"00"')
  delay = 0
  t.equal((await gateway.api('GET', '/v1/invoices')).status, 200)
})
