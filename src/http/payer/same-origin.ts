import type { FastifyRequest } from 'fastify'
import { Problem } from '../../problem/problem.ts'

/**
 * A form of ours is sent from a page of ours (docs/decisions/032). Every browser of today says where a request comes from in
 * Sec-Fetch-Site, which no page can write; Origin is of no use, since our pages send no referrer and so `null`. A client that says
 * nothing is no browser that another site could use. Rails may send the browser back from theirs.
 */
export function refuseForeignForms(request: FastifyRequest): void {
  const from = request.headers['sec-fetch-site']
  if (request.method !== 'POST' || request.routeOptions.url?.endsWith('/return') === true) return
  if (from !== undefined && from !== 'same-origin' && from !== 'none')
    throw new Problem('FORBIDDEN', {
      vi: 'Mở lại liên kết thanh toán và thử lại từ trang này.',
      en: 'Open the payment link and try again from its page.',
    })
}
