import { Problem } from '../../problem/problem.ts'
import type { TenantDatabases } from '../../store/database.ts'
import type { OfficerVerifier } from './officer.ts'

/**
 * Only officers of tenants that a directory has loaded: an issuer may vouch for others, and nothing of theirs is here to be read,
 * written or referred to. A tenant that was seen is not looked up again; none is ever taken away.
 */
export function ofKnownTenants(verifyOfficer: OfficerVerifier, database: TenantDatabases): OfficerVerifier {
  const known = new Set<string>()
  return async (request) => {
    const officer = await verifyOfficer(request)
    const { tenantId } = officer
    if (!known.has(tenantId)) {
      const rows = await database.forTenant(tenantId).query('SELECT id FROM tenants WHERE id = $1', [tenantId])
      if (rows.length === 0)
        throw new Problem('FORBIDDEN', {
          vi: 'Đơn vị của bạn chưa được khai báo ở đây.',
          en: 'Your tenant is not known here.',
        })
      known.add(tenantId)
    }
    return officer
  }
}
