/** One row for each simulated partner: how it is started, paid at and disturbed. Tests walk over the rows. */
import type { SandboxContext } from '../../src/sandbox/context.ts'
import { makeSandboxKeys } from '../../src/sandbox/keys.ts'
import type { Acknowledgement } from '../../src/sandbox/notifier.ts'
import { type RailName, type RailPartners, railAccountsOf } from '../../src/sandbox/rail-list.ts'
import type { RailPartner } from '../../src/sandbox/rail-partner.ts'
import { startBillPull } from '../../src/sandbox/rails/bill-pull.ts'
import { payosSource } from '../../src/sandbox/rails/credit-payos.ts'
import { sepaySource } from '../../src/sandbox/rails/credit-sepay.ts'
import type { CreditSource } from '../../src/sandbox/rails/credit-source.ts'
import { vietqrvnHmacSource, vietqrvnSource } from '../../src/sandbox/rails/credit-vietqrvn.ts'
import { startMomo } from '../../src/sandbox/rails/momo.ts'
import { startNapas } from '../../src/sandbox/rails/napas.ts'
import { startNationalPortal } from '../../src/sandbox/rails/national-portal.ts'
import { startOnepay } from '../../src/sandbox/rails/onepay.ts'
import { startVietinbank, testCards } from '../../src/sandbox/rails/vietinbank.ts'
import { startVietqr } from '../../src/sandbox/rails/vietqr.ts'
import { startVnpay } from '../../src/sandbox/rails/vnpay.ts'
import { startZalopay } from '../../src/sandbox/rails/zalopay.ts'
import type { AdapterSide, Arrived, Started } from './adapter-side.ts'
import { eventually } from './hand-timers.ts'

/** Ways every partner knows. */
export type CommonWay = 'success' | 'duplicate' | 'wrong-amount' | 'tampered'

export type Drill = {
  readonly partner: RailPartner
  /** Opens one payment at the gateway's side. */
  begin(side: AdapterSide): Promise<Started>
  /** The payer's part, from what `begin` gave to the end; acknowledgements of the first callbacks. */
  pay(started: Started, way: CommonWay): Promise<readonly Acknowledgement[]>
  /** A request of a gateway or a browser that has an effect at the partner; `silent` when no answer came in time. */
  touch(side: AdapterSide): Promise<'answered' | 'refused' | 'silent'>
  /** Orders and payments that the partner knows of. */
  effects(): number
  /** Amounts of refunds in the partner's books; only at rails that make refunds. */
  refunds?(): readonly bigint[]
}

export type DrillRow = {
  readonly name: RailName
  readonly rail: string
  open(context: SandboxContext): Promise<Drill>
  /** The time a callback tells. */
  readonly toldTime: (arrived: Arrived) => Date | null
  /** What comes of a partner's clock that is ten minutes off. */
  readonly skew: 'told' | 'stale' | 'invisible'
}

const keys = await makeSandboxKeys((length) => crypto.getRandomValues(new Uint8Array(length)))
const { bank: bankKeys, gateway: gatewayKeys, ...client } = keys.vietinbank
const bankTerms = { bankKeys, gatewayKeys }

/** The whole config of a rail account, with what the list of rails adds to it. */
export function configOf(name: RailName, partner: RailPartner): object {
  const partners = new Proxy({} as RailPartners, { get: () => partner })
  const place = { agencyCode: 'H56.14', beneficiaryAccountId: 'bac_stp-fees' }
  const [entry] = railAccountsOf(partners, place, { only: [name] })
  return entry?.config ?? {}
}

function urlOf({ result }: Started): string {
  if (result?.kind !== 'redirect') throw new Error(`no redirect but ${JSON.stringify(result)}`)
  return result.url
}

type Message = { readonly body: string | URLSearchParams; readonly headers?: Record<string, string> }

async function visit(url: string, side: AdapterSide, post?: Message): Promise<'answered' | 'refused' | 'silent'> {
  try {
    const answer = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(side.patienceMs),
      ...(post === undefined ? {} : { method: 'POST', ...post }),
    })
    return answer.status < 400 ? 'answered' : 'refused'
  } catch {
    return 'silent'
  }
}

