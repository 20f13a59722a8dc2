import { verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { accountSchema } from '../../../adapters/bill-pull/account.ts'
import { findings } from '../../../adapters/bill-pull/generic-answer.ts'
import { billPull } from '../../../adapters/bill-pull/index.ts'
import type { CallbackReading, HttpReply, RawRequest } from '../../../adapters/contract.ts'
import { signText } from '../../../adapters/vietinbank/rsa.ts'
import { jsonOf } from '../vietinbank/vectors.ts'

const page = readFileSync(new URL('../../../contracts/bill-pull-profile.md', import.meta.url), 'utf8')

function blocks(label: string): string[] {
  return [...page.matchAll(new RegExp(`\`\`\`${label}\\n([\\s\\S]*?)\\n\`\`\``, 'g'))].map(([, text]) => text ?? '')
}

const [bankPrivate = ''] = blocks('pem bank-private')
const [bankPublic = ''] = blocks('pem bank-public')
const [gatewayPrivate = ''] = blocks('pem gateway-private')
const [gatewayPublic = ''] = blocks('pem gateway-public')
const account = {
  id: 'ra_demo',
  config: accountSchema.parse({ profile: 'generic', privateKeyPem: gatewayPrivate, bankKeyPem: bankPublic }),
}
const context = { now: new Date('2026-11-24T07:00:00Z'), requestId: 'r1', serverIp: '203.0.113.9' }

type HttpText = { first: string; headers: Record<string, string>; body: string }
function parse(text: string): HttpText {
  const [head = '', body = ''] = text.split('\n\n')
  const [first = '', ...lines] = head.split('\n')
  return { first, headers: Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2))), body }
}

/** What the gateway decides in each example. */
function decide(reading: CallbackReading, request: RawRequest, answered: Record<string, unknown>): HttpReply {
  const { code, settlementId, bill } = answered
  if (reading.kind === 'outcome') {
    const kind = code === 'RECORDED' ? 'recorded' : 'amountMismatch'
    return billPull.acknowledge({ kind, settlementId: String(settlementId) }, request, account, context)
  }
  if (reading.kind !== 'bill') throw new Error(`example refused: ${JSON.stringify(reading)}`)
  const answer = billPull.answerBill?.(
    reading.request.kind === 'reverse'
      ? { kind: 'reversed' }
      : bill === undefined
        ? { kind: 'notPayable', why: 'paid' }
        : {
            kind: 'payable',
            payCode: reading.request.payCode,
            amount: 150_000n,
            payerName: 'NGUYEN VAN A',
            billId: 'inv_01k0demo',
          },
    request,
    account,
    context,
  )
  if (answer === undefined) throw new Error('no answer')
  return answer
}

t.test('every example of the contract holds: texts, signatures, readings and answers, byte for byte', async (t) => {
  const requests = blocks('http request').map(parse)
  const answers = blocks('http answer').map(parse)
  const requestTexts = blocks('text request-signed')
  const answerTexts = blocks('text answer-signed')
  t.equal(requests.length, 5)
  for (const [index, { first, headers, body }] of requests.entries()) {
    const answer = answers[index]
    const title = `${index + 1}: ${first}`
    const path = first.split(' ')[1]?.replace('/callbacks/bill-pull/ra_demo', '') ?? ''
    const request: RawRequest = { method: 'POST', path, query: '', headers, body: Buffer.from(body) }
    t.equal(
      signText(requestTexts[index] ?? '', bankPrivate, 'RSA-SHA256'),
      headers['feegate-signature'],
      `${title}: request signature`,
    )
    const reading = billPull.readCallback(request, account, context)
    const reply = decide(reading, request, jsonOf(answer?.body))
    t.equal(reply.body, answer?.body, `${title}: answer body`)
    t.equal(`HTTP/1.1 ${reply.status} OK`, answer?.first, `${title}: status`)
    t.same(reply.headers, answer?.headers, `${title}: answer headers`)
    const signature = Buffer.from(reply.headers['feegate-signature'] ?? '', 'base64')
    t.ok(
      verify('sha256', Buffer.from(answerTexts[index] ?? ''), gatewayPublic, signature),
      `${title}: answer signature`,
    )
  }
})

t.test('the contract lists exactly the codes the gateway answers with', async (t) => {
  const listed = [...page.matchAll(/^\| (\d{3}) \| `([A-Z_]+)` \|/gm)].map(([, status, code]) => `${status} ${code}`)
  t.same(
    listed,
    Object.values(findings).map(({ status, code }) => `${status} ${code}`),
  )
})
