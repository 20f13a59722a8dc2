import t from 'tap'
import { bankListCall, readBankList } from '../../../adapters/vnpay/bank-list.ts'
import { answerOf, makeAccount } from './vectors.ts'

const banks = [
  { bank_code: 'VIETCOMBANK', bank_name: 'Ngân hàng Ngoại thương', logo_link: '/logo/vcb.png', display_order: 2 },
  { bank_code: 'NCB', bank_name: 'Ngân hàng Quốc Dân', logo_link: '/logo/ncb.png', bank_type: 1, display_order: 1 },
  { bank_code: 'OTHER', bank_name: 'Khác', logo_link: null },
]

t.test('a terminal asks for its own banks', async (t) => {
  const { config } = makeAccount()
  t.match(bankListCall(config), {
    method: 'POST',
    url: config.bankListUrl,
    body: 'tmn_code=TESTGW01',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    repeatable: true,
  })
})

t.test("banks come in VNPAY's order, those without a place last", async (t) => {
  const list = readBankList(answerOf(banks))
  t.same(
    list?.map(({ code }) => code),
    ['NCB', 'VIETCOMBANK', 'OTHER'],
  )
  t.match(list?.[0], { name: 'Ngân hàng Quốc Dân', logo: '/logo/ncb.png' })
  t.match(list?.[2], { logo: '' })
})

t.test('an answer that cannot be read gives no list', async (t) => {
  for (const answer of [
    answerOf(banks, 500),
    answerOf('<html>'),
    answerOf({ banks }),
    answerOf([{ bank_code: '<b>', bank_name: 'x' }]),
    answerOf([{ bank_code: 'NCB' }]),
    { ...answerOf(banks), body: Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d) },
  ]) {
    t.equal(readBankList(answer), null)
  }
})
