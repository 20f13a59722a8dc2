import type { Adapter } from '../contract.ts'
import { textReply } from '../shared/reply.ts'
import { accountSchema, type CounterConfig } from './account.ts'

/**
 * Cash at a one-stop counter. No other machine speaks here: an officer's entry (`src/counter`) is the message, so there is nothing
 * to start, to call back or to ask. It is a rail all the same: it has accounts, limits, books and a place in reconciliation.
 */
export const counter: Adapter<CounterConfig> = {
  name: 'counter',
  titleVi: 'Tiền mặt tại quầy một cửa',
  titleEn: 'Cash at a one-stop counter',
  channels: ['COUNTER'],
  capabilities: {
    // The clerk takes what is owed and gives change.
    transfer: false,
    start: false,
    callback: false,
    inquiry: false,
    refund: 'none',
    pull: false,
    statement: 'none',
    minAmount: 1n,
    maxAmount: 999_999_999_999_999n,
    descriptionMaxLength: 100,
    source: 'domain.md §2, R4, R10',
    unverified: ['the most cash a counter may take for one invoice (cashMaximum)'],
  },
  accountSchema,
  secretFields: [],
  receivers: () => [],

  merchantRef: ({ payCode }) => payCode,

  // The gateway serves no callback address for a rail without callbacks.
  lookup: () => ({ merchantRef: null, accountHint: null }),
  readCallback: (request) => ({ kind: 'refused', reason: 'unsupported', detail: `${request.method} ${request.path}` }),
  acknowledge: () => textReply(404, 'not found'),
}
