/** Verifying a callback before anything touches the database, beside the raw signature alone. */
import { createHmac } from 'node:crypto'
import { vnpay } from '../adapters/vnpay/index.ts'
import { print } from './stage.ts'

const count = 30_000

export async function benchVerify(): Promise<void> {
  const secret = 'S'.repeat(32)
  const account = { id: 'vnpay-bench', config: vnpay.accountSchema.parse({ tmnCode: 'TESTGW01', hashSecret: secret }) }
  const fields = {
    vnp_Amount: '700000',
    vnp_BankCode: 'NCB',
    vnp_OrderInfo: 'le phi ho so',
    vnp_PayDate: '20261120120130',
    vnp_ResponseCode: '00',
    vnp_TmnCode: 'TESTGW01',
    vnp_TransactionNo: '1',
    vnp_TransactionStatus: '00',
    vnp_TxnRef: 'FG1',
  }
  const text = new URLSearchParams(fields).toString()
  const mac = (): string => createHmac('sha512', secret).update(text).digest('hex')
  const request = {
    method: 'GET',
    path: '',
    query: `${text}&vnp_SecureHash=${mac()}`,
    headers: {},
    body: new Uint8Array(),
  }
  const context = { now: new Date(0), requestId: 'r', serverIp: '127.0.0.1' }
  const perSecond = (call: () => unknown): number => {
    for (let index = 0; index < count / 10; index++) call()
    const begin = performance.now()
    for (let index = 0; index < count; index++) call()
    return count / ((performance.now() - begin) / 1000)
  }
  const raw = perSecond(mac)
  print(
    'Verification of a VNPAY callback (limit: its HMAC alone)',
    [
      ['limit: HMAC-SHA512', raw],
      ['readCallback: parse, verify, check, normalise', perSecond(() => vnpay.readCallback(request, account, context))],
    ],
    raw,
  )
}
