/** What happens in a run. Every choice comes from the action's own stream, so an action can be left out of a history and the others still do what they did. */
import { workAtCounter } from './acts/counter.ts'
import {
  finishBreaks,
  finishDays,
  finishRefunds,
  payAsAsked,
  payBasket,
  serveWithCash,
  takeBackWhatGoesBack,
  takeTaxBack,
} from './acts/diligent.ts'
import {
  behave,
  changeDossiers,
  changeRedis,
  killGateway,
  letTimePass,
  misbehave,
  passNight,
  restartDatabase,
  skewClock,
} from './acts/machines.ts'
import {
  cancelWhilePaying,
  changeWord,
  forge,
  orderOfNobody,
  pay,
  payAgain,
  payTwice,
  sendAgain,
  storm,
  transferByCode,
} from './acts/payers.ts'
import {
  change,
  issueAgain,
  issueCall,
  makeBasket,
  mindEndpoint,
  repeat,
  reuseKey,
  startPayment,
} from './acts/portal.ts'
import { closeDay, reconcileNow, workOnBreaks } from './acts/reconciliation.ts'
import { askForRefund, refundWhileRefunding, workOnRefunds } from './acts/refunds.ts'
import { sendSettlementFile, sendStatement } from './acts/statements.ts'
import { payAndTakeBack, payAtCounterOfBank, reportAgain, takeBack, twoBanksAtOnce } from './acts/tellers.ts'
import type { Random } from './engine/random.ts'
import type { Stage } from './stage/stage.ts'

export type Action = { readonly number: number; readonly kind: ActionKind }
export type ActionKind = keyof typeof actions

type Run = (stage: Stage, random: Random, number: number) => Promise<void> | void

