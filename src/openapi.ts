/** The head of contracts/openapi.json; paths and schemas come from the routes themselves. */
import { type Scope, scopes } from './clients/scopes.ts'

const scopeMeanings: Record<Scope, string> = {
  'invoices:read': 'Read own invoices',
  'invoices:write': 'Issue, cancel and supersede invoices',
  'payments:read': 'Read payment attempts of own invoices',
  'payments:write': 'Start payment attempts',
  'refunds:read': 'Follow refunds of own invoices',
  'refunds:write': 'Ask for a refund when a dossier was not granted',
  'webhooks:manage': 'Register and manage webhook endpoints',
  'events:read': 'Read and replay own events',
  'catalogue:read': 'Read the fee table',
  'catalogue:write': 'Load a catalogue',
}

export const openApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'FeeGate API',
    version: '1.0.0',
    description:
      'Thu phí, lệ phí dịch vụ công: lập khoản thu có chữ ký, thanh toán qua ngân hàng, báo trạng thái.\n\nFees of public services: signed fee invoices, payment through banks, paid status pushed to dossier systems. Amounts are whole VND. Errors are RFC 9457 problems with a stable `code`.',
  },
  servers: [{ url: 'https://feegate.example', description: 'Your gateway' }],
  tags: [
    { name: 'Access', description: 'Tokens and keys' },
    { name: 'Invoices', description: 'Signed demands to pay' },
    { name: 'Baskets', description: 'Several invoices in one visit of the payer' },
    { name: 'Payments', description: 'Attempts to pay an invoice on a rail' },
    { name: 'Refunds', description: 'Money back: asked for, approved by another person, sent once' },
    { name: 'Webhooks', description: 'Where events are sent' },
    { name: 'Events', description: 'What happened, to pull' },
    { name: 'Catalogue', description: 'Published fees' },
    { name: 'Counter', description: 'Cash and QR at a one-stop counter, for officers' },
    { name: 'Reconciliation', description: 'Statements in, every đồng explained, days closed' },
    { name: 'Operations', description: 'For officers and operators' },
    { name: 'Privacy', description: 'For those who answer for personal data' },
    { name: 'Reports', description: 'For finance officers and auditors' },
  ],
  components: {
    securitySchemes: {
      portal: {
        type: 'oauth2' as const,
        description: 'client_credentials with private_key_jwt',
        flows: {
          clientCredentials: {
            tokenUrl: '/oauth/token',
            scopes: Object.fromEntries(scopes.map((scope) => [scope, scopeMeanings[scope]])),
          },
        },
      },
      officer: {
        type: 'http' as const,
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: "Token of the organisation's identity provider",
      },
    },
  },
}
