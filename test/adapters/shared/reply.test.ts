import t from 'tap'
import { jsonReply, textReply } from '../../../adapters/shared/reply.ts'

t.test('a JSON answer is compact, in the order given, and says its type', async (t) => {
  t.same(jsonReply(200, { RspCode: '00', Message: 'Đã nhận' }), {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: '{"RspCode":"00","Message":"Đã nhận"}',
  })
})

t.test('a text answer is the text', async (t) => {
  t.same(textReply(503, 'later'), {
    status: 503,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: 'later',
  })
})
