/** The rails on which a payer begins at our page: how each is paid at, and what it can tell of again. A rail more is a row more. */
import type { Random } from '../engine/random.ts'
import type { KnownAttempt } from './portal.ts'
import type { Stage } from './stage.ts'

export const rails = ['vnpay', 'vietqr', 'vietinbank', 'onepay', 'napas', 'momo', 'zalopay'] as const
export type RailName = (typeof rails)[number]

/** Whose money the rail accounts of the stage move. */
export function railOf(railAccountId: string): RailName | null {
  return rails.find((name) => railAccountId.startsWith(`${name}-`)) ?? null
}

export type Again = {
  readonly reference: string
  readonly send: (over: { amount?: bigint; duplicate?: boolean; tampered?: boolean }) => Promise<unknown>
}

type StageRail = {
  /** What the payer does with an attempt begun here. Rejects when the rail turns the payer away. */
  readonly pay: (stage: Stage, random: Random, attempt: KnownAttempt) => Promise<unknown>
  /** Notices it could send again. */
  readonly again: (stage: Stage) => Again[]
}

const common = [
  'success',
  'success',
  'success',
  'fail',
  'late',
  'duplicate',
  'wrong-amount',
  'tampered',
  'pending-then-success',
] as const
const hosted = [...common, 'cancel'] as const
const transfers = [
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

export const railTable: Readonly<Record<RailName, StageRail>> = {
  vnpay: {
    async pay({ banks }, random, { instruction }) {
      const { vnpay } = banks.sandbox
      const url = urlOf(instruction)
      if (url !== null) await vnpay.pay(url, random.chance(0.15) ? 'held' : random.pick(hosted))
    },
    again: ({ banks: { sandbox } }) =>
      [...sandbox.vnpay.transactions.values()].flatMap(({ txnRef, status }) =>
        status === '01' ? [] : { reference: txnRef, send: (over) => sandbox.vnpay.sendCallback(txnRef, over) },
      ),
  },
  onepay: {
    async pay({ banks }, random, { instruction }) {
      const url = urlOf(instruction)
      if (url !== null) await banks.sandbox.onepay.pay(url, random.pick(hosted))
    },
    again: ({ banks: { sandbox } }) =>
      [...sandbox.onepay.transactions.values()].flatMap(({ merchTxnRef, code }) =>
        code === '' ? [] : { reference: merchTxnRef, send: (over) => sandbox.onepay.sendCallback(merchTxnRef, over) },
      ),
  },
  napas: {
    async pay({ banks }, random, { instruction }) {
      const { fields } = instruction
      if (typeof fields === 'object' && fields !== null)
        await banks.sandbox.napas.pay(texts(fields), random.pick(hosted))
    },
    again: ({ banks: { sandbox } }) =>
      [...sandbox.napas.transactions.values()].flatMap(({ id, state }) =>
        state === 'open' ? [] : { reference: id, send: (over) => sandbox.napas.sendCallback(id, over) },
      ),
  },
  momo: {
    async pay({ banks }, random, { instruction }) {
      const url = urlOf(instruction)
      if (url !== null) await banks.sandbox.momo.pay(url, random.pick(hosted))
    },
    again: ({ banks: { sandbox } }) =>
      [...sandbox.momo.transactions.values()].flatMap(({ orderId, transId }) =>
        transId === 0 ? [] : { reference: orderId, send: (over) => sandbox.momo.sendCallback(orderId, over) },
      ),
  },
  zalopay: {
    async pay({ banks }, random, { instruction }) {
      const url = urlOf(instruction)
      if (url !== null) await banks.sandbox.zalopay.pay(url, random.pick(common))
    },
    again: ({ banks: { sandbox } }) =>
      [...sandbox.zalopay.transactions.values()].flatMap(({ appTransId, state }) =>
        state === 'paid'
          ? { reference: appTransId, send: (over) => sandbox.zalopay.sendCallback(appTransId, over) }
          : [],
      ),
  },
  vietqr: {
    async pay({ banks, portal }, random, { instruction: { payload } }) {
      if (typeof payload !== 'string') return
      // Payers type over the amount, and over the text: with another's code, or two.
      const other = portal.invoices.length === 0 ? null : random.pick(portal.invoices)
      const typed = {
        ...(random.chance(0.2) ? { amount: random.pick([1_000n, 7_000n, 2_000_000n]) } : {}),
        ...(random.chance(0.1) && other !== null ? { content: `NOP PHI ${other.payCode}` } : {}),
      }
      await banks.sandbox.vietqr.pay(payload, random.pick(transfers), typed)
    },
    again: ({ banks: { sandbox } }) =>
      sandbox.vietqr.transactions.map(({ id }) => ({
        reference: String(id),
        send: (over) => sandbox.vietqr.sendCallback(id, over),
      })),
  },
  vietinbank: {
    /** The payer types the code from the phone into our page, sometimes a wrong one. */
    async pay({ banks, portal }, random, { merchantRef, invoice, id }) {
      const code = random.chance(0.2) ? '0000' : banks.sandbox.vietinbank.otpOf(merchantRef)
      if (code === null) return
      await portal.submit(
        `${invoice.payPath}/payments/${id}/confirm`,
        new URLSearchParams({ otp: code, lang: 'vi' }).toString(),
      )
    },
    again: ({ banks: { sandbox } }) =>
      sandbox.vietinbank.credits.map(({ transId }) => ({
        reference: transId,
        send: (over) => sandbox.vietinbank.sendCallback(transId, over),
      })),
  },
}

function urlOf({ url }: KnownAttempt['instruction']): string | null {
  return typeof url === 'string' ? url : null
}

function texts(fields: object): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
}
