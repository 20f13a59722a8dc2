/** What the parties do, by chance and on purpose badly. Every choice comes from the action's own stream, so an action can be left out of a history and the others still do what they did. */
import { vnpay } from '../../adapters/vnpay/index.ts'
import type { Random } from './engine/random.ts'
import { askForRefund, workOnRefunds } from './stage/officers.ts'
import type { ApiCall, KnownAttempt, KnownInvoice } from './stage/portal.ts'
import { type RailName, rails, type Stage } from './stage/stage.ts'

export type Action = { readonly number: number; readonly kind: ActionKind }
export type ActionKind = keyof typeof actions

type Run = (stage: Stage, random: Random, number: number) => Promise<void> | void

/** Acts upon the machines themselves: done whole before anything else goes on. */
type Kind = { readonly weight: number; readonly run: Run; readonly atOnce?: true }

const day = 24 * 60 * 60 * 1000

/** Fees of one creditor each, their amounts far apart: by number of pages, online and at the counter. */
const fees: readonly { procedureCode: string; feeCode?: string; quantity?: number; tax?: number }[] = [
  { procedureCode: '1.004194', feeCode: 'temporary-residence' },
  { procedureCode: '2.000815', feeCode: 'certified-copy', quantity: 3 },
  { procedureCode: '2.001195', feeCode: 'id-card-exchange' },
  { procedureCode: '1.010100', feeCode: 'passport-first' },
  // Pays into the State budget's account, for which no rail is open here: money for it always comes to the wrong account.
  { procedureCode: '1.013001', tax: 3_000_000 },
]

const actions = {
  'issue an invoice': {
    weight: 14,
    run: (stage, random, number) => stage.portal.issue(issueCall(stage, random, number)),
  },
  'repeat an earlier call': { weight: 6, run: repeat },
  'use a key for another request': { weight: 1, run: reuseKey },
  'issue an invoice again': { weight: 3, run: issueAgain },
  'put invoices into a basket': { weight: 6, run: makeBasket },
  'cancel an invoice': { weight: 2, run: (stage, random, number) => change(stage, random, number, 'cancel') },
  'supersede an invoice': { weight: 2, run: (stage, random, number) => change(stage, random, number, 'supersede') },
  'start a payment': { weight: 22, run: startPayment },
  pay: { weight: 26, run: pay },
  'transfer by pay code': { weight: 5, run: transferByCode },
  'a storm of credits': { weight: 2, run: storm },
  'a bank changes its word': { weight: 4, run: changeWord },
  'an order of nobody': { weight: 1, run: orderOfNobody },
  'pay again': { weight: 4, run: payAgain },
  'an officer asks for a refund': { weight: 4, run: askForRefund },
  'officers work on refunds': { weight: 10, run: workOnRefunds },
  'send a notice again': { weight: 5, run: sendAgain },
  'forge a notice': { weight: 2, run: forge },
  'banks behave badly': { weight: 3, run: misbehave, atOnce: true },
  'banks behave': {
    weight: 3,
    run: ({ banks }) => {
      for (const rail of rails) banks.sandbox[rail].behaviour.behave()
    },
    atOnce: true,
  },
  'the dossier system changes': { weight: 4, run: changeDossiers, atOnce: true },
  'a gateway is killed': { weight: 3, run: killGateway, atOnce: true },
  'a gateway starts': {
    weight: 4,
    run: ({ replicas }) => (replicas.living.length < 3 ? replicas.start() : undefined),
    atOnce: true,
  },
  'Redis changes': { weight: 3, run: changeRedis, atOnce: true },
  'Redis is emptied': { weight: 1, run: ({ redis }) => redis.flush(), atOnce: true },
  'the database restarts': { weight: 2, run: restartDatabase, atOnce: true },
  'a clock is off': { weight: 2, run: skewClock, atOnce: true },
  'time goes on': { weight: 14, run: letTimePass, atOnce: true },
} as const satisfies Record<string, Kind>

