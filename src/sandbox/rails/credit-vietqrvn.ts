/**
 * VietQR.vn (rails.md §2.6). Token mode fetches a token from the gateway and brings the notice with it; HMAC mode signs id,
 * amount, time and order id and brings no token.
 */
import { createHmac } from 'node:crypto'
import { readableTime } from '../bank-time.ts'
import { spoilHex } from '../mac.ts'
import type { CallbackAnswer, CallbackRequest, Judgement } from '../notifier.ts'
import { acknowledgementMs, unpublishedRetriesMs } from '../rail-partner.ts'
import type { CreditSource, Movement, NoticeTerms } from './credit-source.ts'

export type VietqrvnCredentials = {
  readonly username: string
  readonly password: string
  /** The gateway's own: the sandbox hands it out with the rest, so that its account config is whole. */
  readonly tokenSecret: string
}

export const tokenPath = '/api/token_generate'
export const syncPath = '/bank/api/transaction-sync'

export function basicHeader({ username, password }: Pick<VietqrvnCredentials, 'username' | 'password'>): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`
}

/** The text that is signed: id, amount padded to ten digits, time, order id. */
export function syncText(id: string, amount: string, time: string, orderId: string): string {
  return `${id}${amount.padStart(10, '0')}${time}${orderId}`
}

export function vietqrvnSource(credentials: VietqrvnCredentials): CreditSource {
  let held: { token: string; endsAt: number } | null = null

  /** A token that is still good, or a new one; a text when the gateway gives none. */
  async function tokenOf({ callbackUrl, now, exchange }: NoticeTerms): Promise<{ token: string } | string> {
    if (held !== null && held.endsAt > now.getTime()) return held
    const answer = await exchange(
      {
        method: 'POST',
        url: `${callbackUrl}${tokenPath}`,
        headers: { authorization: basicHeader(credentials), 'content-type': 'application/json' },
      },
      acknowledgementMs,
    )
    if (typeof answer === 'string') return answer
    const given = readToken(answer)
    if (given === null) return `no token: HTTP ${answer.status} ${answer.body.slice(0, 200)}`
    held = { token: given.token, endsAt: now.getTime() + given.seconds * 1000 }
    return held
  }

  return {
    titleVi: 'Ngân hàng và VietQR.vn (giả lập)',
    titleEn: 'Bank and VietQR.vn (simulated)',
    config: () => ({ name: 'vietqrvn', ...credentials }),
    retryDelaysMs: unpublishedRetriesMs,
    async request(movement, terms) {
      const given = await tokenOf(terms)
      if (typeof given === 'string') return given
      // Nothing signs the body: a forger is one without a token of the gateway's.
      const isForged = terms.tampered || terms.badSignature
      return sync(terms.callbackUrl, bodyOf(movement), {
        authorization: `Bearer ${isForged ? spoilHex(given.token) : given.token}`,
      })
    },
    judge(answer, movement, isForged) {
      const judgement = judgeSync(answer, isForged ? refusal('E74', 'Invalid token') : taken(movement))
      // The gateway may have ended our token: the next call fetches another.
      if (!judgement.ends) held = null
      return judgement
    },
  }
}

export function vietqrvnHmacSource(secret: string): CreditSource {
  return {
    titleVi: 'Ngân hàng và VietQR.vn, chế độ HMAC (giả lập)',
    titleEn: 'Bank and VietQR.vn, HMAC mode (simulated)',
    config: () => ({ name: 'vietqrvn-hmac', secret }),
    retryDelaysMs: unpublishedRetriesMs,
    request(movement, { callbackUrl, tampered, badSignature }) {
      const { transactionid, transactiontime, bankaccount, referencenumber, amount, orderId, ...others } =
        bodyOf(movement)
      const signature = createHmac('sha256', secret)
        .update(syncText(transactionid, String(amount), transactiontime, orderId), 'utf8')
        .digest('hex')
      // This mode's page spells the names its own way and writes the amount as text.
      const body = {
        ...others,
        transactionId: transactionid,
        transactionTime: transactiontime,
        bankAccount: bankaccount,
        referencenumber,
        amount: String(tampered ? amount + 1 : amount),
        orderId,
        signature: badSignature ? spoilHex(signature) : signature,
      }
      return sync(callbackUrl, body, {})
    },
    judge: (answer, _movement, isForged) =>
      judgeSync(
        answer,
        isForged
          ? { error: true, errorReason: '002', toastMessage: '' }
          : { error: false, errorReason: '000', toastMessage: '', messageError: '' },
      ),
  }
}

function bodyOf(movement: Movement): {
  bankaccount: string
  amount: number
  transType: 'C' | 'D'
  content: string
  transactionid: string
  transactiontime: string
  referencenumber: string
  orderId: string
} {
  return {
    bankaccount: movement.accountNumber,
    amount: Number(movement.amount),
    transType: movement.direction === 'in' ? 'C' : 'D',
    content: movement.content,
    transactionid: `vq-${movement.id}`,
    transactiontime: readableTime(movement.at),
    referencenumber: movement.reference,
    orderId: movement.payCode ?? '',
  }
}

function sync(callbackUrl: string, body: object, headers: Readonly<Record<string, string>>): CallbackRequest {
  return {
    method: 'POST',
    url: `${callbackUrl}${syncPath}`,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  }
}

function taken(movement: Movement): object {
  return {
    error: false,
    errorReason: '000',
    toastMessage: '',
    object: { reftransactionid: movement.reference },
  }
}

function refusal(errorReason: string, toastMessage: string): object {
  return { error: true, errorReason, toastMessage, object: null }
}

/** Every field of `expected` must be in the answer; a refusal comes with any status from 400 on. */
function judgeSync(answer: CallbackAnswer, expected: object): Judgement {
  let given: Record<string, unknown>
  try {
    given = Object(JSON.parse(answer.body))
  } catch {
    return { asExpected: false, ends: false, meaning: `HTTP ${answer.status}: no JSON` }
  }
  const ends = answer.status === 200 && given.error === false
  const isNamed = Object.entries(expected).every(
    ([name, value]) => JSON.stringify(given[name]) === JSON.stringify(value),
  )
  return {
    asExpected: isNamed && (given.error === true ? answer.status >= 400 && answer.status < 500 : ends),
    ends,
    meaning: `HTTP ${answer.status}, errorReason ${String(given.errorReason)}`,
  }
}

function readToken(answer: CallbackAnswer): { token: string; seconds: number } | null {
  if (answer.status !== 200) return null
  try {
    const given: Record<string, unknown> = Object(JSON.parse(answer.body))
    const { access_token: token, token_type: type, expires_in: seconds } = given
    return typeof token === 'string' && type === 'Bearer' && typeof seconds === 'number' ? { token, seconds } : null
  } catch {
    // Not JSON: the caller says so with the answer beside it.
    return null
  }
}
