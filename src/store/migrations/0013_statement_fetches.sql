-- Statements that banks give when asked: one row per rail account and day, worked off by leases (src/reconciliation/fetch-statements.ts).
CREATE TABLE statement_fetches (
  rail_account_id text NOT NULL REFERENCES rail_accounts,
  business_date   date NOT NULL,
  tenant_id       text NOT NULL REFERENCES tenants,
  status          text NOT NULL CHECK (status IN ('WAITING', 'TAKEN', 'GIVEN_UP')),
  tries           integer NOT NULL DEFAULT 0,
  next_try_at     timestamptz NOT NULL,
  lease_until     timestamptz,
  -- What came of the last try, for people.
  last_error      text,
  file_id         text REFERENCES statement_files,
  updated_at      timestamptz NOT NULL,
  PRIMARY KEY (rail_account_id, business_date),
  CHECK ((status = 'TAKEN') = (file_id IS NOT NULL))
);
CREATE INDEX statement_fetches_due ON statement_fetches (next_try_at) WHERE status = 'WAITING';
CREATE INDEX statement_fetches_by_tenant ON statement_fetches (tenant_id, business_date);
GRANT SELECT, INSERT, UPDATE ON statement_fetches TO feegate_service;

SELECT hold_all_to_tenant();
