import type { Adapter } from '../contract.ts'
import { accountSchema, type NationalPortalConfig, secretFields } from './account.ts'
import { acknowledge, referenceIn } from './acknowledge.ts'
import { inquire, readInquiry, readReceiptAnswer, receiptFile } from './inquiry.ts'
import { readResult } from './result.ts'
import { readStart, start } from './start.ts'

/** The national public-service portal's payment platform, message set 1.0.6, as a rail we call (domain.md §8.1). */
export const nationalPortal: Adapter<NationalPortalConfig> = {
  name: 'national-portal',
  titleVi: 'Nền tảng thanh toán Cổng Dịch vụ công quốc gia',
  titleEn: 'National portal payment platform',
  channels: ['PORTAL'],
  capabilities: {
    transfer: false,
    start: true,
    callback: true,
    inquiry: true,
    refund: 'none',
    pull: false,
    statement: 'none',
    minAmount: 1n,
    maxAmount: 999_999_999_999_999n,
    descriptionMaxLength: 250,
    source: 'domain.md §8.1',
    unverified: [
      'whether 1.0.6 is the current version (version)',
      'LoaiBanTin of a result (resultMessageType)',
      'values hashed in the answer to QUERY (queryStatusIsSigned)',
      'error codes but 00, and the codes it expects in our answer (answerCodes)',
      'form of the hash in our answer to a result',
      'how often it repeats a result',
      'values of MaDichVu but 2 (serviceCode): taxes, fines and postage are refused',
      'bank codes it expects (bankCodes, beneficiary) and values of LoaiPhiLePhi (feeTypes)',
      'refund message, reconciliation file and split settlement',
      'amount limits',
    ],
  },
  accountSchema,
  secretFields,
  receivers: ({ partnerCode }) => [`partnerCode ${partnerCode}`],

  /** Pay code and sequence: readable in the platform's lists, unique for ever because the sequence is. */
  merchantRef: ({ sequence, payCode }) => `dvc${payCode}${sequence}`,

  start,
  readStart: (answer, state, _order, account) => readStart(answer, state, account),
  inquire,
  readInquiry: (answer, _state, attempt, account) => readInquiry(answer, attempt, account),
  receiptFile,
  readReceiptFile: (answer) => readReceiptAnswer(answer),

  lookup: (request) => ({ merchantRef: referenceIn(request), accountHint: null }),
  readCallback: readResult,
  acknowledge: (verdict, request, account, context) => acknowledge(verdict, request, account, context.now),
}
