import t from 'tap'
import { type Candidate, chooseInvoice } from '../../src/partner/choose.ts'

const now = new Date('2026-11-20T05:00:00Z')
const open: Candidate = {
  id: 'inv_1',
  status: 'ISSUED',
  total: 7_000n,
  expiresAt: new Date('2026-11-27T05:00:00Z'),
  beneficiaryAccount: '113366668888',
  payToken: 'token',
}
const nothing = { beneficiaryAccount: null, feeSum: null }

t.test('an order finds the one open invoice of its amount, and everything else has a reason', async (t) => {
  const cases: [string, readonly Candidate[], object, string][] = [
    ['the open one', [open], {}, 'inv_1'],
    ['one being paid', [{ ...open, status: 'PAYING' }], {}, 'inv_1'],
    ['the one of this amount', [{ ...open, id: 'inv_0', total: 1n }, open], {}, 'inv_1'],
    ['the open one beside a paid one', [{ ...open, id: 'inv_0', status: 'PAID' }, open], {}, 'inv_1'],
    ['nothing', [], {}, 'unknownDebt'],
    ['another amount', [{ ...open, total: 6_999n }], {}, 'amountDiffers'],
    ['two of this amount', [open, { ...open, id: 'inv_2' }], {}, 'unknownDebt'],
    ['a paid one', [{ ...open, status: 'PAID' }], {}, 'alreadyPaid'],
    ['a refunded one', [{ ...open, status: 'REFUNDED' }], {}, 'alreadyPaid'],
    ['a cancelled one', [{ ...open, status: 'CANCELLED' }], {}, 'notOpen'],
    ['an expired one', [{ ...open, status: 'EXPIRED' }], {}, 'notOpen'],
    ['one that expires this moment', [{ ...open, expiresAt: now }], {}, 'notOpen'],
    ['claims that agree', [open], { beneficiaryAccount: '113366668888', feeSum: 7_000n }, 'inv_1'],
    ['another account', [open], { beneficiaryAccount: '999' }, 'contradiction'],
    ['other fees', [open], { feeSum: 7_001n }, 'contradiction'],
  ]
  for (const [name, candidates, claims, expected] of cases) {
    const choice = chooseInvoice(candidates, { amount: 7_000n, claims: { ...nothing, ...claims } }, now)
    t.equal(choice.ok ? choice.invoice.id : choice.code, expected, name)
  }
})
