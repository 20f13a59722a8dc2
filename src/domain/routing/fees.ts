import { maxVnd, type Vnd } from '../money.ts'
import type { RouteFee } from './rules.ts'

export type FeeShare = {
  readonly paidBy: RouteFee['paidBy']
  readonly nameVi: string
  readonly nameEn: string
  readonly amount: Vnd
}

const basisPointsOfWhole = 10_000n

/**
 * What each party is charged for a payment of this amount, as agreed with the rail and written in the rules: for people to
 * see. The demand stays what it is, and the rail's own bill is what counts. Rounded half up to 1 đồng.
 */
export function feeShares(fees: readonly RouteFee[], amount: Vnd): FeeShare[] {
  return fees.map(({ paidBy, nameVi, nameEn, fixed, basisPoints, least, most }) => {
    const share = fixed + (2n * amount * basisPoints + basisPointsOfWhole) / (2n * basisPointsOfWhole)
    const raised = least !== null && share < least ? least : share
    return { paidBy, nameVi, nameEn, amount: raised > (most ?? maxVnd) ? (most ?? maxVnd) : raised }
  })
}