/** An order that the adapter sends by itself. */
async function order(side: AdapterSide, payerInput = {}): Promise<'answered' | 'refused' | 'silent'> {
  try {
    const { result } = await side.start({ payerInput })
    return result?.kind === 'refused' || result?.kind === 'unknown' ? 'refused' : 'answered'
  } catch {
    return 'silent'
  }
}

const paidAt = ({ reading }: Arrived): Date | null => (reading.kind === 'outcome' ? reading.outcome.paidAt : null)
const usual = { toldTime: paidAt, skew: 'told' } as const
const begin = (side: AdapterSide): Promise<Started> => side.start()

function creditRow(name: 'vietqr' | 'payos' | 'vietqrvn' | 'vietqrvnHmac', makeSource: () => CreditSource): DrillRow {
  return {
    ...{ name, rail: 'vietqr', ...usual, skew: name === 'vietqr' ? 'stale' : 'told' },
    async open(context) {
      const { accountNumber } = keys[name]
      const partner = await startVietqr(context, { accountNumber, source: makeSource() })
      return {
        partner,
        begin,
        async pay({ result }, way) {
          return (await partner.pay(result?.kind === 'qr' ? result.payload : '', way)).callbackAcks
        },
        touch: (side) =>
          visit(`${partner.baseUrl}/app/transfer`, side, {
            body: new URLSearchParams({
              ...{ account: accountNumber, amount: '150000', content: 'A2345678BCDE', way: 'success' },
            }),
          }),
        effects: () => partner.transactions.length,
      }
    },
  }
}

const { accountNumber: _, ...vietqrvn } = keys.vietqrvn

