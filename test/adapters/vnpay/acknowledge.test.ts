import t from 'tap'
import type { Verdict } from '../../../adapters/contract.ts'
import { vnpay } from '../../../adapters/vnpay/index.ts'
import { context, get, makeAccount } from './vectors.ts'

t.test('every verdict gets its answer to the byte', async (t) => {
  const settlementId = 'stl_1'
  const success = '{"RspCode":"00","Message":"Confirm Success"}'
  const confirmed = '{"RspCode":"02","Message":"Order already confirmed"}'
  const amount = '{"RspCode":"04","Message":"Invalid amount"}'
  const signature = '{"RspCode":"97","Message":"Invalid signature"}'
  const error = '{"RspCode":"99","Message":"Unknown error"}'
  const cases: [Verdict, string][] = [
    [{ kind: 'recorded', settlementId }, success],
    [{ kind: 'ignored' }, success],
    [{ kind: 'repeated', settlementId }, confirmed],
    [{ kind: 'alreadyFinal', settlementId }, confirmed],
    [{ kind: 'unknownReference' }, '{"RspCode":"01","Message":"Order not found"}'],
    [{ kind: 'amountMismatch', settlementId }, amount],
    [{ kind: 'amountMismatch', settlementId: null }, amount],
    [{ kind: 'refused', reason: 'signature' }, signature],
    [{ kind: 'refused', reason: 'repeated-field' }, signature],
    [{ kind: 'refused', reason: 'wrong-account' }, signature],
    [{ kind: 'refused', reason: 'malformed' }, signature],
    [{ kind: 'refused', reason: 'wrong-currency' }, error],
    [{ kind: 'refused', reason: 'unsupported' }, error],
    [{ kind: 'unavailable' }, error],
  ]
  for (const [verdict, body] of cases) {
    t.same(
      vnpay.acknowledge(verdict, get(''), makeAccount(), context),
      { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body },
      JSON.stringify(verdict),
    )
  }
})
