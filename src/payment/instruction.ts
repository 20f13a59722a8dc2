import type { StartResult } from '../../adapters/contract.ts'

/** How the payer goes on with an attempt; stored with it, so that opening the page again shows the same. No secrets. */
export type PaymentInstruction =
  | { readonly kind: 'redirect'; readonly url: string }
  | { readonly kind: 'form'; readonly action: string; readonly fields: Readonly<Record<string, string>> }
  | {
      readonly kind: 'qr'
      readonly payload: string
      readonly transfer?: {
        readonly bankBin: string
        readonly accountNumber: string
        readonly accountName: string
        /** Whole VND as decimal text. */
        readonly amount: string
        readonly content: string
      }
    }
  | { readonly kind: 'otpChallenge' }
  | { readonly kind: 'refused'; readonly railCode: string; readonly message: string }
  /** The rail has not told yet whether it took the order; it is being asked. */
  | { readonly kind: 'wait' }

/** How the payer goes on after a start that ended so. */
export function instructionOf(result: StartResult): PaymentInstruction {
  switch (result.kind) {
    case 'redirect':
      return { kind: 'redirect', url: result.url }
    case 'form':
      return { kind: 'form', action: result.action, fields: result.fields }
    case 'qr':
      return {
        kind: 'qr',
        payload: result.payload,
        ...(result.transfer === undefined
          ? {}
          : { transfer: { ...result.transfer, amount: result.transfer.amount.toString() } }),
      }
    case 'otpChallenge':
      return { kind: 'otpChallenge' }
    case 'refused':
      return { kind: 'refused', railCode: result.railCode, message: result.message }
    case 'unknown':
      return { kind: 'wait' }
  }
}
