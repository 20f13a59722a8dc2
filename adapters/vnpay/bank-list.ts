/** The banks a terminal offers, for a portal that lets the payer choose before VNPAY's page (rails.md §1). */
import { z } from 'zod'
import type { HttpAnswer, HttpCall } from '../contract.ts'
import { encodePairs } from '../shared/query.ts'
import { bankCodeField, type VnpayConfig } from './account.ts'

export type VnpayBank = {
  /** Goes into `payerInput.bankCode` of a start. */
  readonly code: string
  readonly name: string
  /** As VNPAY wrote it; may be relative to VNPAY's host. */
  readonly logo: string
  readonly order: number
}

export function bankListCall(config: VnpayConfig): HttpCall {
  return {
    method: 'POST',
    url: config.bankListUrl,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: encodePairs([['tmn_code', config.tmnCode]]),
    timeoutMs: config.timeoutMs,
    repeatable: true,
  }
}

const bankSchema = z
  .looseObject({
    bank_code: bankCodeField,
    bank_name: z.string().min(1).max(255),
    logo_link: z.string().max(500).nullish(),
    display_order: z.int().nullish(),
  })
  .transform(
    (bank): VnpayBank => ({
      code: bank.bank_code,
      name: bank.bank_name,
      logo: bank.logo_link ?? '',
      order: bank.display_order ?? Number.MAX_SAFE_INTEGER,
    }),
  )

/** The banks in VNPAY's order; null when the answer cannot be read. Not signed: good for a list to choose from, nothing else. */
export function readBankList(answer: HttpAnswer): readonly VnpayBank[] | null {
  if (answer.status !== 200) return null
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer.body))
  } catch {
    return null
  }
  const banks = z.array(bankSchema).max(500).safeParse(value)
  return banks.success ? banks.data.toSorted((a, b) => a.order - b.order) : null
}
