/** Routing facts to start a test from, each replaceable. */
import type { RouteAccount, RouteQuestion } from '../../../src/domain/routing/checks.ts'
import type { RoutingRule } from '../../../src/domain/routing/rules.ts'

/** Friday noon in Viet Nam. */
export const friday = new Date('2026-11-20T05:00:00Z')

export function anAccount(over: Partial<RouteAccount> = {}): RouteAccount {
  return {
    id: 'vnpay-a',
    rail: 'vnpay',
    active: true,
    startable: true,
    minAmount: 1n,
    maxAmount: 9_999_999_999n,
    position: 0,
    circuit: { open: false },
    ...over,
  }
}

export function aQuestion(over: Partial<RouteQuestion> = {}): RouteQuestion {
  return {
    agencyCode: 'H56.14',
    procedureCode: '1.004194',
    amount: 58_000n,
    at: friday,
    channel: 'ONLINE',
    locale: 'vi',
    invoiceId: 'inv_1',
    ...over,
  }
}

export function aRule(set: RoutingRule['set'], over: Partial<RoutingRule> = {}): RoutingRule {
  return {
    id: 'rule-a',
    version: 1,
    railAccountIds: [],
    rails: [],
    agencyCodes: [],
    procedureCodes: [],
    validFrom: null,
    validTo: null,
    set,
    ...over,
  }
}
