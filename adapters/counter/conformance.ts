/** The counter for the conformance suite: nobody calls, and nobody is called. */
import type { Conformance } from '../conformance.ts'
import type { CounterConfig } from './account.ts'

const config: CounterConfig = { cashMaximum: 20_000_000 }
const other: CounterConfig = { cashMaximum: 5_000_000 }

export const conformance: Conformance = () => [
  {
    name: 'cash',
    config,
    other,
    reference: /^[A-HJ-NP-Z2-9]{12}$/,
    callbacks: [],
    acknowledge: () => ({
      status: 404,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: 'not found',
    }),
  },
]