/** Kinds that a run is full of; every run has others, so that rare things meet often somewhere. */
const favourites = 4
const favour = 5

/** The plan of a run: what happens in which order, fixed before it begins. */
export function planOf(random: Random, length: number): Action[] {
  const kinds = Object.keys(actions) as ActionKind[]
  const favoured = new Set(Array.from({ length: favourites }, () => random.pick(kinds)))
  const all = kinds.flatMap((kind) =>
    Array.from({ length: actions[kind].weight * (favoured.has(kind) ? favour : 1) }, () => kind),
  )
  return Array.from({ length }, (_, number) => ({ number, kind: random.pick(all) }))
}

/** Begins an action. What parties do goes on beside everything else; what befalls machines is over when this resolves. */
export async function act(stage: Stage, { kind, number }: Action, onFault: (error: unknown) => void): Promise<void> {
  const { run, atOnce }: Kind = actions[kind]
  stage.world.record('plan', `${number}: ${kind}`)
  const done = Promise.resolve(run(stage, stage.world.random.fork(`action ${number}`), number)).catch(onFault)
  if (atOnce === true) await done
}

function issueCall({ world }: Stage, random: Random, number: number): ApiCall {
  const fee = random.pick(fees)
  const { procedureCode, tax, ...named } = fee
  const item =
    tax === undefined
      ? named
      : {
          kind: 'TAX',
          nameVi: 'Lệ phí trước bạ',
          amount: tax,
          economicCode: '2802',
          decision: { number: `TB-${number}`, date: '2026-11-19', authority: 'Thuế tỉnh' },
        }
  const minutes = random.pick([16, 16, 60, 3 * 24 * 60])
  return {
    method: 'POST',
    path: '/v1/invoices',
    key: `issue-${number}`,
    body: {
      dossierCode: `H56.14-261120-${String(number).padStart(4, '0')}`,
      procedureCode,
      collectingAgencyCode: 'H56.14',
      collectionMode: 'UPFRONT',
      submitter: { name: 'Nguyễn Văn An', personalId: '001199000001' },
      items: [item],
      expiresAt: new Date(world.now + minutes * 60_000).toISOString(),
    },
  }
}

/** The same demand once more: refused while the first is open, and in its place in every basket once it has expired. */
async function issueAgain({ portal, world }: Stage, random: Random, number: number): Promise<void> {
  if (portal.invoices.length === 0) return
  const { body } = random.pick(portal.invoices).request
  const expiresAt = new Date(world.now + 60 * 60_000).toISOString()
  await portal.issue({ method: 'POST', path: '/v1/invoices', key: `again-${number}`, body: { ...body, expiresAt } })
}

async function makeBasket({ portal }: Stage, random: Random, number: number): Promise<void> {
  const invoiceIds = portal.invoices.slice(-6).flatMap(({ id }) => (random.chance(0.5) ? [id] : []))
  if (invoiceIds.length > 0)
    await portal.call({ method: 'POST', path: '/v1/baskets', key: `basket-${number}`, body: { invoiceIds } })
}

async function repeat({ portal }: Stage, random: Random): Promise<void> {
  if (portal.calls.length === 0) return
  const call = random.pick(portal.calls)
  // The same call several times at once, as an impatient client does it.
  await Promise.all(Array.from({ length: 1 + random.below(3) }, () => send(portal, call)))
}

async function send(portal: Stage['portal'], call: ApiCall): Promise<void> {
  if (call.path === '/v1/invoices') await portal.issue(call)
  else await portal.call(call)
}

async function reuseKey(stage: Stage, random: Random, number: number): Promise<void> {
  const known = stage.portal.calls.find(({ path }) => path === '/v1/invoices')
  if (known?.key === undefined) return
  await stage.portal.call({ ...issueCall(stage, random, number), key: known.key })
}

