/** What a client may be allowed to do. */
export const scopes = [
  'invoices:read',
  'invoices:write',
  'payments:read',
  'payments:write',
  'refunds:read',
  'refunds:write',
  'webhooks:manage',
  'events:read',
  'catalogue:read',
  'catalogue:write',
] as const
export type Scope = (typeof scopes)[number]
