/**
 * Where each fact stands in a camt message (statements.md §2): path of local names below the element that owns it.
 * `Pty`, which wraps parties from version 08 on, is left out of every path; so versions 01 to 13 read alike.
 */
import type { BalanceDraft, DetailDraft, EntryDraft, StatementDraft } from './drafts.ts'

/** Puts the text of an element, and its `Ccy` attribute, where it belongs. */
type Setter<Draft> = (draft: Draft, text: string, currency: string | null) => void

export const statementFields: Record<string, Setter<StatementDraft>> = {
  Id: (draft, text) => (draft.id = text),
  ElctrncSeqNb: (draft, text) => (draft.sequence = text),
  LglSeqNb: (draft, text) => (draft.sequence ??= text),
  'FrToDt/FrDtTm': (draft, text) => (draft.from = text),
  'FrToDt/FrDt': (draft, text) => (draft.from = text),
  'FrToDt/ToDtTm': (draft, text) => (draft.to = text),
  'FrToDt/ToDt': (draft, text) => (draft.to = text),
  'Acct/Id/IBAN': (draft, text) => (draft.account = text),
  'Acct/Id/Othr/Id': (draft, text) => (draft.account ??= text),
  'Acct/Ccy': (draft, text) => (draft.currency = text),
  'StmtPgntn/PgNb': (draft, text) => (draft.page = text),
  'StmtPgntn/LastPgInd': (draft, text) => (draft.lastPage = text),
  'RptPgntn/PgNb': (draft, text) => (draft.page = text),
  'RptPgntn/LastPgInd': (draft, text) => (draft.lastPage = text),
  'NtfctnPgntn/PgNb': (draft, text) => (draft.page = text),
  'NtfctnPgntn/LastPgInd': (draft, text) => (draft.lastPage = text),
  'TxsSummry/TtlNtries/NbOfNtries': (draft, text) => (draft.totals.all.count = text),
  'TxsSummry/TtlNtries/Sum': (draft, text) => (draft.totals.all.sum = text),
  'TxsSummry/TtlNtries/TtlNetNtryAmt': (draft, text) => (draft.totals.net = text),
  'TxsSummry/TtlNtries/TtlNetNtry/Amt': (draft, text) => (draft.totals.net = text),
  'TxsSummry/TtlNtries/CdtDbtInd': (draft, text) => (draft.totals.netIndicator = text),
  'TxsSummry/TtlNtries/TtlNetNtry/CdtDbtInd': (draft, text) => (draft.totals.netIndicator = text),
  'TxsSummry/TtlCdtNtries/NbOfNtries': (draft, text) => (draft.totals.CREDIT.count = text),
  'TxsSummry/TtlCdtNtries/Sum': (draft, text) => (draft.totals.CREDIT.sum = text),
  'TxsSummry/TtlDbtNtries/NbOfNtries': (draft, text) => (draft.totals.DEBIT.count = text),
  'TxsSummry/TtlDbtNtries/Sum': (draft, text) => (draft.totals.DEBIT.sum = text),
  AddtlStmtInf: (draft, text) => (draft.information = text),
  AddtlRptInf: (draft, text) => (draft.information = text),
  AddtlNtfctnInf: (draft, text) => (draft.information = text),
}

export const balanceFields: Record<string, Setter<BalanceDraft>> = {
  'Tp/CdOrPrtry/Cd': (draft, text) => (draft.code = text),
  'Tp/SubTp/Cd': (draft, text) => (draft.subCode = text),
  Amt: (draft, text, currency) => {
    draft.amount = text
    draft.currency = currency
  },
  CdtDbtInd: (draft, text) => (draft.indicator = text),
  'Dt/Dt': (draft, text) => (draft.date = text),
  'Dt/DtTm': (draft, text) => (draft.date = text),
}

export const entryFields: Record<string, Setter<EntryDraft>> = {
  NtryRef: (draft, text) => (draft.reference = text),
  Amt: (draft, text, currency) => {
    draft.amount = text
    draft.currency = currency
  },
  CdtDbtInd: (draft, text) => (draft.indicator = text),
  RvslInd: (draft, text) => (draft.reversal = text === 'true' || text === '1'),
  Sts: (draft, text) => (draft.status ??= text === '' ? null : text),
  'Sts/Cd': (draft, text) => (draft.status = text),
  'Sts/Prtry': (draft, text) => (draft.status = text),
  'BookgDt/Dt': (draft, text) => (draft.bookingDate = text),
  'BookgDt/DtTm': (draft, text) => (draft.bookingDate = text),
  'ValDt/Dt': (draft, text) => (draft.valueDate = text),
  'ValDt/DtTm': (draft, text) => (draft.valueDate = text),
  AcctSvcrRef: (draft, text) => (draft.bankReference = text),
  'BkTxCd/Domn/Cd': (draft, text) => draft.domain.push(text),
  'BkTxCd/Domn/Fmly/Cd': (draft, text) => draft.domain.push(text),
  'BkTxCd/Domn/Fmly/SubFmlyCd': (draft, text) => draft.domain.push(text),
  'BkTxCd/Prtry/Cd': (draft, text) => (draft.proprietaryCode = text),
  'NtryDtls/Btch/NbOfTxs': (draft, text) => (draft.batch.count = text),
  'NtryDtls/Btch/TtlAmt': (draft, text, currency) => {
    draft.batch.total = text
    draft.batch.currency = currency
  },
  AddtlNtryInf: (draft, text) => (draft.information = text),
}

export const detailFields: Record<string, Setter<DetailDraft>> = {
  'Refs/AcctSvcrRef': (draft, text) => (draft.bankReference = text),
  'Refs/EndToEndId': (draft, text) => (draft.endToEndId = text),
  'Refs/TxId': (draft, text) => (draft.transactionId = text),
  'Refs/InstrId': (draft, text) => (draft.instructionId = text),
  'Refs/UETR': (draft, text) => (draft.uetr = text),
  'Refs/Prtry/Ref': (draft, text) => draft.references.push(text),
  Amt: (draft, text, currency) => {
    draft.amount = text
    draft.currency = currency
  },
  'AmtDtls/TxAmt/Amt': (draft, text, currency) => {
    draft.transactionAmount = text
    draft.transactionCurrency = currency
  },
  CdtDbtInd: (draft, text) => (draft.indicator = text),
  'RltdPties/Dbtr/Nm': (draft, text) => (draft.debtor.name = text),
  'RltdPties/DbtrAcct/Id/IBAN': (draft, text) => (draft.debtor.account = text),
  'RltdPties/DbtrAcct/Id/Othr/Id': (draft, text) => (draft.debtor.account ??= text),
  'RltdPties/Cdtr/Nm': (draft, text) => (draft.creditor.name = text),
  'RltdPties/CdtrAcct/Id/IBAN': (draft, text) => (draft.creditor.account = text),
  'RltdPties/CdtrAcct/Id/Othr/Id': (draft, text) => (draft.creditor.account ??= text),
  'RmtInf/Ustrd': (draft, text) => draft.remittance.push(text),
  'RmtInf/Strd/CdtrRefInf/Ref': (draft, text) => {
    draft.references.push(text)
    draft.remittance.push(text)
  },
  'RmtInf/Strd/AddtlRmtInf': (draft, text) => draft.remittance.push(text),
  'RtrInf/Rsn/Cd': (draft, text) => (draft.returnReason = text),
  'RtrInf/Rsn/Prtry': (draft, text) => (draft.returnReason = text),
  AddtlTxInf: (draft, text) => (draft.information = text),
}
