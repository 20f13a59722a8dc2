/** ZaloPay's answer to a callback (rails.md §5.2): always HTTP 200; `0` makes it call again, three times at most. */
import type { HttpReply, Verdict } from '../contract.ts'
import { jsonReply } from '../shared/reply.ts'
import type { ZalopayConfig } from './account.ts'

const success = { return_code: 1, return_message: 'success' }
const duplicate = { return_code: 2, return_message: 'duplicate' }
const badMac = { return_code: -1, return_message: 'mac not equal' }
const badCallback = { return_code: -1, return_message: 'callback refused' }
const badAmount = { return_code: -1, return_message: 'amount not equal' }
const tryAgain = { return_code: 0, return_message: 'try again' }

export function acknowledge(verdict: Verdict, config: ZalopayConfig): HttpReply {
  return jsonReply(200, answerTo(verdict, config))
}

function answerTo(verdict: Verdict, config: ZalopayConfig): typeof success {
  switch (verdict.kind) {
    case 'recorded':
    case 'alreadyFinal':
    case 'ignored':
    // Its money is on record as an orphan.
    case 'unknownReference':
      return success
    case 'repeated':
      return config.duplicateReturnCode === 2 ? duplicate : success
    case 'amountMismatch':
      return verdict.settlementId === null ? badAmount : success
    case 'unavailable':
      return tryAgain
    case 'refused':
      return verdict.reason === 'signature' || verdict.reason === 'auth' ? badMac : badCallback
  }
}