async function change({ portal }: Stage, random: Random, number: number, how: 'cancel' | 'supersede'): Promise<void> {
  if (portal.invoices.length === 0) return
  const { id, request } = random.pick(portal.invoices)
  await portal.call({
    method: 'POST',
    path: `/v1/invoices/${id}/${how}`,
    key: `${how}-${number}`,
    body: how === 'cancel' ? { reason: 'Công dân rút hồ sơ' } : { ...request.body },
  })
}

async function startPayment({ portal, banks }: Stage, random: Random, number: number): Promise<void> {
  if (portal.invoices.length === 0) return
  const invoice = random.pick(portal.invoices.slice(-8))
  const rail = random.pick(rails)
  const cards = Object.values(banks.sandbox.vietinbank.testCards)
  await portal.start(invoice, {
    method: 'POST',
    path: `/v1/invoices/${invoice.id}/payments`,
    key: `start-${number}`,
    body: {
      railAccountId: `${rail}-sim`,
      payerIp: '203.0.113.7',
      ...(rail === 'vietinbank' ? { payerInput: { token: random.pick(cards), tokenIssueDate: '0325' } } : {}),
    },
  })
}

const hostedWays = [
  'success',
  'success',
  'success',
  'fail',
  'cancel',
  'late',
  'duplicate',
  'wrong-amount',
  'tampered',
  'pending-then-success',
] as const
const transferWays = [
  'success',
  'success',
  'success',
  'fail',
  'late',
  'duplicate',
  'wrong-amount',
  'edited-text',
  'tampered',
] as const

async function pay(stage: Stage, random: Random): Promise<void> {
  const { attempts } = stage.portal
  if (attempts.length === 0) return
  await payAttempt(stage, random, random.pick(attempts.slice(-8)))
}

async function payAttempt(stage: Stage, random: Random, attempt: KnownAttempt): Promise<void> {
  const { sandbox } = stage.banks
  const rail = railOf(attempt)
  const { url, payload } = attempt.instruction
  try {
    switch (rail) {
      case 'vnpay':
        if (typeof url === 'string') await sandbox.vnpay.pay(url, random.chance(0.1) ? 'held' : random.pick(hostedWays))
        return
      case 'onepay':
        if (typeof url === 'string') await sandbox.onepay.pay(url, random.pick(hostedWays))
        return
      case 'vietqr':
        if (typeof payload === 'string') await transfer(stage, random, payload)
        return
      case 'vietinbank':
        await confirm(stage, random, attempt)
        return
    }
  } catch (error) {
    if (!isPartnerRefusal(error)) throw error
    stage.world.record('payers', `${rail} refuses: ${error.message}`)
  }
}

async function transfer({ banks, portal }: Stage, random: Random, payload: string): Promise<void> {
  const { vietqr } = banks.sandbox
  // Payers type over the amount, and over the text: with another's code, or two.
  const other = portal.invoices.length === 0 ? null : random.pick(portal.invoices)
  const typed = {
    ...(random.chance(0.2) ? { amount: random.pick([1_000n, 7_000n, 2_000_000n]) } : {}),
    ...(random.chance(0.1) && other !== null ? { content: `NOP PHI ${other.payCode}` } : {}),
  }
  await vietqr.pay(payload, random.pick(transferWays), typed)
}

/** The payer types the code from the phone into our page, sometimes a wrong one. */
async function confirm({ banks, portal }: Stage, random: Random, attempt: KnownAttempt): Promise<void> {
  const code = random.chance(0.2) ? '0000' : banks.sandbox.vietinbank.otpOf(attempt.merchantRef)
  if (code === null) return
  await portal.submit(
    `${attempt.invoice.payPath}/payments/${attempt.id}/confirm`,
    new URLSearchParams({ otp: code, lang: 'vi' }).toString(),
  )
}

