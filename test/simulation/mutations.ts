/**
 * Planted bugs: what the simulation must be able to see. Each changes one place of the gateway's source as it is loaded, or one
 * rule of the database, in the simulating process only. A place that is no longer there fails the run: the list cannot go stale.
 */
export type Mutation = {
  readonly name: string
  /** What would befall somebody. */
  readonly harm: string
  readonly changes: readonly { readonly file: string; readonly find: string; readonly put: string }[]
  /** Rules of the database that would catch the bug first, taken away with it. */
  readonly sql?: string
}

export const mutations: readonly Mutation[] = [
  {
    name: 'acknowledge before the commit',
    harm: 'the bank believes a payment is booked, and a crash loses it',
    changes: [
      {
        file: 'src/callback/receive.ts',
        find: '      const result = await settler.settle({',
        put: `      settler.settle({ outcome: reading.outcome, transferRail: adapter.capabilities.transfer }).catch(() => undefined)
      if (reading.outcome.kind === 'succeeded') return acknowledge({ kind: 'recorded', settlementId: '' })
      const result = await settler.settle({`,
      },
    ],
  },
  {
    name: 'no unique key for rail transactions',
    harm: 'the same credit told to two replicas at once is booked twice',
    changes: [],
    sql: 'ALTER TABLE settlements DROP CONSTRAINT settlements_rail_account_id_rail_transaction_id_direction_key',
  },
  {
    name: 'an outbox row is lost',
    harm: 'a payer has paid and the dossier never moves on',
    changes: [
      {
        file: 'src/store/events.ts',
        find: `JOIN webhook_endpoints w ON w.client_id = e.client_id AND w.status <> 'DELETED'\`,`,
        put: `JOIN webhook_endpoints w ON w.client_id = e.client_id AND w.status <> 'DELETED' AND w.consecutive_failures = 0\`,`,
      },
    ],
  },
  {
    name: 'a repeat is applied again',
    harm: 'one payment is booked as often as the bank tells of it',
    changes: [{ file: 'src/settlement/weigh.ts', find: 'repeated: known !== null,', put: 'repeated: false,' }],
    sql: 'ALTER TABLE settlements DROP CONSTRAINT settlements_rail_account_id_rail_transaction_id_direction_key',
  },
  {
    name: 'the invoice is not locked',
    harm: 'two banks pay one invoice at once, and both count',
    changes: [
      {
        file: 'src/settlement/books.ts',
        find: 'ORDER BY id FOR UPDATE',
        put: 'ORDER BY id',
      },
    ],
    sql: 'DROP INDEX settlements_one_applied',
  },
  {
    name: 'locks are taken in the order of arrival',
    harm: 'replicas that settle the same two invoices wait for one another in a circle',
    changes: [
      {
        file: 'src/settlement/books.ts',
        find: 'const invoiceIds = [...new Set(resolved.map((row) => row.invoice_id))].sort()',
        put: 'const invoiceIds = [...new Set(named.flatMap(({ railAccountId, merchantRef }) => resolved.filter((row) => row.account === railAccountId && row.ref === merchantRef).map((row) => row.invoice_id)))]',
      },
      {
        file: 'src/settlement/books.ts',
        find: `await tx.query('SELECT id FROM invoices WHERE id = ANY($1) ORDER BY id FOR UPDATE', [invoiceIds])`,
        put: `for (const invoiceId of invoiceIds) await tx.query('SELECT id FROM invoices WHERE id = $1 FOR UPDATE', [invoiceId])`,
      },
    ],
  },
  {
    name: 'a failure undoes a success',
    harm: 'a paid attempt turns into a failed one',
    changes: [
      {
        file: 'src/settlement/settle.ts',
        find: `        WHERE p.id = c.id AND p.status <> 'SUCCEEDED'`,
        put: '        WHERE p.id = c.id',
      },
      {
        file: 'src/settlement/weigh.ts',
        find: `payment: payment?.status ?? null,`,
        put: `payment: payment === null ? null : 'REDIRECTED',`,
      },
      {
        file: 'src/settlement/weigh.ts',
        find: `if (payment !== null && row.effect.payment !== undefined && payment.status !== 'SUCCEEDED')`,
        put: `if (payment !== null && row.effect.payment !== undefined)`,
      },
    ],
  },
  {
    name: 'repeats are known by our reference',
    harm: 'a second transfer under one pay code is taken for the first, and its money is on no record',
    changes: [
      {
        file: 'src/settlement/weigh.ts',
        find: `const known = movesMoney ? (direction === 'IN' ? success : reversal) : null`,
        put: `const byReference = payment?.status === 'SUCCEEDED' ? { id: null as unknown as string, disposition: 'APPLIED' as const, amount: outcome.amount, merchantRef: outcome.merchantRef, postings: [] } : null
  const known = movesMoney ? (direction === 'IN' ? (success ?? byReference) : reversal) : null`,
      },
    ],
  },
  {
    name: 'idempotency lives in Redis alone',
    harm: 'after a flush the same request gets another answer',
    changes: [
      {
        file: 'src/idempotency/idempotency.ts',
        find: `        const stored = await storedInDatabase(tx, request)
        if (stored !== null) return replay(request, stored)
        const answer = await work(tx)
        await keep(tx, request, answer)`,
        put: '        const answer = await work(tx)',
      },
    ],
  },
  {
    name: 'a 500 counts as delivered',
    harm: 'the dossier system was down for a moment and never hears of the payment',
    changes: [
      {
        file: 'src/delivery/dispatch.ts',
        find: `answer.status >= 200 && answer.status < 300`,
        put: `answer.status >= 200 && answer.status < 600`,
      },
    ],
  },
  {
    name: 'events of an invoice overtake one another',
    harm: 'the dossier system hears that an invoice was issued after it was paid',
    changes: [
      {
        file: 'src/delivery/dispatch.ts',
        find: `AND e.status = 'PENDING' AND e.invoice_seq < c.invoice_seq)`,
        put: `AND e.status = 'PENDING' AND e.invoice_seq < c.invoice_seq AND false)`,
      },
    ],
  },
  {
    name: 'no answer counts as a failure',
    harm: 'money taken after a time-out is looked for by nobody',
    changes: [
      {
        file: 'src/watch/inquiry.ts',
        find: `next_inquiry_at = n.at, inquiries = inquiries + 1, needs_human = n.at IS NULL,`,
        put: `next_inquiry_at = NULL, inquiries = inquiries + 1, needs_human = false,`,
      },
    ],
  },
  {
    name: 'refunds overshoot what was paid',
    harm: 'the same fee is given back as often as somebody asks',
    changes: [
      {
        file: 'src/domain/refund-rules.ts',
        find: `    const rest = left.items.get(lineNo) ?? 0n`,
        put: `    const rest = paid.items.find((item) => item.lineNo === lineNo)?.net ?? 0n`,
      },
    ],
    sql: 'DROP TRIGGER refunds_within_paid_new ON refunds; DROP TRIGGER refunds_within_paid_more ON refunds',
  },
  {
    name: 'the day is cut off in UTC',
    harm: 'what was paid between midnight and seven in the morning is reconciled with the day before',
    changes: [
      {
        file: 'src/reconciliation/matching/record.ts',
        find: `(s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS paid_on`,
        put: `(s.paid_at AT TIME ZONE 'UTC')::date AS paid_on`,
      },
      {
        file: 'src/reconciliation/matching/exact.ts',
        find: `(s.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS paid_on`,
        put: `(s.paid_at AT TIME ZONE 'UTC')::date AS paid_on`,
      },
    ],
  },
  {
    name: 'a credit to another account is applied',
    harm: 'an invoice is paid by money that its creditor never got',
    changes: [
      {
        file: 'src/settlement/weigh.ts',
        find: `          invoice.beneficiaryAccountId === railAccount.beneficiaryAccountId)),`,
        put: `          invoice.beneficiaryAccountId !== '')),`,
      },
    ],
  },
]
