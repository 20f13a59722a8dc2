/** The callbacks of every adapter that has some through a whole gateway: acknowledged as the rail expects, and no secret told to log or evidence. */
import { Writable } from 'node:stream'
import t, { type Test } from 'tap'
import type { RawRequest } from '../../adapters/contract.ts'
import { allAdapters } from '../../adapters/registry.ts'
import { createLogger } from '../../src/log.ts'
import { type GatewayOver, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'
import { sent, unproven } from './conformance/callback-checks.ts'
import { secretsOf } from './conformance/house-checks.ts'
import { load } from './conformance/kit.ts'
import { aTelling, now, type Subject } from './conformance/subject.ts'

const calling = allAdapters().filter(({ capabilities }) => capabilities.callback)
const subjects = (await Promise.all(calling.map((adapter) => load(adapter)))).flat()
const configOf = ({ mode }: Subject) => mode.config as Record<string, unknown>

const receiversOf = ({ adapter, account }: Subject): string[] =>
  adapter.receivers(account.config).map((name) => `${adapter.name} ${name}`)

/** Ways of holding one account of a bank are not held side by side: in each group every account is another one to its rail. */
const groups = subjects.reduce<Subject[][]>((made, subject) => {
  const own = receiversOf(subject)
  const group = made.find((one) => !one.flatMap(receiversOf).some((name) => own.includes(name)))
  if (group === undefined) made.push([subject])
  else group.push(subject)
  return made
}, [])

/** A gateway with an account for each way of holding one of a group. */
async function gatewayOf(t: Test, group: readonly Subject[], over: GatewayOver = {}): Promise<TestGateway> {
  const gateway = await testGateway(t, over)
  gateway.environment.set(now)
  const railAccounts = group.map((subject) => ({
    id: subject.account.id,
    rail: subject.adapter.name,
    beneficiaryAccountId: 'bac_h56-14-colle',
    titleVi: subject.adapter.titleVi,
    titleEn: subject.adapter.titleEn,
    config: configOf(subject),
  }))
  await gateway.load(testDirectory({ railAccounts }))
  return gateway
}

async function deliver(url: string, { adapter, account }: Subject, request: RawRequest) {
  const query = request.query === '' ? '' : `?${request.query}`
  const answer = await fetch(`${url}/callbacks/${adapter.name}/${account.id}${request.path}${query}`, {
    method: request.method,
    headers: request.headers,
    ...(request.method === 'GET' ? {} : { body: Buffer.from(request.body) }),
  })
  return { status: answer.status, headers: answer.headers, body: await answer.text() }
}

t.test('every adapter, through whole gateways', async (t) => {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'))
      done()
    },
  })
  const houses: { gateway: TestGateway; group: readonly Subject[] }[] = []
  for (const group of groups)
    houses.push({ gateway: await gatewayOf(t, group, { log: createLogger('trace', sink) }), group })

  await t.test('a true callback about money nobody ordered is answered as the rail expects, to the byte', async (t) => {
    for (const { gateway, group } of houses)
      for (const subject of group) {
        const [sample] = subject.mode.callbacks
        if (sample === undefined) throw new Error(`${subject.name} has no callback`)
        const { status, headers, body } = subject.mode.acknowledge(
          { kind: 'unknownReference' },
          aTelling(subject),
          subject.written,
          now,
        )
        const answer = await deliver(gateway.url, subject, sent(subject, sample))
        const given = Object.fromEntries(Object.keys(headers).map((name) => [name, answer.headers.get(name)]))
        t.same({ status: answer.status, headers: given, body: answer.body }, { status, headers, body }, subject.name)
      }
  })

  await t.test('no secret of any account stands in a log line, an answer or the kept evidence', async (t) => {
    const answers: string[] = []
    const evidence: string[] = []
    for (const { gateway, group } of houses) {
      for (const subject of group)
        for (const sample of subject.mode.callbacks) {
          const request = sent(subject, sample)
          const broken = { ...request, query: request.query.slice(0, -2), body: request.body.slice(0, -2) }
          const foreign = sent(subject, sample, { currency: 'USD' })
          for (const variant of [request, unproven(request, sample), broken, foreign]) {
            const { status, body } = await deliver(gateway.url, subject, variant)
            t.not(status, 500, `${subject.name}, ${sample.name}: ${body}`)
            answers.push(body)
          }
        }
      const kept = await gateway.database.query<{ text: string }>(
        `SELECT headers::text || encode(body, 'escape') || query || detail || coalesce(reply_body, '') AS text FROM callbacks`,
        [],
      )
      evidence.push(...kept.map(({ text }) => text))
    }
    t.ok(lines.length > subjects.length && evidence.length > subjects.length, 'the gateway logs, and keeps evidence')
    const places = { log: lines.join(''), answers: answers.join('\n'), evidence: evidence.join('\n') }
    for (const subject of subjects) {
      const secrets = secretsOf(subject.adapter.secretFields, configOf(subject))
      const spellings = secrets.flatMap((secret) => [secret, Buffer.from(secret).toString('base64').slice(0, 20)])
      const told = Object.entries(places).flatMap(([place, text]) =>
        spellings.filter((secret) => text.includes(secret)).map((secret) => `${secret.slice(0, 12)}… in ${place}`),
      )
      t.same(told, [], subject.name)
    }
  })
})
