/**
 * Bugs that were there once and that the simulation found. Each can be switched on again, and is seen in a recorded history
 * (recorded.json): who brings one back is told.
 */
import type { Mutation } from '../mutations.ts'

export const regressions: readonly Mutation[] = [
  {
    name: 'an ended schedule begins anew',
    harm: 'the gateway asks the bank about one attempt without a pause, for ever',
    changes: [
      {
        file: 'src/settlement/settle.ts',
        find: `WHEN c.status = 'UNKNOWN' AND NOT p.needs_human THEN`,
        put: `WHEN c.status = 'UNKNOWN' THEN`,
      },
    ],
  },
  {
    name: 'a late failure reopens what another process delivered',
    harm: 'a delivery is sent again for three days although the dossier system has long taken it',
    changes: [
      {
        file: 'src/delivery/dispatch.ts',
        find: `        WHERE id = $1 AND status = 'PENDING'`,
        put: '        WHERE id = $1',
      },
    ],
  },
  {
    name: 'a success takes the endpoint before its delivery',
    harm: 'two processes that record one delivery wait for one another in a circle',
    changes: [
      {
        file: 'src/delivery/dispatch.ts',
        find: `    \`WITH done AS (
       UPDATE deliveries`,
        put: `    \`WITH first AS (
       SELECT id FROM webhook_endpoints WHERE id = $4 FOR UPDATE),
     done AS (
       UPDATE deliveries`,
      },
      {
        file: 'src/delivery/dispatch.ts',
        find: '        WHERE id = $1 RETURNING id)',
        put: '        WHERE id = $1 AND EXISTS (SELECT FROM first) RETURNING id)',
      },
    ],
  },
  {
    name: 'an endpoint is resumed before its deliveries',
    harm: 'resuming an endpoint waits in a circle for whoever records a failed delivery',
    changes: [
      {
        file: 'src/delivery/endpoints.ts',
        find: `  await lockPending(tx, id)
  await tx.query(\`UPDATE deliveries SET next_attempt_at`,
        put: `  await tx.query('SELECT id FROM webhook_endpoints WHERE id = $1 FOR UPDATE', [id])
  await tx.query(\`UPDATE deliveries SET next_attempt_at`,
      },
    ],
  },
  {
    name: 'the same file twice at once is an error',
    harm: 'an officer who sends a statement that a colleague sends in the same moment is told of an internal error',
    changes: [
      {
        file: 'src/reconciliation/import/file.ts',
        find: `\`ON CONFLICT (tenant_id, sha256) WHERE status <> 'REFUSED' DO NOTHING RETURNING id\``,
        put: `'RETURNING id'`,
      },
    ],
  },
  {
    name: 'transactions wait for a connection that transactions hold',
    harm: 'as many requests as there are connections stand still until each has waited in vain',
    changes: [
      {
        file: 'src/store/database.ts',
        find: 'export const reservedConnections = 2',
        put: 'export const reservedConnections = 0',
      },
    ],
  },
  {
    name: 'a run counts a file that came while it ran',
    harm: 'the lines of a statement count as reconciled and nobody ever looks at them',
    changes: [
      {
        file: 'src/reconciliation/run.ts',
        find: "AND status = 'IMPORTED' AND run_id IS NULL AND id = ANY($3)`",
        put: "AND status = 'IMPORTED' AND run_id IS NULL AND $3::text[] IS NOT NULL`",
      },
    ],
  },
]
