/** What ends among the things the database holds. */
import { listSigners } from '../agencies/signers.ts'
import { envelope } from '../rails/envelope.ts'
import { authoritiesOf } from '../signing/signed-by.ts'
import type { Database, Transaction } from '../store/database.ts'
import { type Ending, endingOfCertificate } from './ending.ts'

export async function endingsOfStore(source: Pick<Database | Transaction, 'query'>): Promise<Ending[]> {
  const signers = (await listSigners(source)).filter(({ status }) => status === 'ACTIVE')
  const accounts = await source.query<{ id: string; envelope: unknown }>(
    'SELECT id, envelope FROM rail_accounts WHERE envelope IS NOT NULL ORDER BY id',
    [],
  )
  // A portal whose newest key has an end as well will have none: rotating gives the new one no end.
  const clients = await source.query<{ client_id: string; name: string; ends_at: Date }>(
    `SELECT k.client_id, c.name, max(k.expires_at) AS ends_at FROM client_keys k JOIN clients c ON c.id = k.client_id
      WHERE c.status = 'ACTIVE' GROUP BY k.client_id, c.name HAVING bool_and(k.expires_at IS NOT NULL) ORDER BY k.client_id`,
    [],
  )
  return [
    ...signers.map(({ agencyCode, certificate }) =>
      endingOfCertificate(`agency ${agencyCode} signs with`, certificate),
    ),
    ...accounts.flatMap((account) =>
      authoritiesOf(envelope.parse(account.envelope)).map((certificate) =>
        endingOfCertificate(`envelope of rail account ${account.id}, authority`, certificate),
      ),
    ),
    ...clients.map(
      ({ client_id, name, ends_at }): Ending => ({
        kind: 'key',
        name: `last key of portal ${client_id} (${name})`,
        endsAt: ends_at,
        isDemo: false,
      }),
    ),
  ]
}
