/** Steady load: portals issue, payers pay at the banks, portals look whether it is known. */
import type { BankProcess, BankRail, BankWay } from './bank-process.ts'
import type { PlannedPayment } from './plan.ts'
import type { Portal } from './portal.ts'
import { pause, until } from './wait.ts'

export type PaymentRecord = {
  readonly planned: PlannedPayment
  readonly begunAt: number
  endedAt: number | null
  invoiceId: string | null
  readonly attemptIds: string[]
  readonly references: string[]
}

/** Why a payer finds a rail closed or the invoice paid meanwhile: another rail, or nothing more to pay. */
const closed = new Set(['RAIL_NOT_OFFERED', 'INVOICE_NOT_OPEN'])
const mostStarts = 60

export class Load {
  readonly records: PaymentRecord[] = []
  /** What went otherwise than it may. */
  readonly faults: string[] = []
  private readonly portals: readonly Portal[]
  private readonly banks: BankProcess
  private readonly underWay = new Set<Promise<void>>()
  private readonly day = new Date().toISOString().slice(2, 10).replaceAll('-', '')
  private stopped = false

  constructor(portals: readonly Portal[], banks: BankProcess) {
    this.portals = portals
    this.banks = banks
  }

  run(next: () => PlannedPayment): void {
    const go = async (): Promise<void> => {
      while (!this.stopped) {
        const planned = next()
        const paying: Promise<void> = this.pay(planned)
          .then(() => undefined)
          .catch(
            (error: unknown) =>
              void this.faults.push(
                `payment ${planned.number}: ${error instanceof Error ? error.message : String(error)}`,
              ),
          )
          .finally(() => this.underWay.delete(paying))
        this.underWay.add(paying)
        await pause(planned.pauseMs)
      }
    }
    void go()
  }

  /** No new payments; resolves when those under way have come to their end. */
  async stop(): Promise<void> {
    this.stopped = true
    await Promise.all(this.underWay)
  }

  /** One ordinary payment from the invoice to its being known as paid; resolves when it is. */
  async probe(planned: PlannedPayment): Promise<void> {
    const record = await this.pay({ ...planned, way: 'success', twice: null, repeats: false })
    if (record.invoiceId === null) throw new Error(`payment ${planned.number} has no invoice`)
    await until(`invoice ${record.invoiceId} is paid`, async () => {
      const { json } = await this.portalOf(planned).call({ method: 'GET', path: `/v1/invoices/${record.invoiceId}` })
      return json.status === 'PAID'
    })
  }

  private portalOf({ portal }: PlannedPayment): Portal {
    const found = this.portals[portal]
    if (found === undefined) throw new RangeError(`no portal ${portal}`)
    return found
  }

  private async pay(planned: PlannedPayment): Promise<PaymentRecord> {
    const record: PaymentRecord = {
      planned,
      begunAt: Date.now(),
      endedAt: null,
      invoiceId: null,
      attemptIds: [],
      references: [],
    }
    this.records.push(record)
    const portal = this.portalOf(planned)
    const issue = {
      method: 'POST',
      path: '/v1/invoices',
      key: `issue-${planned.number}`,
      body: {
        dossierCode: `H56.14-${this.day}-${String(planned.number).padStart(4, '0')}`,
        procedureCode: '1.004194',
        collectingAgencyCode: 'H56.14',
        collectionMode: 'UPFRONT',
        submitter: { name: 'Nguyễn Văn An', personalId: '001199000001' },
        items: [{ feeCode: 'temporary-residence' }],
      },
    } as const
    const issued = await portal.call(issue)
    if (issued.status !== 201) throw new Error(`an invoice was answered ${issued.status} ${issued.text.slice(0, 300)}`)
    record.invoiceId = String(issued.json.id)
    if (planned.repeats) await portal.call(issue)
    const order = await this.start(portal, record, planned.rail, 'a')
    const other = planned.twice === null ? null : await this.start(portal, record, planned.twice, 'b')
    if (order !== null) await this.payAtBank(planned.rail, order, planned.way)
    if (other !== null && planned.twice !== null) await this.payAtBank(planned.twice, other, 'success')
    record.endedAt = Date.now()
    return record
  }

  /** What the payer holds to pay with; null when there is nothing to pay any more. */
  private async start(portal: Portal, record: PaymentRecord, rail: BankRail, mark: string): Promise<string | null> {
    for (let tries = 1; tries <= mostStarts; tries++) {
      // A payer who finds every door closed at the end of the day goes home.
      if (this.stopped && tries > 1) return null
      const { status, json, text } = await portal.call({
        method: 'POST',
        path: `/v1/invoices/${record.invoiceId}/payments`,
        key: `start-${record.planned.number}-${mark}-${tries}`,
        body: { railAccountId: `${rail}-chaos`, payerIp: '203.0.113.7' },
      })
      if (status === 201) {
        record.attemptIds.push(String(json.id))
        record.references.push(String(json.merchantRef))
        const order = orderOf(json.instruction)
        // The bank did not say whether it took the order: the payer begins again.
        if (order !== null) return order
      } else if (json.code === 'INVOICE_NOT_OPEN') return null
      else if (!closed.has(String(json.code))) throw new Error(`a start was answered ${status} ${text.slice(0, 300)}`)
      await pause(1_000)
    }
    throw new Error(`${rail} could not be started`)
  }

  private async payAtBank(rail: BankRail, order: string, way: BankWay): Promise<void> {
    await this.banks.pay(rail, order, way)
  }
}

function orderOf(instruction: unknown): string | null {
  if (typeof instruction !== 'object' || instruction === null || !('kind' in instruction)) return null
  if (instruction.kind === 'redirect' && 'url' in instruction) return String(instruction.url)
  if (instruction.kind === 'qr' && 'payload' in instruction) return String(instruction.payload)
  return null
}
