/** What payers do, and those who pretend to be a bank. */
import { vnpay } from '../../../adapters/vnpay/index.ts'
import type { Random } from '../engine/random.ts'
import type { KnownAttempt } from '../stage/portal.ts'
import { railOf, rails, railTable } from '../stage/rails.ts'
import type { Stage } from '../stage/stage.ts'
import { startCall } from './portal.ts'

/** From a bank's counter or app, without our page: only the code in the text says what it is for. */
/** On an attempt begun at our page. */
export async function pay(stage: Stage, random: Random): Promise<void> {
  const { attempts } = stage.portal
  if (attempts.length > 0) await payAttempt(stage, random, random.pick(attempts.slice(-8)))
}

/** A code or a page that is still open is used a second time. */
export async function payAgain(stage: Stage, random: Random): Promise<void> {
  const { attempts } = stage.portal
  if (attempts.length > 0) await payAttempt(stage, random, random.pick(attempts))
}

/** The same invoice on two rails at once: both were begun before either was paid. */
export async function payTwice(stage: Stage, random: Random, number: number): Promise<void> {
  const { portal } = stage
  if (portal.invoices.length === 0) return
  const invoice = random.pick(portal.invoices.slice(-8))
  for (const part of ['one', 'two']) await portal.start(invoice, startCall(stage, random, invoice, `${number}-${part}`))
  const both = portal.attempts.filter((attempt) => attempt.invoice === invoice).slice(-2)
  await Promise.all(both.map((attempt) => payAttempt(stage, random, attempt)))
}

/** The payer changes the mind while the bank is at work: cancelled or replaced in the same moment as it is paid. */
export async function cancelWhilePaying(stage: Stage, random: Random, number: number): Promise<void> {
  const { attempts } = stage.portal
  // While a QR is shown an invoice may still be closed: nobody knows whether it is being paid.
  const shown = attempts.filter(({ railAccountId }) => railOf(railAccountId) === 'vietqr')
  const from = shown.length > 0 && random.chance(0.6) ? shown : attempts
  if (from.length === 0) return
  const attempt = random.pick(from.slice(-4))
  const { id, request } = attempt.invoice
  const how = random.pick(['cancel', 'supersede'])
  await Promise.all([
    payAttempt(stage, random, attempt),
    stage.portal.call({
      method: 'POST',
      path: `/v1/invoices/${id}/${how}`,
      key: `close-paying-${number}`,
      body: how === 'cancel' ? { reason: 'Công dân rút hồ sơ' } : { ...request.body },
    }),
  ])
}

async function payAttempt(stage: Stage, random: Random, attempt: KnownAttempt): Promise<void> {
  const rail = railOf(attempt.railAccountId)
  if (rail === null) return
  try {
    await railTable[rail].pay(stage, random, attempt)
  } catch (error) {
    if (!isPartnerRefusal(error)) throw error
    stage.world.record('payers', `${rail} refuses: ${error.message}`)
  }
}

function isPartnerRefusal(error: unknown): error is Error {
  return error instanceof Error && /Refused|Unreadable/.test(error.constructor.name)
}

export async function transferByCode({ banks, portal }: Stage, random: Random): Promise<void> {
  const invoice = random.chance(0.1) || portal.invoices.length === 0 ? null : random.pick(portal.invoices)
  const amount = BigInt(random.chance(0.8) ? (invoice?.total ?? 7_000) : 3_000)
  const text = `NOP PHI ${invoice?.payCode ?? 'KHONG RO'}`
  if (random.chance(0.5)) await banks.sandbox.vietqr.move({ transferType: 'in', amount, content: text })
  else await banks.sandbox.vietinbank.credit({ amount, remark: text })
}

/** Two invoices paid many times over on two rails in the same moment: every notice finds the others under way. */
export async function storm({ banks, portal }: Stage, random: Random): Promise<void> {
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
export async function changeWord(stage: Stage, random: Random): Promise<void> {
  const { banks, world, lyingRails } = stage
  const { vnpay } = banks.sandbox
  const orders = [...vnpay.transactions.values()].filter(({ status }) => status !== '01')
  if (random.chance(0.5) && orders.length > 0) {
    const { txnRef, status } = random.pick(orders)
    world.record('banks', `vnpay changes its word about ${txnRef}`)
    await vnpay.sendCallback(
      txnRef,
      status === '00'
        ? random.pick([
            { responseCode: '51', status: '02' },
            { responseCode: '07', status: '07' },
          ])
        : { responseCode: '00', status: '00' },
    )
    return
  }
  const rail = random.pick(rails)
  const known = railTable[rail].again(stage)
  if (known.length === 0) return
  const { reference, send } = random.pick(known)
  world.record('banks', `${rail} changes the amount of ${reference}`)
  lyingRails.add(rail)
  await send({ amount: 9_999n })
}

export async function sendAgain(stage: Stage, random: Random): Promise<void> {
  const known = rails.flatMap((rail) => railTable[rail].again(stage))
  if (known.length === 0) return
  stage.world.record('banks', 'send a notice again')
  await random.pick(known).send({ duplicate: random.chance(0.3) })
}

export async function forge(stage: Stage, random: Random): Promise<void> {
  const known = rails.flatMap((rail) => railTable[rail].again(stage))
  if (known.length === 0) return
  stage.world.record('somebody', 'forges a notice')
  await random.pick(known).send({ tampered: true })
}

/** Somebody else's order at our terminal: signed, and none of ours. */
export async function orderOfNobody({ banks, world }: Stage, random: Random, number: number): Promise<void> {
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
