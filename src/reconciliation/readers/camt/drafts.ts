/** What a camt element says, as text, while it is still open. */
export type Party = { name: string | null; account: string | null }
type TotalDraft = { count: string | null; sum: string | null }

export type StatementDraft = ReturnType<typeof newStatement>
export type BalanceDraft = ReturnType<typeof newBalance>
export type EntryDraft = ReturnType<typeof newEntry>
export type DetailDraft = ReturnType<typeof newDetail>

const none: string | null = null as string | null

export function newStatement(line: number) {
  const total = (): TotalDraft => ({ count: null, sum: null })
  return {
    line,
    id: none,
    sequence: none,
    from: none,
    to: none,
    account: none,
    currency: none,
    page: none,
    lastPage: none,
    information: none,
    totals: { all: total(), CREDIT: total(), DEBIT: total(), net: none, netIndicator: none },
  }
}

export function newBalance(line: number) {
  return { line, code: none, subCode: none, amount: none, currency: none, indicator: none, date: none }
}

export function newEntry(line: number) {
  return {
    line,
    reference: none,
    amount: none,
    currency: none,
    indicator: none,
    reversal: false,
    status: none,
    bookingDate: none,
    valueDate: none,
    bankReference: none,
    domain: [] as string[],
    proprietaryCode: none,
    information: none,
    /** Of the `NtryDtls` that is open now. */
    batch: newBatch(),
  }
}

export function newBatch() {
  return { count: none, total: none, currency: none, firstDetail: 0 }
}

export function newDetail(line: number) {
  const party = (): Party => ({ name: null, account: null })
  return {
    line,
    bankReference: none,
    endToEndId: none,
    transactionId: none,
    instructionId: none,
    uetr: none,
    references: [] as string[],
    amount: none,
    currency: none,
    transactionAmount: none,
    transactionCurrency: none,
    indicator: none,
    debtor: party(),
    creditor: party(),
    remittance: [] as string[],
    returnReason: none,
    information: none,
  }
}