/** Acts upon the machines themselves: done whole before anything else goes on. */
type Kind = { readonly weight: number; readonly run: Run; readonly atOnce?: true }

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
  'start a payment': { weight: 20, run: startPayment },
  pay: { weight: 26, run: pay },
  'pay twice on two rails': { weight: 2, run: payTwice },
  'cancel while paying': { weight: 2, run: cancelWhilePaying },
  'pay again': { weight: 3, run: payAgain },
  'transfer by pay code': { weight: 5, run: transferByCode },
  'a storm of credits': { weight: 2, run: storm },
  'a bank changes its word': { weight: 4, run: changeWord },
  'an order of nobody': { weight: 1, run: orderOfNobody },
  'pay at a bank counter': { weight: 4, run: payAtCounterOfBank },
  'two banks take money for one bill': { weight: 2, run: twoBanksAtOnce },
  'a bank reports again': { weight: 2, run: reportAgain },
  'a bank takes a payment back': { weight: 3, run: takeBack },
  'paid and taken back at once': { weight: 2, run: payAndTakeBack },
  'work at the counter': { weight: 6, run: workAtCounter },
  'an officer asks for a refund': { weight: 4, run: askForRefund },
  'officers work on refunds': { weight: 10, run: workOnRefunds },
  'refund while refunding': { weight: 2, run: refundWhileRefunding },
  'a payer pays as asked': { weight: 3, run: payAsAsked },
  'a basket is paid line by line': { weight: 2, run: payBasket },
  'cash is taken and given back': { weight: 2, run: serveWithCash },
  'a bank asks for a tax back': { weight: 1, run: takeTaxBack },
  'a bank asks for what goes back already': { weight: 1, run: takeBackWhatGoesBack },
  'officers finish refunds': { weight: 2, run: finishRefunds },
  'officers finish breaks': { weight: 2, run: finishBreaks },
  'officers finish a day': { weight: 1, run: finishDays },
  'the bank sends a statement': { weight: 3, run: sendStatement },
  'a rail sends its settlement file': { weight: 2, run: sendSettlementFile },
  'a night passes': { weight: 4, run: passNight, atOnce: true },
  'officers reconcile': { weight: 1, run: reconcileNow },
  'officers work on breaks': { weight: 4, run: workOnBreaks },
  'officers close a day': { weight: 2, run: closeDay },
  'somebody minds the endpoint': { weight: 2, run: mindEndpoint },
  'send a notice again': { weight: 5, run: sendAgain },
  'forge a notice': { weight: 2, run: forge },
  'banks behave badly': { weight: 3, run: misbehave, atOnce: true },
  'banks behave': {
    weight: 3,
    run: behave,
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

export const actionKinds = Object.keys(actions) as ActionKind[]

/** What every run has. */
const core: readonly ActionKind[] = ['issue an invoice', 'start a payment', 'pay', 'time goes on']

/** What belongs together: a run has some of these groups only and is full of a few kinds, so that what is rare in all is common in some. */
const groups: readonly (readonly ActionKind[])[] = [
  ['repeat an earlier call', 'use a key for another request', 'Redis changes', 'Redis is emptied'],
  ['put invoices into a basket', 'a basket is paid line by line', 'issue an invoice again', 'cancel an invoice'],
  ['cancel an invoice', 'supersede an invoice', 'cancel while paying', 'issue an invoice again'],
  ['pay twice on two rails', 'pay again', 'transfer by pay code', 'a storm of credits'],
  [
    'a bank changes its word',
    'an order of nobody',
    'send a notice again',
    'forge a notice',
    'banks behave badly',
    'banks behave',
  ],
  [
    'pay at a bank counter',
    'two banks take money for one bill',
    'a bank reports again',
    'a bank takes a payment back',
    'paid and taken back at once',
    'a bank asks for a tax back',
    'a bank asks for what goes back already',
  ],
  ['work at the counter', 'cash is taken and given back'],
  [
    'a payer pays as asked',
    'an officer asks for a refund',
    'officers work on refunds',
    'refund while refunding',
    'officers finish refunds',
  ],
  [
    'a night passes',
    'the bank sends a statement',
    'a rail sends its settlement file',
    'officers reconcile',
    'officers work on breaks',
    'officers close a day',
    'officers finish breaks',
    'officers finish a day',
  ],
  ['the dossier system changes', 'somebody minds the endpoint'],
  ['a gateway is killed', 'a gateway starts', 'the database restarts', 'a clock is off'],
]

/** What follows from one another: two of these stand in most runs, in their order, with anything else between. */
const courses: readonly (readonly ActionKind[])[] = [
  [
    ...repeated('a payer pays as asked', 3),
    ...repeated('an officer asks for a refund', 3),
    ...repeated('officers finish refunds', 3),
    'time goes on',
    ...repeated('officers finish refunds', 4),
  ],
  [
    ...repeated('a payer pays as asked', 4),
    'a rail sends its settlement file',
    'a night passes',
    'the bank sends a statement',
    'officers reconcile',
    'officers finish breaks',
    'officers finish a day',
    'a night passes',
    'the bank sends a statement',
    'officers reconcile',
    ...repeated('officers finish breaks', 2),
    'a night passes',
    'officers reconcile',
    ...repeated('officers finish breaks', 2),
    'officers finish a day',
  ],
  [...repeated('cash is taken and given back', 4), 'a night passes', 'officers reconcile', 'officers finish breaks'],
  repeated('a basket is paid line by line', 4),
  [...repeated('a payer pays as asked', 3), ...repeated('a bank changes its word', 5)],
  ['a bank asks for a tax back', 'a bank asks for what goes back already', 'a bank asks for a tax back'],
]
const coursesInRun = 2

function repeated(kind: ActionKind, times: number): ActionKind[] {
  return Array.from({ length: times }, () => kind)
}

const share = 0.35
const favourites = 4
const favour = 4

/** The plan of a run: what happens in which order, fixed before it begins. */
export function planOf(random: Random, length: number): Action[] {
  const chosen = new Set([...core, ...groups.flatMap((group) => (random.chance(share) ? group : []))])
  const kinds = actionKinds.filter((kind) => chosen.has(kind))
  const favoured = new Set(Array.from({ length: favourites }, () => random.pick(kinds)))
  const all = kinds.flatMap((kind) =>
    Array.from({ length: actions[kind].weight * (favoured.has(kind) ? favour : 1) }, () => kind),
  )
  const plan = Array.from({ length }, () => random.pick(all))
  for (let course = 0; course < coursesInRun; course++) {
    const steps = random.pick(courses)
    const places = new Set<number>()
    while (places.size < Math.min(steps.length, length)) places.add(random.below(length))
    for (const [index, place] of [...places].sort((a, b) => a - b).entries()) plan[place] = steps[index] ?? 'pay'
  }
  return plan.map((kind, number) => ({ number, kind }))
}

export function isAtOnce({ kind }: Action): boolean {
  const { atOnce }: Kind = actions[kind]
  return atOnce === true
}

/** What parties do goes on beside everything else; what befalls machines is waited for. Never rejects. */
export async function act(stage: Stage, { kind, number }: Action, onFault: (error: unknown) => void): Promise<void> {
  const { run }: Kind = actions[kind]
  stage.world.record('plan', `${number}: ${kind}`)
  try {
    await run(stage, stage.world.random.fork(`action ${number}`), number)
  } catch (error) {
    onFault(error)
  }
}
