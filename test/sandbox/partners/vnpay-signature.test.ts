import { readFileSync } from 'node:fs'
import t from 'tap'
import { z } from 'zod'
import { barText, hashOf, isSigned, queryText } from '../../../src/sandbox/partners/vnpay-signature.ts'

/** Origin: test/fixtures/vectors/rails/README.md. */
const { vectors } = z
  .object({
    vectors: z.array(
      z.object({
        id: z.string(),
        op: z.string(),
        key: z.object({ hashSecret: z.string() }),
        input: z.record(z.string(), z.unknown()),
        expected: z.object({
          canonical: z.string().optional(),
          vnp_SecureHash: z.string().optional(),
          signature: z.enum(['accept', 'reject']).optional(),
        }),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('../../fixtures/vectors/rails/vnpay.json', import.meta.url), 'utf8')))

const texts = z.record(z.string(), z.coerce.string())

for (const { id, op, key, input, expected } of vectors) {
  t.test(`${id}: ${op} is signed as the vector says`, async (t) => {
    if (op === 'pay-url') {
      const text = queryText(Object.entries(texts.parse(input.params)).reverse())
      t.equal(text, expected.canonical)
      t.equal(hashOf(text, key.hashSecret), expected.vnp_SecureHash)
      return
    }
    if (op === 'ipn') {
      const query = new URLSearchParams(String(input.rawQuery))
      const verdict = isSigned(queryText(query), query.get('vnp_SecureHash') ?? undefined, key.hashSecret)
      t.equal(verdict, expected.signature === 'accept')
      return
    }
    const command = op.startsWith('refund') ? 'refund' : 'querydr'
    const isAnswer = op.endsWith('response')
    const fields = texts.parse(isAnswer ? input.body : input)
    // An unknown transaction number is signed as 0 (rails.md §1.5).
    const value = (name: string): string => fields[name] ?? (name === 'vnp_TransactionNo' && !isAnswer ? '0' : '')
    const text = barText(isAnswer ? `${command}Answer` : command, value)
    if (expected.canonical !== undefined) t.equal(text, expected.canonical)
    if (isAnswer) t.equal(isSigned(text, fields.vnp_SecureHash, key.hashSecret), expected.signature === 'accept')
    else t.equal(hashOf(text, key.hashSecret), expected.vnp_SecureHash)
  })
}
