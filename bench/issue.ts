/** Issuing invoices inside the process, singly and in batches, beside the smallest durable commit. */

import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { loadCatalogue } from '../src/catalogue/load.ts'
import { issueInvoices } from '../src/invoice/issue.ts'
import type { IssueRequest } from '../src/invoice/request.ts'
import { createFieldCipher } from '../src/personal/field-cipher.ts'
import { signCompact } from '../src/signing/compact-jws.ts'
import { testEnvironment } from '../test/harness/environment.ts'
import { seedTenant } from '../test/harness/seed.ts'
import { print, rate, withDatabase } from './stage.ts'

const count = 1000
const batch = 200

export async function benchIssue(): Promise<void> {
  await withDatabase(async (database) => {
    const environment = testEnvironment(new Date('2026-11-20T05:00:00Z'))
    const seeded = await seedTenant(database)
    const data: unknown = JSON.parse(
      readFileSync(new URL('../src/sandbox/data/illustrative-catalogue.json', import.meta.url), 'utf8'),
    )
    await database.transaction((tx) =>
      loadCatalogue(tx, environment, { tenantId: seeded.tenantId, actor: 'bench', data, refuseIllustrative: false }),
    )
    const key = {
      kid: 'A'.repeat(43),
      alg: 'ES256' as const,
      privateKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    }
    const context = {
      environment,
      sign: async (claims: object) => signCompact(key, 'feegate-invoice+jws', Buffer.from(JSON.stringify(claims))),
      cipher: createFieldCipher(Buffer.alloc(32, 7)),
      publicUrl: 'https://feegate.example',
    }
    const issuer = { ...seeded, agencyCodes: [], returnOrigins: [] }
    let dossiers = 0
    const request = (): IssueRequest => ({
      dossierCode: `H56.14-261120-${String(1_000_000 + ++dossiers)}`,
      procedureCode: '1.004194',
      collectingAgencyCode: seeded.agencyCode,
      collectionMode: 'UPFRONT',
      channel: 'ONLINE',
      payerGroups: [],
      submitter: { name: 'Nguyễn Văn An' },
      items: [{ feeCode: 'temporary-residence', quantity: 1 }],
    })
    const commits = await rate(count, 16, (index) =>
      database.transaction((tx) =>
        tx.query(`INSERT INTO client_assertions (client_id, jti_hash, expires_at) VALUES ($1, $2, now())`, [
          seeded.clientId,
          Buffer.from(`jti ${index}`),
        ]),
      ),
    )
    const single = await rate(count, 16, () =>
      database.transaction((tx) => issueInvoices(tx, context, issuer, [request()])),
    )
    const batches =
      (await rate(count / batch, 1, () =>
        database.transaction((tx) => issueInvoices(tx, context, issuer, Array.from({ length: batch }, request))),
      )) * batch
    print(
      `Issue of ${count} signed, priced invoices (limit: the smallest durable transaction, 16 at once)`,
      [
        ['limit: one-row commits', commits],
        ['issue, one per transaction, 16 at once', single],
        [`issue in batches of ${batch}`, batches],
      ],
      commits,
    )
  })
}
