/**
 * Where the numbers of an agency's receipts come from: ours (src/receipt/issue.ts), or a provider the agency has a contract
 * with (VNPT, Viettel …). Providers are reached through one neutral message, which a small bridge maps to the product.
 */
import { z } from 'zod'

export const providerConfig = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('built-in') }),
  z.strictObject({
    kind: z.literal('http'),
    /** Where receipts are asked for; contracts/receipt-provider.md. */
    url: z.url({ protocol: /^https?$/ }),
    token: z.string().min(16).max(4000),
    timeoutMs: z.number().int().min(500).max(60_000).default(20_000),
  }),
])
export type ProviderConfig = z.infer<typeof providerConfig>

export type ProviderRequest = {
  /** The same at every try: a provider that has issued under it answers with that receipt and issues no other. */
  readonly key: string
  readonly agencyCode: string
  readonly collectorTaxCode: string
  readonly kind: string
  readonly template: string
  readonly payerName: string | null
  readonly dossierCode: string
  readonly items: readonly { readonly name: string; readonly economicCode: string | null; readonly amount: bigint }[]
  readonly total: bigint
  readonly paidAt: Date
  readonly related: {
    readonly relation: string
    readonly template: string
    readonly symbol: string
    readonly number: number
  } | null
  readonly reason: string | null
}

export type ProviderAnswer =
  | {
      readonly kind: 'issued'
      readonly template: string
      readonly symbol: string
      readonly number: number
      /** Null: when the answer came. */
      readonly issuedAt: Date | null
      readonly reference: string | null
      readonly url: string | null
    }
  /** Taken, and no number yet: such an answer is no receipt (domain.md §8.4). */
  | { readonly kind: 'withoutNumber'; readonly reference: string | null }
  /** A human must mend something. */
  | { readonly kind: 'refused'; readonly detail: string }

/** Rejects when there is no readable answer; it is asked again under the same key. */
export type ReceiptProvider = (request: ProviderRequest) => Promise<ProviderAnswer>
