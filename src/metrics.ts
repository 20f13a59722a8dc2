import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Prometheus metrics of one gateway process. */
export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    callbacks: new Counter({
      name: 'feegate_callbacks_total',
      help: 'Bank callbacks by rail and verdict',
      labelNames: ['rail', 'verdict'],
      registers,
    }),
    settlements: new Counter({
      name: 'feegate_settlements_total',
      help: 'Settled outcomes by rail and decision rule',
      labelNames: ['rail', 'rule'],
      registers,
    }),
    settlementBatch: new Histogram({
      name: 'feegate_settlement_batch_size',
      help: 'Outcomes settled in one commit',
      buckets: [1, 2, 4, 8, 16, 32, 64],
      registers,
    }),
    deliveries: new Counter({
      name: 'feegate_deliveries_total',
      help: 'Webhook delivery attempts by result',
      labelNames: ['result'],
      registers,
    }),
    inquiries: new Counter({
      name: 'feegate_inquiries_total',
      help: 'Inquiries to rails by result',
      labelNames: ['rail', 'result'],
      registers,
    }),
    receipts: new Counter({
      name: 'feegate_receipts_total',
      help: 'Receipts by result: issued, or why one still waits',
      labelNames: ['result'],
      registers,
    }),
    receiptsWaiting: new Gauge({
      name: 'feegate_receipts_waiting',
      help: 'Receipts requested and not issued: since some minutes (waiting), or of an earlier day (day_missed)',
      labelNames: ['lateness'],
      registers,
    }),
    journalSealed: new Counter({
      name: 'feegate_journal_sealed_total',
      help: 'Journal entries sealed',
      registers,
    }),
    refunds: new Counter({
      name: 'feegate_refunds_sent_total',
      help: 'Refunds sent to rails by result; late: nothing was left to write down',
      labelNames: ['rail', 'result'],
      registers,
    }),
    refundInquiries: new Counter({
      name: 'feegate_refund_inquiries_total',
      help: 'Inquiries about refunds by result',
      labelNames: ['rail', 'result'],
      registers,
    }),
    parityFindings: new Gauge({
      name: 'feegate_parity_findings',
      help: 'Open findings of the parity sweeper by class (docs/parity.md); anything above zero wants a person',
      labelNames: ['code'],
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'feegate_http_request_seconds',
      help: 'HTTP requests by route and status',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    shed: new Counter({
      name: 'feegate_shed_total',
      help: 'Requests sent away with 503 before their work began, by kind (bank, other) and reason: full (the waiting room), waited (too long), strained (this process is behind)',
      labelNames: ['kind', 'reason'],
      registers,
    }),
    requestsInFlight: new Gauge({
      name: 'feegate_requests_in_flight',
      help: 'Requests that are worked on, by kind',
      labelNames: ['kind'],
      registers,
    }),
    requestsWaiting: new Gauge({
      name: 'feegate_requests_waiting',
      help: 'Requests that wait to be worked on, by kind',
      labelNames: ['kind'],
      registers,
    }),
    loopDelaySeconds: new Gauge({
      name: 'feegate_event_loop_delay_seconds',
      help: 'How far this process is behind with its own work',
      registers,
    }),
    daysLeft: new Gauge({
      name: 'feegate_days_left',
      help: 'Days until a certificate, key or revocation list ends; negative once it has. Warn at 60, 30 and 7',
      labelNames: ['kind', 'name'],
      registers,
    }),
    redisUp: new Gauge({ name: 'feegate_redis_up', help: '1 when Redis answers', registers }),
  }
}
