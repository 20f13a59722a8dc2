/** What portals do: issue, repeat, change, put together, start payments, mind their endpoint. */
import type { Random } from '../engine/random.ts'
import type { ApiCall, KnownInvoice } from '../stage/portal.ts'
import { rails } from '../stage/rails.ts'
import { endpointId, type Stage } from '../stage/stage.ts'

type Fee = {
  readonly procedureCode: string
  readonly feeCode?: string
  readonly quantity?: number
  readonly tax?: number
}

/** Pays into the State budget's account, for which one bank alone is open here: other money for it comes to the wrong account. */
const taxFee: Fee = { procedureCode: '1.013001', tax: 3_000_000 }

/** Fees of one creditor each, their amounts far apart: by number of pages, online and at the counter. */
const fees: readonly Fee[] = [
  { procedureCode: '1.004194', feeCode: 'temporary-residence' },
  { procedureCode: '2.000815', feeCode: 'certified-copy', quantity: 3 },
  { procedureCode: '2.001195', feeCode: 'id-card-exchange' },
  { procedureCode: '1.010100', feeCode: 'passport-first' },
  // Given back when nothing is granted.
  { procedureCode: '1.010100', feeCode: 'passport-first' },
  taxFee,
]

export function issueCall(stage: Stage, random: Random, number: number): ApiCall {
  return issueFee(stage, random, number, random.pick(fees))
}

/** For a tax. */
export function taxCall(stage: Stage, random: Random, number: number): ApiCall {
  return issueFee(stage, random, number, taxFee)
}

function issueFee({ world }: Stage, random: Random, number: number, fee: Fee): ApiCall {
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
export async function issueAgain({ portal, world }: Stage, random: Random, number: number): Promise<void> {
  if (portal.invoices.length === 0) return
  const { body } = random.pick(portal.invoices).request
  const expiresAt = new Date(world.now + 60 * 60_000).toISOString()
  await portal.issue({ method: 'POST', path: '/v1/invoices', key: `again-${number}`, body: { ...body, expiresAt } })
}

export async function makeBasket({ portal }: Stage, random: Random, number: number): Promise<void> {
  const invoiceIds = portal.invoices.slice(-6).flatMap(({ id }) => (random.chance(0.5) ? [id] : []))
  if (invoiceIds.length > 0)
    await portal.call({ method: 'POST', path: '/v1/baskets', key: `basket-${number}`, body: { invoiceIds } })
}

export async function repeat({ portal }: Stage, random: Random): Promise<void> {
  if (portal.calls.length === 0) return
  const call = random.pick(portal.calls)
  // The same call several times at once, as an impatient client does it.
  await Promise.all(Array.from({ length: 1 + random.below(3) }, () => send(portal, call)))
}

async function send(portal: Stage['portal'], call: ApiCall): Promise<void> {
  if (call.path === '/v1/invoices') await portal.issue(call)
  else await portal.call(call)
}

export async function reuseKey(stage: Stage, random: Random, number: number): Promise<void> {
  const known = stage.portal.calls.find(({ path }) => path === '/v1/invoices')
  if (known?.key === undefined) return
  await stage.portal.call({ ...issueCall(stage, random, number), key: known.key })
}

export async function change(
  { portal }: Stage,
  random: Random,
  number: number,
  how: 'cancel' | 'supersede',
): Promise<void> {
  if (portal.invoices.length === 0) return
  const { id, request } = random.pick(portal.invoices)
  await portal.call({
    method: 'POST',
    path: `/v1/invoices/${id}/${how}`,
    key: `${how}-${number}`,
    body: how === 'cancel' ? { reason: 'Công dân rút hồ sơ' } : { ...request.body },
  })
}

export async function startPayment(stage: Stage, random: Random, number: number): Promise<void> {
  const { portal } = stage
  if (portal.invoices.length === 0) return
  const invoice = random.pick(portal.invoices.slice(-8))
  await portal.start(invoice, startCall(stage, random, invoice, String(number)))
}

export function startCall({ banks }: Stage, random: Random, invoice: KnownInvoice, name: string): ApiCall {
  const rail = random.pick(rails)
  const cards = Object.values(banks.sandbox.vietinbank.testCards)
  return {
    method: 'POST',
    path: `/v1/invoices/${invoice.id}/payments`,
    key: `start-${name}`,
    body: {
      railAccountId: `${rail}-sim`,
      payerIp: '203.0.113.7',
      ...(rail === 'vietinbank' ? { payerInput: { token: random.pick(cards), tokenIssueDate: '0325' } } : {}),
    },
  }
}

/** Whoever runs the dossier system resumes its endpoint, or has an event sent again. */
export async function mindEndpoint({ portal, dossiers }: Stage, random: Random): Promise<void> {
  const again = dossiers.heard.length === 0 || random.chance(0.5) ? null : random.pick(dossiers.heard).id
  await portal.call({
    method: 'POST',
    path: again === null ? `/v1/webhook-endpoints/${endpointId}/resume` : `/v1/events/${again}/replay`,
  })
}
