/** The slip of a counter: for its printer and for the payer's phone. */
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { readCollections } from '../../counter/collection.ts'
import { Problem } from '../../problem/problem.ts'
import type { Database } from '../../store/database.ts'
import { slipPage } from './page/slip-page.ts'
import { read, tokenParams } from './requests.ts'

const styleSheet = readFileSync(new URL('page/slip.css', import.meta.url))
const slipParams = tokenParams.extend({ collection: z.string().regex(/^col_[0-9a-z]{26}$/) })

export function registerSlipPage(
  scope: FastifyInstance,
  { database, publicUrl }: { readonly database: Database; readonly publicUrl: () => string },
): void {
  scope.get('/pay/assets/slip.css', { schema: { hide: true } }, (_request, reply) =>
    reply.header('cache-control', 'public, max-age=3600').type('text/css; charset=utf-8').send(styleSheet),
  )
  scope.get('/pay/:token/slips/:collection', { schema: { hide: true } }, async (request, reply) => {
    const { token, collection } = read(slipParams, request.params)
    const [slip] = await readCollections(database, null, { payToken: token, id: collection, limit: 1 })
    if (slip === undefined) throw new Problem('NOT_FOUND')
    return reply.type('text/html; charset=utf-8').send(slipPage(slip, `${publicUrl()}/pay/${token}`))
  })
}
