/** The suite itself: the toy rail with one fault at a time must be found out, by the check that is there for it. */
import { createHmac } from 'node:crypto'
import t from 'tap'
import { objectIn } from '../../../adapters/conformance.ts'
import type { Adapter, CallbackReading, InquiryResult, RawRequest, Step } from '../../../adapters/contract.ts'
import { conformance } from '../toy/conformance.ts'
import { toy } from '../toy/index.ts'
import { checks } from './kit.ts'
import { type Subject, subjectsOf } from './subject.ts'

type ToyAccount = Parameters<typeof toy.readCallback>[1]

/** A reading as the toy rail's own would be, were the request proven and about the account's shop. */
function believed(
  body: Uint8Array,
  account: ToyAccount,
  change: (fields: Record<string, string>) => object = () => ({}),
) {
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(objectIn(body))) fields[name] = String(value)
  const message = { ...fields, shop: account.config.shop, ...change(fields) }
  const text = ['shop', 'ref', 'id', 'amount', 'state'].map((name) => Object(message)[name]).join('|')
  const mac = createHmac('sha256', account.config.secret).update(text).digest('hex')
  return Buffer.from(JSON.stringify({ ...message, mac }), 'utf8')
}

const readBelieved = (request: RawRequest, account: ToyAccount, change?: (fields: Record<string, string>) => object) =>
  toy.readCallback({ ...request, body: believed(request.body, account, change) }, account, aContext)

const aContext = { now: new Date(0), requestId: 'r', serverIp: '198.51.100.7' }

function withOutcome(reading: CallbackReading, change: (outcome: object) => object): CallbackReading {
  return reading.kind === 'outcome'
    ? { ...reading, outcome: { ...reading.outcome, ...change(reading.outcome) } }
    : reading
}

const macOf = (request: RawRequest): string => String(objectIn(request.body).mac)

