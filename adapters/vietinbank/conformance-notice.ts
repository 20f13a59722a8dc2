/** The bank's credit notice and our answer to it, from rails.md §3.1: shared by the two rails that the bank tells of credits. */
import {
  type ConformanceKeys,
  type ConformanceMode,
  jsonAcknowledgement,
  jsonRequest,
  objectIn,
  type Proof,
  railKeyOf,
  rsaBase64,
  type SampleCallback,
  textOf,
  wallClock,
} from '../conformance.ts'
import type { HttpReply, RailAccount, Verdict } from '../contract.ts'

export type NoticeConfig = {
  readonly signature: string
  readonly bankKeyPem: string
  readonly noticeProviderId: string
  readonly receivingAccounts: readonly string[]
  readonly vacPrefix: string
  readonly duplicateAck: string
}

const signed = ['transId', 'transTime', 'custCode', 'amount', 'bankTransId', 'remark']

export function digestOf({ signature }: { readonly signature: string }): 'sha1' | 'sha256' {
  return signature === 'RSA-SHA256' ? 'sha256' : 'sha1'
}

const proof: Proof = {
  covers: (request) => signed.map((name) => textOf(objectIn(request.body)[name])).join(''),
  carrier: { field: 'signature' },
  spelling: 'exact',
  over: 'fields',
  signed,
  // Not signed, and a debit is ignored.
  loose: ['transType'],
  // The bank's own ids begin with digits as amounts do, and its remark is free text.
  borderless: [
    ['amount', 'bankTransId'],
    ['bankTransId', 'remark'],
  ],
  orphaning: [['custCode', 'amount']],
}

export type NoticeSaid = {
  readonly custCode?: (to: NoticeConfig, payCode: string) => string
  readonly remark?: (merchantRef: string, payCode: string) => string
  readonly transType?: string
}

export function creditNotice(
  sample: Pick<SampleCallback<NoticeConfig>, 'name' | 'reads' | 'names' | 'key'>,
  said: NoticeSaid,
  keys: ConformanceKeys,
  path = '/vpg/collection/api/v1/notify-bill',
): SampleCallback<NoticeConfig> {
  return {
    ...sample,
    proof,
    tellsTime: true,
    // A debit is ignored whatever else it says.
    namesCurrency: sample.reads === 'succeeded',
    // Any time up to tomorrow is plausible; the bank's repeats may come late.
    window: { before: sample.reads === 'succeeded' ? 86_400 : null, after: null },
    send({ merchantRef, payCode, amount, currency, transaction, at }, { account, keysOf }) {
      const to = account.config
      const fields: Record<string, string> = {
        msgId: `m-${transaction}`,
        providerId: to.noticeProviderId,
        transId: transaction,
        transTime: wallClock(at),
        transType: said.transType ?? '3',
        custCode: said.custCode?.(to, payCode) ?? '',
        recvAcctId: to.receivingAccounts[0] ?? '',
        bankTransId: '164T25069AAAA01',
        amount: String(amount),
        remark: said.remark?.(merchantRef, payCode) ?? 'NOP PHI',
        currencyCode: currency,
      }
      const text = signed.map((name) => fields[name]).join('')
      const key = railKeyOf(keysOf.config.bankKeyPem, keys)
      return jsonRequest({ ...fields, signature: rsaBase64(digestOf(keysOf.config), text, key) }, path)
    },
  }
}

/** `00` for all that is on record; the rest by the bank's table. */
export function noticeAnswer(
  verdict: Verdict,
  transId: string,
  { config }: RailAccount<NoticeConfig>,
  keys: ConformanceKeys,
): HttpReply {
  const [status, errorCode, errorDesc] = answerTo(verdict, config)
  const text = transId + errorCode + errorDesc
  const signature = rsaBase64(digestOf(config), text, keys.ours)
  return jsonAcknowledgement(status, { transId, providerId: config.noticeProviderId, errorCode, errorDesc, signature })
}

function answerTo(verdict: Verdict, config: NoticeConfig): readonly [number, string, string] {
  const refusals: Record<string, readonly [number, string, string]> = {
    stale: [200, '99', 'Message too old'],
    malformed: [200, '99', 'Malformed message'],
    'wrong-account': [200, '02', 'Account not found'],
    'wrong-currency': [200, '99', 'Currency not supported'],
    unsupported: [200, '99', 'Message not supported'],
  }
  switch (verdict.kind) {
    case 'refused':
      return refusals[verdict.reason] ?? [200, '01', 'Invalid signature']
    case 'repeated':
      return config.duplicateAck === '05' ? [200, '05', 'Duplicate transaction'] : [200, '00', 'Thanh cong']
    case 'amountMismatch':
      return verdict.settlementId === null ? [200, '99', 'Amount not accepted'] : [200, '00', 'Thanh cong']
    case 'unavailable':
      return [503, '99', 'Temporarily unavailable']
    default:
      return [200, '00', 'Thanh cong']
  }
}

export type NoticeMode = ConformanceMode<NoticeConfig>
