/** Short-lived bearer tokens without memory: the end of life and a MAC over it, so any replica knows what another one issued. */
import { createHmac } from 'node:crypto'
import { isHexMac } from '../../shared/mac.ts'

/** A token for one rail account, `<unix seconds of its end>.<hex MAC>`. */
export function issueToken(accountId: string, secret: string, endsAtSeconds: number): string {
  return `${endsAtSeconds}.${macOf(accountId, secret, String(endsAtSeconds)).toString('hex')}`
}

/** True for a token issued with this secret for this account that has not ended. */
export function isLiveToken(token: string, accountId: string, secret: string, now: Date): boolean {
  const [, endsAt = '', mac = ''] = /^(\d{1,11})\.([0-9a-f]{64})$/.exec(token) ?? []
  return isHexMac(mac, macOf(accountId, secret, endsAt)) && Number(endsAt) * 1000 > now.getTime()
}

function macOf(accountId: string, secret: string, endsAt: string): Buffer {
  return createHmac('sha256', secret).update(`vietqrvn-token|${accountId}|${endsAt}`, 'utf8').digest()
}