/** Where the fault lies, the rail with it, and words of the check that must find it. */
const faults: [string, Partial<Adapter<ToyAccount['config']>>, RegExp][] = [
  [
    'proof is not looked at',
    { readCallback: (request, account) => readBelieved(request, account) },
    /without its proof/,
  ],
  [
    'proof is not looked at, tried by force',
    { readCallback: (request, account) => readBelieved(request, account) },
    /random changes/,
  ],
  [
    'only the first digits of the proof are compared',
    {
      readCallback(request, account) {
        const proven = objectIn(believed(request.body, account, ({ shop }) => ({ shop })))
        if (macOf(request).slice(0, 8) !== String(proven.mac).slice(0, 8)) return refused
        return readBelieved(request, account, ({ shop }) => ({ shop }))
      },
    },
    /without its proof/,
  ],
  [
    'the shop is not compared',
    {
      readCallback(request, account) {
        const reading = toy.readCallback(request, account, aContext)
        return reading.kind === 'refused' && reading.reason === 'wrong-account'
          ? readBelieved(request, account)
          : reading
      },
    },
    /about another account/,
  ],
  [
    'of a field that stands twice the last one counts',
    {
      readCallback: (request, account) =>
        toy.readCallback({ ...request, body: Buffer.from(JSON.stringify(objectIn(request.body))) }, account, aContext),
    },
    /field twice/,
  ],
  [
    'a body that is no JSON throws',
    {
      readCallback(request, account) {
        JSON.parse(Buffer.from(request.body).toString('utf8'))
        return toy.readCallback(request, account, aContext)
      },
    },
    /random requests/,
  ],
  [
    'texts are joined without bars',
    {
      readCallback(request, account) {
        const fields = objectIn(request.body)
        const text = (value: Record<string, unknown>) =>
          ['shop', 'ref', 'id', 'amount', 'state'].map((name) => value[name]).join('')
        // As if the rail signed so: the same joined text is the same proof.
        return text(fields) === joinedText
          ? readBelieved(request, account)
          : toy.readCallback(request, account, aContext)
      },
    },
    /moved between neighbours/,
  ],
  [
    'the amount is the one that was ordered',
    { readCallback: (...given) => withOutcome(toy.readCallback(...given), () => ({ amount: 150_000n })) },
    /another amount/,
  ],
  [
    'the key is made of the time',
    {
      readCallback: (request, account, context) =>
        withOutcome(toy.readCallback(request, account, context), () => ({
          railTransactionId: String(context.now.getTime()),
        })),
    },
    /same bytes later/,
  ],
  [
    'the secret is kept as evidence',
    {
      readCallback: (request, account, context) =>
        withOutcome(toy.readCallback(request, account, context), () => ({
          evidence: { secret: account.config.secret },
        })),
    },
    /no secret/,
  ],
  ['the clock is asked', { merchantRef: () => `FG${Date.now()}` }, /neither clock nor chance/],
  ['two shops are one', { receivers: () => ['shop'] }, /called differently/],
  ['references come again', { merchantRef: ({ sequence }) => `FG${sequence % 100n}` }, /never given twice/],
  [
    'all is acknowledged',
    { acknowledge: () => toy.acknowledge({ kind: 'ignored' }, aRequest, anAccount, aContext) },
    /acknowledgement/,
  ],
  [
    'an unsigned answer is believed',
    {
      readInquiry: (answer, state, attempt, account, context) =>
        toy.readInquiry?.({ ...answer, body: believed(answer.body, account) }, state, attempt, account, context) ??
        pending,
    },
    /unsigned, wrongly signed/,
  ],
  [
    'an answer about another order is believed',
    {
      readInquiry: (answer, state, attempt, account, context) =>
        toy.readInquiry?.(
          answer,
          state,
          { ...attempt, merchantRef: String(objectIn(answer.body).ref) },
          account,
          context,
        ) ?? pending,
    },
    /about another order/,
  ],
  [
    'a server fault with a true body is believed',
    {
      readInquiry: (answer, state, attempt, account, context) =>
        toy.readInquiry?.({ ...answer, status: 200 }, state, attempt, account, context) ?? pending,
    },
    /server faults/,
  ],
  [
    'the limits are wider than the rail',
    { capabilities: { ...toy.capabilities, maxAmount: 99_999_999n } },
    /amounts are carried/,
  ],
  ['a refund is claimed', { capabilities: { ...toy.capabilities, refund: 'full' } }, /every capability/],
  [
    'the description goes out as it came',
    {
      start(order, account, context) {
        const step = toy.start?.({ ...order, description: '' }, account, context)
        if (step?.kind !== 'done' || step.result.kind !== 'redirect') throw new Error('the toy rail redirects')
        const url = new URL(step.result.url)
        url.searchParams.set('text', order.description)
        return { kind: 'done', result: { ...step.result, url: url.href } }
      },
    },
    /description/,
  ],
]

const refused: CallbackReading = { kind: 'refused', reason: 'signature', detail: '' }
const pending: Step<InquiryResult> = { kind: 'done', result: { kind: 'stillPending' } }
const [sound] = subjectsOf(toy, conformance)
if (sound === undefined) throw new Error('the toy rail has no way of holding an account')
const anAccount = sound.account as ToyAccount
const joinedText = 'TOYSHOP1FG00000395250310004217150000PAID'
const aRequest: RawRequest = { method: 'POST', path: '', query: '', headers: {}, body: new Uint8Array() }

function findings(subject: Subject, pattern: RegExp): string[] {
  const chosen = checks.filter(({ name }) => pattern.test(name))
  return chosen.flatMap((check) => {
    try {
      return check.find(subject)
    } catch (error) {
      return [String(error)]
    }
  })
}

for (const [fault, changes, pattern] of faults) {
  t.test(`found out: ${fault}`, async (t) => {
    t.same(findings(sound, pattern), [], 'the sound rail passes')
    const adapter: Adapter = { ...toy, ...changes }
    const [broken] = subjectsOf(adapter, conformance)
    t.not(findings({ ...sound, ...broken, adapter }, pattern).length, 0)
  })
}
