-- Parity (docs/parity.md): what does not tie, and how far the sweeper has come.

-- One row for each time something did not tie. Append-only but for its end and the time of the last look.
CREATE TABLE parity_findings (
  id          text PRIMARY KEY,
  tenant_id   text NOT NULL REFERENCES tenants,
  -- A class of src/domain/parity.ts.
  code        text NOT NULL,
  -- Id of the row that does not tie.
  subject     text NOT NULL,
  invoice_id  text REFERENCES invoices,
  detail      text NOT NULL,
  found_at    timestamptz NOT NULL,
  checked_at  timestamptz NOT NULL,
  resolved_at timestamptz,
  -- REPAIRED by the sweeper, or GONE when it was looked at again.
  resolution  text CHECK (resolution IN ('REPAIRED', 'GONE')),
  CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
-- One open finding for one thing, however many replicas see it.
CREATE UNIQUE INDEX parity_findings_open ON parity_findings (code, subject) WHERE resolved_at IS NULL;
-- For looking again, longest unseen first.
CREATE INDEX parity_findings_unresolved ON parity_findings (checked_at) WHERE resolved_at IS NULL;
CREATE INDEX parity_findings_by_tenant ON parity_findings (tenant_id, id);

-- Where each pass stands. A round is a lease in the row, so that replicas share the passes and a dead one holds nothing for long.
CREATE TABLE parity_passes (
  scope       text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('RECENT', 'FULL')),
  -- The last row looked at: by time of change where rows change, by id alone where they do not.
  after_at    timestamptz NOT NULL,
  after_id    text NOT NULL,
  due_at      timestamptz NOT NULL,
  lease_until timestamptz NOT NULL,
  -- FULL: when it last came to the end.
  finished_at timestamptz,
  PRIMARY KEY (scope, kind)
);

-- For the moving window, where rows change.
CREATE INDEX invoices_by_change ON invoices (updated_at, id);
CREATE INDEX payments_by_change ON payments (updated_at, id);
CREATE INDEX refunds_by_change ON refunds (updated_at, id);
-- From an attempt to what settled it.
CREATE INDEX settlements_by_payment ON settlements (payment_id) WHERE payment_id IS NOT NULL;

GRANT SELECT, INSERT ON parity_findings TO feegate_service;
GRANT UPDATE (checked_at, resolved_at, resolution) ON parity_findings TO feegate_service;
GRANT SELECT, INSERT, UPDATE ON parity_passes TO feegate_service;

SELECT hold_all_to_tenant();
-- The sweeper's own marks: no tenant's.
SELECT hold_to_tenant('parity_passes', 'false');
