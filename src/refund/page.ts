/** docs/refunds.md: the tables of domain/refund.ts and domain/refund-rules.ts, with the words around them. */
import { creditors, refundRules } from '../domain/fees/catalogue.ts'
import { refundChannels, refundTransitions } from '../domain/refund.ts'
import { channelsOfCreditor, reasonRules, refundReasons, taxProcedure } from '../domain/refund-rules.ts'

type Table = (columns: readonly string[], rows: readonly (readonly string[])[]) => string

export function refundPage(table: Table): string {
  return `# Refunds

Generated from \`src/domain/refund.ts\` and \`src/domain/refund-rules.ts\`. FeeGate never holds money: a refund is an order to the rail that took the payment, or
to the bank or Treasury of the creditor. It goes back once, never more than was paid, and never on one person's word.

## Which money

Every payment on record is a settlement. What it paid for was **collected**, line by line; what paid nothing (a duplicate, an excess, too little, too late, an unknown
reference) is **unapplied**: the settlement door opens a case about it. Requests name the reason and the legal basis; several refunds in parts of one payment are fine.
All that are not failed or rejected hold their amount: together never more than was paid, line by line, under the lock of the invoice and the settlement, and once
more by a trigger of the database. A payment that the rail has taken back has nothing left.

${table(
  ['Reason', 'Means', 'Money', 'Gives back lines of', 'Asked by'],
  refundReasons.map((reason) => {
    const { titleVi, titleEn, money, allows, askedBy, needsOtherPayment } = reasonRules[reason]
    return [
      `\`${reason}\``,
      `${titleVi}<br>${titleEn}`,
      money.toLowerCase(),
      money === 'COLLECTED'
        ? refundRules.filter((rule) => allows.includes(rule)).join(', ') || 'no rule: refused'
        : money === 'UNAPPLIED'
          ? 'always'
          : '–',
      `${askedBy.join(', ')}${needsOtherPayment ? '; names the other payment' : ''}`,
    ]
  }),
)}

**Taxes** are in no row. The request is refused with \`REFUND_TAX_LAW\` and hands out the procedure: *${taxProcedure.vi}* / *${taxProcedure.en}* (${taxProcedure.basis})
Money that paid nothing but lies in a tax account leaves it by \`TREASURY_ORDER\` only.

**A payment the rail took back** (origin \`REVERSED\`) is a case without anything to send: one officer records what becomes of the debt (\`DEBT_…\`), another closes it by \`reject\`.

## Channels

${table(
  ['Account of', ...refundChannels.map((channel) => `\`${channel}\``)],
  creditors.map((creditor) => [
    creditor,
    ...refundChannels.map((channel) => (channelsOfCreditor[creditor].includes(channel) ? 'yes' : '–')),
  ]),
)}

\`RAIL_REVERSAL\` needs an adapter that refunds (whole or in part, as its capabilities say) and an attempt of ours to name. The others need the payer's account (number, name,
bank). Where nobody names a channel it is the rail on the business day of the payment, and the account's own way out afterwards.

## States

${table(
  ['From', 'On', 'To', 'By', 'Only', 'Means'],
  refundTransitions.map(({ from, on, to, by, notBy, channels, means }) => [
    from,
    `\`${on}\``,
    to,
    `${by}${notBy === undefined ? '' : `, not the ${notBy}`}`,
    channels === undefined ? 'every channel' : channels.join(', '),
    means,
  ]),
)}

\`DONE\` and \`REJECTED\` are final. Whoever last prepared a request is its requester. Four eyes are held by the domain and by CHECKs of the table; approving and confirming name the
\`version\` that was looked at, so nothing that changed meanwhile is decided.

## At the rail

\`SENT\` and its reference are committed before the call. No answer, an unreadable one, or a process that died (its lease of ten minutes is over) is \`UNKNOWN\`: asked about after 1, 3, 10
and 30 minutes, hourly to a day, daily to three days, then \`needsHuman\`. A refund the rail accepted is asked about daily for thirty days. Nothing that may have left is sent again.
\`FAILED\` is the rail's refusal, or two officers' word that no money moved: a fresh approval sends it anew under a fresh reference, or it is prepared for another channel, or rejected.
Of one payment one refund is at the rail at a time; of a rail that can only be asked about the payment (\`refundFoundBy: 'payment'\`), an answer that may speak of another refund is not
believed. Without a connection, or while the rail's circuit is open, the refund stays \`APPROVED\` and is tried again after 1, 2, 4 … 60 minutes under the same reference.

## What a refund changes

In one transaction: the postings (\`collected:…\` or \`unapplied:…\` against \`rail:…\`, for payouts against \`paid-out:…\`), and for collected money the invoice (\`PARTIALLY_REFUNDED\`, \`REFUNDED\`),
a request to adjust each receipt concerned (\`receipt_adjustments\`; receipts are never deleted), the event \`invoice.refunded\`, history and journal. Money that paid nothing goes back
without an event: the dossier system never heard of it.

## Who calls what

${table(
  ['Route', 'Needs', 'Does'],
  [
    ['`POST /v1/invoices/{id}/refund-requests`', '`refunds:write`', 'a portal asks: the dossier was not granted'],
    ['`GET /v1/invoices/{id}/refund-requests`, `…/{refundId}`', '`refunds:read`', 'follows refunds of its invoice'],
    ['`GET /v1/finance/refunds`, `…/{id}`', 'finance.read', 'lists with filters; one with its history'],
    ['`POST /v1/finance/refunds`', 'finance.resolve', 'asks for a refund of an invoice or a settlement'],
    ['`POST …/{id}/prepare`', 'finance.resolve', 'shapes a case, a request or a failed refund'],
    ['`POST …/{id}/approve`, `…/reject`', 'finance.approve, another person', 'decides'],
    [
      '`POST /v1/finance/payout-orders`',
      'finance.resolve',
      'puts up to 200 approved payouts of one account into an order; `GET …/{id}`, `…/{id}/csv` show it',
    ],
    ['`POST …/{id}/report`', 'finance.resolve', "tells a payout's result, or what inquiry could not find out"],
    ['`POST …/{id}/confirm`', 'finance.approve, another person', 'makes the reported result count'],
  ],
)}
`
}
