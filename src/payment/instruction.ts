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
