import type { Adapter, BillAnswer, HttpReply, RailAccount, RawRequest } from '../contract.ts'
import { acknowledge } from '../vietinbank/acknowledge.ts'
import { lookupNotice } from '../vietinbank/lookup.ts'
import { noticePaths, noticeReceivers, readNotice } from '../vietinbank/notice.ts'
import { accountSchema, type BillPullConfig, type GenericProfile, type VietinbankProfile } from './account.ts'
import { acknowledgeGeneric, answerGeneric } from './generic-answer.ts'
import { lookupGeneric } from './generic-lookup.ts'
import { readGeneric } from './generic-request.ts'
import { answerInquiry, inquiryPaths, readInquiry } from './vietinbank-inquiry.ts'
import { answerReversal, readReversal, reversalPaths } from './vietinbank-reversal.ts'

/** The bank asks us what a pay code owes, takes the money and reports it: counters, internet banking, machines (rails.md §3.2). */
export const billPull: Adapter<BillPullConfig> = {
  name: 'bill-pull',
  titleVi: 'Thu hộ tại quầy và ngân hàng điện tử',
  titleEn: 'Bill payment at counters and e-banking',
  channels: ['COUNTER'],
  capabilities: {
    // A report of payment tells of money that has come already: whatever its amount, it goes on record.
    transfer: true,
    start: false,
    callback: true,
    inquiry: false,
    refund: 'none',
    pull: true,
    statement: 'file',
    minAmount: 1n,
    maxAmount: 999_999_999_999_999n,
    descriptionMaxLength: 100,
    source: 'rails.md §3.1, §3.2; contracts/bill-pull-profile.md',
    unverified: [
      'answer to a repeated notice (duplicateAck)',
      'signature of the notice: digest and padding need one real signed sample (signature)',
      'reverse-bill is our own extension: agree on it with the bank',
    ],
  },
  accountSchema,
  secretFields: ['privateKeyPem'],
  // The generic profile's signed text names our account.
  receivers: (config) => (config.profile === 'vietinbank' ? noticeReceivers(config) : []),

  merchantRef: ({ payCode }) => payCode,

  lookup(request) {
    return request.path.startsWith('/api/') || request.path.startsWith('/vpg/')
      ? lookupNotice(request)
      : lookupGeneric(request)
  },

  readCallback(request, account, context) {
    const { config } = account
    if (config.profile === 'generic') return readGeneric(request, genericAccount(account.id, config), context.now)
    switch (messageOf(request)) {
      case 'inquiry':
        return readInquiry(request, config)
      case 'reversal':
        return readReversal(request, config, context.now)
      case 'notice':
        return readNotice(request, { ...config, rail: 'bill-pull', accountId: account.id, source: 'PULL' }, context.now)
      case null:
        return { kind: 'refused', reason: 'unsupported', detail: `${request.method} ${request.path}` }
    }
  },

  acknowledge(verdict, request, account, context) {
    const { config } = account
    if (config.profile === 'generic')
      return acknowledgeGeneric(verdict, request, genericAccount(account.id, config), context.now)
    // A refused inquiry or reversal still gets an answer of its own form.
    if (verdict.kind === 'refused')
      return answerVietinbank({ kind: 'refused', reason: verdict.reason }, request, config, context.now)
    if (verdict.kind === 'unavailable') return answerVietinbank({ kind: 'unavailable' }, request, config, context.now)
    return acknowledge(verdict, request, config)
  },

  answerBill(answer, request, account, context) {
    const { config } = account
    if (config.profile === 'generic')
      return answerGeneric(answer, request, genericAccount(account.id, config), context.now)
    return answerVietinbank(answer, request, config, context.now)
  },
}

function answerVietinbank(answer: BillAnswer, request: RawRequest, config: VietinbankProfile, now: Date): HttpReply {
  switch (messageOf(request)) {
    case 'inquiry':
      return answerInquiry(answer, request, config, now)
    case 'reversal':
      return answerReversal(answer, request, config)
    case 'notice':
    case null:
      if (answer.kind === 'refused') return acknowledge({ kind: 'refused', reason: answer.reason }, request, config)
      return acknowledge({ kind: 'unavailable' }, request, config)
  }
}

function genericAccount(id: string, config: GenericProfile): RailAccount<GenericProfile> {
  return { id, config }
}

type Message = 'notice' | 'inquiry' | 'reversal'
const messagePaths: readonly (readonly [Message, readonly string[]])[] = [
  ['notice', noticePaths],
  ['inquiry', inquiryPaths],
  ['reversal', reversalPaths],
]

function messageOf(request: RawRequest): Message | null {
  if (request.method !== 'POST') return null
  return messagePaths.find(([, paths]) => paths.includes(request.path))?.[0] ?? null
}