/** From a bank's counter or app, without our page: only the code in the text says what it is for. */
async function transferByCode({ banks, portal }: Stage, random: Random): Promise<void> {
  const invoice = random.chance(0.1) || portal.invoices.length === 0 ? null : random.pick(portal.invoices)
  const amount = BigInt(random.chance(0.8) ? (invoice?.total ?? 7_000) : 3_000)
  const text = `NOP PHI ${invoice?.payCode ?? 'KHONG RO'}`
  if (random.chance(0.5)) await banks.sandbox.vietqr.move({ transferType: 'in', amount, content: text })
  else await banks.sandbox.vietinbank.credit({ amount, remark: text })
}

/** Two invoices paid many times over on two rails in the same moment: every notice finds the others under way. */
async function storm({ banks, portal }: Stage, random: Random): Promise<void> {
  if (portal.invoices.length === 0) return
  const two = [random.pick(portal.invoices), random.pick(portal.invoices)]
  const { vietqr, vietinbank } = banks.sandbox
  await Promise.all(
    Array.from({ length: 4 + random.below(9) }, (_, index) => {
      const { total, payCode } = two[random.below(2)] ?? { total: 7_000, payCode: '' }
      const content = `NOP PHI ${payCode}`
      return index % 2 === 0
        ? vietqr.move({ transferType: 'in', amount: BigInt(total), content })
        : vietinbank.credit({ amount: BigInt(total), remark: content })
    }),
  )
}

/** Signed news that contradict earlier ones: success after failure, failure after success, another amount under the same id. */
async function changeWord({ banks, world, lyingRails }: Stage, random: Random): Promise<void> {
  const { vnpay, vietqr } = banks.sandbox
  const orders = [...vnpay.transactions.values()].filter(({ status }) => status !== '01')
  if (random.chance(0.7) && orders.length > 0) {
    const { txnRef, status } = random.pick(orders)
    world.record('banks', `vnpay changes its word about ${txnRef}`)
    await vnpay.sendCallback(
      txnRef,
      status === '00' ? { responseCode: '51', status: '02' } : { responseCode: '00', status: '00' },
    )
  } else if (vietqr.transactions.length > 0) {
    const { id } = random.pick(vietqr.transactions)
    world.record('banks', `vietqr changes the amount of ${id}`)
    lyingRails.add('vietqr')
    await vietqr.sendCallback(id, { amount: 9_999n })
  }
}

/** Somebody else's order at our terminal: signed, and none of ours. */
async function orderOfNobody({ banks, world }: Stage, random: Random, number: number): Promise<void> {
  const step = vnpay.start?.(
    {
      merchantRef: `NOBODY${number}`,
      payCode: 'KHONGRO',
      dossierCode: '',
      amount: 10_000n,
      description: 'don hang la',
      locale: 'vi',
      payerIp: '203.0.113.9',
      returnUrl: 'https://elsewhere.example/return',
      callbackUrl: '',
      createdAt: new Date(world.now),
      expiresAt: new Date(world.now + 15 * 60_000),
      payerInput: {},
    },
    { id: 'nobody', config: vnpay.accountSchema.parse(banks.sandbox.vnpay.accountConfig()) },
    { now: new Date(world.now), requestId: `nobody${number}`, serverIp: '127.0.0.1' },
  )
  if (step?.kind === 'done' && step.result.kind === 'redirect')
    await banks.sandbox.vnpay.pay(step.result.url, random.pick(['success', 'fail']))
}

async function payAgain(stage: Stage, random: Random): Promise<void> {
  const { attempts } = stage.portal
  const paidOnce = attempts.filter((attempt) => railOf(attempt) === 'vietqr')
  if (paidOnce.length > 0) await payAttempt(stage, random, random.pick(paidOnce))
}