export const drillRows: readonly DrillRow[] = [
  {
    ...{ name: 'vnpay', rail: 'vnpay', ...usual },
    async open(context) {
      const partner = await startVnpay(context, keys.vnpay)
      return {
        partner,
        begin,
        pay: async (started, way) => (await partner.pay(urlOf(started), way)).callbackAcks,
        touch: async (side) => await visit(urlOf(await side.start()), side),
        effects: () => partner.transactions.size,
        refunds: () => [...partner.transactions.values()].flatMap((paid) => paid.refunds.map(({ amount }) => amount)),
      }
    },
  },
  {
    // No message of OnePay carries a time.
    ...{ name: 'onepay', rail: 'onepay', ...usual, skew: 'invisible' },
    async open(context) {
      const partner = await startOnepay(context, keys.onepay)
      return {
        partner,
        begin,
        pay: async (started, way) => (await partner.pay(urlOf(started), way)).callbackAcks,
        touch: async (side) => await visit(urlOf(await side.start()), side),
        effects: () => partner.transactions.size,
        refunds: () => [...partner.refunds.values()].map(({ amount }) => amount),
      }
    },
  },
  {
    ...{ name: 'napas', rail: 'napas', skew: 'told' },
    toldTime({ request }) {
      const { data } = JSON.parse(Buffer.from(request.body).toString('utf8'))
      return new Date(JSON.parse(Buffer.from(data, 'base64').toString('utf8')).paymentResult.order.creationTime)
    },
    async open(context) {
      const partner = await startNapas(context, keys.napas)
      const { apiUrl } = partner.accountConfig()
      // Fetched beforehand: what is disturbed is the call that opens an order.
      const token = Object(
        await (
          await fetch(`${apiUrl}/oauth/token`, {
            method: 'POST',
            body: new URLSearchParams({
              ...{ grant_type: 'password', client_id: keys.napas.clientId, client_secret: keys.napas.clientSecret },
              ...{ username: keys.napas.username, password: keys.napas.password },
            }),
          })
        ).json(),
      ).access_token
      return {
        partner,
        begin,
        async pay({ result }, way) {
          if (result?.kind !== 'form') throw new Error(`no form but ${JSON.stringify(result)}`)
          return (await partner.pay(result.fields, way)).callbackAcks
        },
        touch: (side) =>
          visit(`${apiUrl}/rest/version/1/merchant/${keys.napas.clientId}/datakey`, side, {
            headers: { authorization: `Bearer ${token}` },
            body: JSON.stringify({
              apiOperation: 'DATA_KEY',
              order: { id: 'FG1', amount: 150_000, currency: 'VND' },
              inputParameters: {
                ...{ clientIP: '203.0.113.7', deviceId: 'web', environment: 'WebApp' },
                ...{ cardScheme: 'AtmCard', enable3DSecure: 'false' },
              },
            }),
          }),
        effects: () => partner.transactions.size,
        refunds: () => [...partner.transactions.values()].flatMap((paid) => paid.refunds.map(({ amount }) => amount)),
      }
    },
  },
  {
    ...{ name: 'momo', rail: 'momo', ...usual },
    async open(context) {
      const partner = await startMomo(context, keys.momo)
      return {
        partner,
        begin,
        pay: async (started, way) => (await partner.pay(urlOf(started), way)).callbackAcks,
        touch: order,
        effects: () => partner.transactions.size,
        refunds: () => [...partner.transactions.values()].flatMap((paid) => paid.refunds.map(({ amount }) => amount)),
      }
    },
  },
  {
    ...{ name: 'zalopay', rail: 'zalopay', ...usual },
    async open(context) {
      const partner = await startZalopay(context, keys.zalopay)
      return {
        partner,
        begin,
        pay: async (started, way) => (await partner.pay(urlOf(started), way)).callbackAcks,
        touch: order,
        effects: () => partner.transactions.size,
        refunds: () => [...partner.transactions.values()].flatMap((paid) => paid.refunds.map(({ amount }) => amount)),
      }
    },
  },
  {
    ...{ name: 'vietinbank', rail: 'vietinbank', ...usual },
    async open(context) {
      const partner = await startVietinbank(context, { ...client, ...bankTerms })
      const card = (way: CommonWay): Record<string, string> => ({ token: testCards[way], tokenIssueDate: '0325' })
      return {
        partner,
        begin: (side) => side.start({ payerInput: card('success') }),
        async pay({ attempt, order }, way) {
          const debit = { amount: order.amount, remark: attempt.merchantRef }
          const before = partner.callbacks.length
          if (way === 'tampered') return (await partner.credit(debit, { tampered: true })).acknowledgements
          const amount = order.amount + (way === 'wrong-amount' ? 1_000n : 0n)
          await partner.credit({ ...debit, amount }, { duplicate: way === 'duplicate' })
          return partner.callbacks[before]?.acknowledgements ?? []
        },
        touch: (side) => order(side, card('success')),
        effects: () => partner.payments.size,
      }
    },
  },
  creditRow('vietqr', () => sepaySource({ mode: 'hmac', secret: keys.vietqr.secret })),
  creditRow('payos', () => payosSource(keys.payos.checksumKey)),
  creditRow('vietqrvn', () => vietqrvnSource(vietqrvn)),
  creditRow('vietqrvnHmac', () => vietqrvnHmacSource(keys.vietqrvnHmac.secret)),
  {
    ...{ name: 'billPull', rail: 'bill-pull', ...usual },
    async open(context) {
      const partner = await startBillPull(context, bankTerms)
      const codeOf = ({ order }: Started): string => `1GOV${order.payCode}`
      return {
        partner,
        begin,
        async pay(started, way) {
          const bill = { custCode: codeOf(started), custName: 'A', billId: null, amount: started.order.amount }
          return (await partner.pay(bill, way))?.acknowledgements ?? []
        },
        touch: async (side) =>
          await visit(`${partner.baseUrl}/counter/pay`, side, {
            body: new URLSearchParams({ custCode: codeOf(await side.start()), way: 'success' }),
          }),
        effects: () => partner.credits.length,
      }
    },
  },
  {
    ...{ name: 'nationalPortal', rail: 'national-portal', ...usual },
    async open(context) {
      const partner = await startNationalPortal(context, keys.nationalPortal)
      return {
        partner,
        begin,
        pay: async (started, way) => (await partner.pay(urlOf(started), way)).callbackAcks,
        touch: order,
        effects: () => partner.payments.size,
      }
    },
  },
]

/** The tokens and questions before a callback take their time: waits until `count` have come. */
export async function until(side: AdapterSide, count: number): Promise<void> {
  await eventually(() => side.arrived.length >= count)
}
