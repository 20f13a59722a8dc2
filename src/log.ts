import { type DestinationStream, type Logger, pino } from 'pino'

/** Names under which secrets and personal data might be logged by accident, anywhere in an object. */
const redactedNames = [
  'authorization',
  'cookie',
  'client_assertion',
  'access_token',
  'secret',
  'secrets',
  'hashSecret',
  'privateKey',
  'otp',
  'code_typed',
  // Of persons (domain/retention.ts), and of whom a refund is paid to.
  'personalId',
  'taxCode',
  'phone',
  'address',
  'accountNumber',
  'accountName',
  'payee',
  'submitter',
  'dossierOwner',
  'payer',
  'payerName',
  'payerIp',
  'token',
  'payToken',
  'password',
  // Of rail accounts and partners: their `secretFields`, and what stands inside those that are objects.
  'accessKey',
  'apiKey',
  'bearerToken',
  'checksumKey',
  'clientSecret',
  'hashKey',
  'key1',
  'key2',
  'privateKeyPem',
  'queryPassword',
  'resultBearerToken',
  'secretKey',
  'settlementFileSecret',
  'source.secret',
  'tokenSecret',
]

/** JSON logs with secrets and personal data taken out. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: redactedNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