async function sendAgain({ banks, world }: Stage, random: Random): Promise<void> {
  const { vnpay, onepay, vietqr, vietinbank } = banks.sandbox
  const known: (() => Promise<unknown>)[] = [
    ...[...vnpay.transactions.values()]
      .filter(({ status }) => status !== '01')
      .map(
        ({ txnRef }) =>
          () =>
            vnpay.sendCallback(txnRef),
      ),
    ...[...onepay.transactions.values()]
      .filter(({ code }) => code !== '')
      .map(
        ({ merchTxnRef }) =>
          () =>
            onepay.sendCallback(merchTxnRef),
      ),
    ...vietqr.transactions.map(
      ({ id }) =>
        () =>
          vietqr.sendCallback(id, { duplicate: random.chance(0.3) }),
    ),
    ...vietinbank.credits.map(
      ({ transId }) =>
        () =>
          vietinbank.sendCallback(transId),
    ),
  ]
  if (known.length === 0) return
  world.record('banks', 'send a notice again')
  await random.pick(known)()
}

async function forge({ banks, world }: Stage, random: Random): Promise<void> {
  const { vnpay, vietqr } = banks.sandbox
  world.record('somebody', 'forges a notice')
  const refs = [...vnpay.transactions.keys()]
  const ids = vietqr.transactions.map(({ id }) => id)
  if (random.chance(0.5) && refs.length > 0)
    await vnpay.sendCallback(random.pick(refs), { tampered: true, responseCode: '00', status: '00' })
  else if (ids.length > 0) await vietqr.sendCallback(random.pick(ids), { tampered: true, amount: 1n })
}

function misbehave({ banks, world, lyingRails }: Stage, random: Random): void {
  const rail = random.pick(rails)
  const bad = random.pick([
    { duplicate: true },
    { outOfOrder: true },
    { wrongAmount: true },
    { badSignature: true },
    { answer500: true },
    { clockSkewMs: random.pick([-240_000, 120_000, 240_000]) },
  ])
  world.record('banks', `${rail} ${JSON.stringify(bad)}`)
  if ('wrongAmount' in bad) lyingRails.add(rail)
  banks.sandbox[rail].behaviour.misbehave(bad)
}

function changeDossiers({ dossiers, world }: Stage, random: Random): void {
  dossiers.mode = random.pick(['well', 'well', 'away', 'failing', 'failing-after'] as const)
  world.record('dossiers', dossiers.mode)
}

async function killGateway({ replicas, world }: Stage, random: Random): Promise<void> {
  const replica = replicas.living[random.below(Math.max(1, replicas.living.length))]
  if (replica !== undefined) await world.crash(replica.host)
}

function changeRedis({ redis, world }: Stage, random: Random): void {
  redis.state = random.pick(['up', 'up', 'down', 'stalled'] as const)
  world.record('redis', redis.state)
}

async function restartDatabase({ postgres, world, outside }: Stage, random: Random): Promise<void> {
  world.record('postgres', 'restarts')
  await postgres.stop()
  world.at(outside, world.now + random.pick([500, 3_000, 20_000]), () => postgres.start())
}

function skewClock({ replicas, world }: Stage, random: Random): void {
  const replica = replicas.living[random.below(Math.max(1, replicas.living.length))]
  if (replica === undefined) return
  replica.host.skewMs = random.pick([0, -2_000, 1_500, 30_000])
  world.record(replica.host.name, `clock off by ${replica.host.skewMs} ms`)
}

const shortWaits = [1_000, 5_000, 20_000, 61_000, 5 * 60_000]

async function letTimePass({ world, redis }: Stage, random: Random): Promise<void> {
  const ms = random.pick([...shortWaits, ...shortWaits, ...shortWaits, 17 * 60_000, 2 * 60 * 60_000, day, 3 * day])
  world.record('time', `goes on by ${ms / 1000} s`)
  world.advance(ms)
  await redis.age(ms)
}

export function railOf({ railAccountId }: Pick<KnownAttempt, 'railAccountId'>): RailName {
  const rail = rails.find((name) => railAccountId.startsWith(name))
  if (rail === undefined) throw new Error(`no rail behind ${railAccountId}`)
  return rail
}

function isPartnerRefusal(error: unknown): error is Error {
  return error instanceof Error && /Refused|Unreadable/.test(error.constructor.name)
}

export type { KnownInvoice }
