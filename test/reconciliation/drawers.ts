/** Clerks of the stage's tenant who take cash through the real code. */
import { counter } from '../../adapters/counter/index.ts'
import { collectCash } from '../../src/counter/collect.ts'
import { approveCorrection, requestCorrection } from '../../src/counter/correction.ts'
import { closeShift, openShift, readShift, type Shift } from '../../src/counter/shift.ts'
import { type SeededInvoice, seedInvoice, seedRailAccount } from '../harness/seed.ts'
import type { Stage } from './stage.ts'

export type Drawer = {
  readonly shiftId: string
  readonly railAccountId: string
  take(total: bigint): Promise<SeededInvoice & { readonly collectionId: string }>
  /** Asked for by this clerk, approved by another. */
  giveBack(collectionId: string): Promise<void>
  /** Counts what the books say, or `difference` more. */
  close(difference?: bigint): Promise<Shift>
}

const railAccounts = new WeakMap<Stage, string>()
let clerks = 0

/** A shift of a new clerk; all of a stage collect for one rail account. */
export async function openDrawer(stage: Stage): Promise<Drawer> {
  const { database, environment, seeded } = stage
  const { tenantId, agencyCode, beneficiaryAccountId } = seeded
  const config = { cashMaximum: 900_000_000 }
  const railAccountId =
    railAccounts.get(stage) ?? (await seedRailAccount(database, seeded, { rail: 'counter', config }))
  railAccounts.set(stage, railAccountId)
  const clerk = { tenantId, subject: `clerk-${++clerks}`, name: 'Thu ngân', unit: agencyCode }
  const account = {
    id: railAccountId,
    tenantId,
    rail: 'counter',
    beneficiaryAccountId,
    titleVi: 'Tiền mặt',
    titleEn: 'Cash',
    status: 'ACTIVE' as const,
    position: 0,
    adapter: counter,
    config,
    believed: [config],
    clientCertificates: null,
    envelope: null,
  }
  const shiftId = await database.transaction((tx) =>
    openShift(tx, environment, clerk, { openingCash: 200_000n, unitCode: null }),
  )
  return {
    shiftId,
    railAccountId,
    async take(total) {
      const invoice = await seedInvoice(database, seeded, { total, status: 'ISSUED', paymentStatus: 'FAILED' })
      const collectionId = await database.transaction((tx) =>
        collectCash(
          tx,
          environment,
          clerk,
          { kind: 'account', account },
          {
            invoiceId: invoice.id,
            cashGiven: null,
            despiteOpenAttempt: false,
          },
        ),
      )
      return { ...invoice, collectionId }
    },
    async giveBack(collectionId) {
      const id = await database.transaction((tx) => requestCorrection(tx, environment, clerk, collectionId, 'nhầm'))
      const colleague = { ...clerk, subject: `${clerk.subject}-colleague` }
      await database.transaction((tx) => approveCorrection(tx, environment, colleague, id))
    },
    async close(difference = 0n) {
      const { expectedCash } = await readShift(database, tenantId, shiftId)
      const note = difference === 0n ? null : 'đếm lại hai lần'
      await database.transaction((tx) =>
        closeShift(tx, environment, clerk, shiftId, { countedCash: expectedCash + difference, note }),
      )
      return await readShift(database, tenantId, shiftId)
    },
  }
}

/** The code that the deposit of a closed shift names. */
export function codeOf(shift: Shift): string {
  const [handover, another] = shift.handovers
  if (handover === undefined || another !== undefined) throw new Error('the shift hands over no or several sums')
  return handover.code
}
