/** Reading and answering a credit notice in the way of the one source an account believes. */
import type { AdapterContext, CallbackReading, HttpReply, RailAccount, RawRequest, Verdict } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { VietQrConfig } from './account.ts'
import { onlyPayCode } from './notice.ts'
import { acknowledgePayos, readPayos } from './sources/payos.ts'
import { acknowledgeSepay, readSepay } from './sources/sepay.ts'
import { acknowledgeVietqrvn, readVietqrvn } from './sources/vietqrvn.ts'
import { acknowledgeVietqrvnHmac, readVietqrvnHmac } from './sources/vietqrvn-hmac.ts'

export function readCallback(
  request: RawRequest,
  { id, config }: RailAccount<VietQrConfig>,
  { now }: AdapterContext,
): CallbackReading {
  const { source, accountNumber } = config
  const account = { id, accountNumber }
  switch (source.name) {
    case 'sepay':
      return readSepay(request, source, account, now)
    case 'payos':
      return readPayos(request, source, account)
    case 'vietqrvn':
      return readVietqrvn(request, source, account, now)
    case 'vietqrvn-hmac':
      return readVietqrvnHmac(request, source, account)
  }
}

export function acknowledge(verdict: Verdict, request: RawRequest, account: RailAccount<VietQrConfig>): HttpReply {
  const { source } = account.config
  switch (source.name) {
    case 'sepay':
      return acknowledgeSepay(verdict)
    case 'payos':
      return acknowledgePayos(verdict)
    case 'vietqrvn':
      return acknowledgeVietqrvn(verdict, request, source)
    case 'vietqrvn-hmac':
      return acknowledgeVietqrvnHmac(verdict, source)
  }
}

/** Before verification: for logs only. Of the content no more than the pay code, for payers write names into it. */
export function lookup(request: RawRequest): { merchantRef: string | null; accountHint: string | null } {
  const body = readJsonObject(request.body)
  if (!body.ok) return { merchantRef: null, accountHint: null }
  // payOS wraps its fields; the others do not.
  const inner: object = typeof body.value.data === 'object' && body.value.data !== null ? body.value.data : {}
  const fields = new Map(Object.entries({ ...body.value, ...inner }))
  const textOf = (name: string): string | null => {
    const value: unknown = fields.get(name)
    return typeof value === 'string' ? value : null
  }
  const accountNumber = textOf('accountNumber') ?? textOf('bankaccount') ?? textOf('bankAccount')
  return {
    merchantRef: onlyPayCode([textOf('content'), textOf('description'), textOf('code'), textOf('orderId')]),
    accountHint: accountNumber !== null && /^[0-9A-Za-z]{1,40}$/.test(accountNumber) ? accountNumber : null,
  }
}
