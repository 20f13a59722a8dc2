/** Why a refund is refused, in words for those who asked. */

import { formatVnd } from '../domain/money.ts'
import type { RefundChannel, RefundEvent } from '../domain/refund.ts'
import {
  type Allotment,
  type ChannelFault,
  type RefundReason,
  reasonRules,
  taxProcedure,
} from '../domain/refund-rules.ts'
import { readableLocalTime } from '../domain/vietnam-time.ts'
import { type FieldError, Problem } from '../problem/problem.ts'
import type { PaidRecord } from '../store/paid-money.ts'
import type { RefundRecord } from '../store/refunds.ts'

export function allotmentProblem(refused: Allotment & { ok: false }, reason: RefundReason, paid: PaidRecord): Problem {
  const { titleVi, titleEn } = reasonRules[reason]
  const lines = (vi: (rule: string) => string, en: (rule: string) => string): FieldError[] =>
    refused.lines.map((lineNo) => {
      const rule = paid.items.find((item) => item.lineNo === lineNo)?.refundRule ?? ''
      return { field: `items.${lineNo}`, code: rule.toLowerCase() || 'unknown', vi: vi(rule), en: en(rule) }
    })
  switch (refused.why) {
    case 'tax':
      return taxProblem(refused.lines, paid)
    case 'rule':
      return new Problem('REFUND_NOT_ALLOWED', {
        vi: `Lý do: ${titleVi}.`,
        en: `Reason: ${titleEn}.`,
        errors: lines(
          (rule) => `quy định hoàn của khoản này là ${rule}`,
          (rule) => `the refund rule of this line is ${rule}`,
        ),
      })
    case 'noSuchLine':
      return new Problem('INVALID_REQUEST', {
        errors: lines(
          () => 'khoản thu không có dòng này, hoặc dòng bị nêu hai lần',
          () => 'the invoice has no such line, or it is named twice',
        ),
      })
    case 'nothingLeft':
    case 'tooMuch':
      return new Problem('REFUND_EXCEEDS_PAID', {
        vi: `Còn lại: ${formatVnd(refused.left, 'vi')}.`,
        en: `Left: ${formatVnd(refused.left, 'en')}.`,
      })
    case 'wrongMoney':
      return new Problem('REFUND_NOT_ALLOWED', {
        vi: `Lý do "${titleVi}" không áp dụng cho khoản tiền này (${paid.disposition}), hoặc sai cách nêu số tiền: khoản đã thu hoàn theo từng dòng, khoản không thuộc khoản phải thu nào hoàn theo số tiền.`,
        en: `The reason "${titleEn}" does not fit this money (${paid.disposition}), or the amount is given the wrong way: collected money goes back by lines, money that pays no debt by amount.`,
      })
  }
}

/** Refused, with the procedure in hand (domain.md §7.6). */
export function taxProblem(lines: readonly number[], paid: PaidRecord): Problem {
  const obligations = paid.items.flatMap(({ lineNo, taxObligationId }) =>
    lines.includes(lineNo) && taxObligationId !== null ? [taxObligationId] : [],
  )
  const facts = [obligations.join(', ') || '-', paid.railTransactionId, readableLocalTime(paid.paidAt)]
  return new Problem('REFUND_TAX_LAW', {
    vi: `${taxProcedure.vi} Mã khoản nộp: ${facts[0]}; mã giao dịch: ${facts[1]}; nộp lúc: ${facts[2]}. Căn cứ: ${taxProcedure.basis}.`,
    en: `${taxProcedure.en} Obligation: ${facts[0]}; transaction: ${facts[1]}; paid at: ${facts[2]} (Viet Nam). Basis: ${taxProcedure.basis}.`,
  })
}

const channelFaults: Readonly<Record<ChannelFault, readonly [vi: string, en: string]>> = {
  creditor: [
    'Tài khoản thụ hưởng của khoản này không hoàn được qua kênh đó.',
    'The account this money went to has no such way out.',
  ],
  tax: [
    'Tiền đã vào tài khoản thuế chỉ ra theo hồ sơ tại Kho bạc (TREASURY_ORDER).',
    'What reached a tax account leaves it by papers at the Treasury only (TREASURY_ORDER).',
  ],
  railHasNone: ['Kênh thanh toán này không có chức năng hoàn.', 'This rail makes no refunds.'],
  railWholeOnly: ['Kênh thanh toán này chỉ hoàn toàn bộ giao dịch.', 'This rail gives back whole payments only.'],
  noAttempt: [
    'Khoản tiền đến không qua giao dịch nào của ta nên không gọi hoàn được.',
    'The money came without an attempt of ours that a refund could name.',
  ],
}

export function channelProblem(channel: RefundChannel, fault: ChannelFault): Problem {
  const [vi, en] = channelFaults[fault]
  return new Problem('REFUND_CHANNEL_NOT_OFFERED', { vi: `${channel}: ${vi}`, en: `${channel}: ${en}` })
}

export function stateProblem(refund: RefundRecord, event: RefundEvent): Problem {
  const channel = refund.channel === null ? '' : ` (${refund.channel})`
  return new Problem('REFUND_WRONG_STATE', {
    vi: `Yêu cầu hoàn đang ở trạng thái ${refund.status}${channel}: không thực hiện được ${event}.`,
    en: `The refund is ${refund.status}${channel}: ${event} is not possible.`,
  })
}

export function fourEyesProblem(who: 'requester' | 'reporter'): Problem {
  return who === 'requester'
    ? new Problem('FOUR_EYES', {
        vi: 'Người duyệt phải khác người yêu cầu.',
        en: 'Whoever decides must not be who asked.',
      })
    : new Problem('FOUR_EYES', {
        vi: 'Người xác nhận phải khác người báo kết quả.',
        en: 'Whoever confirms must not be who reported.',
      })
}
