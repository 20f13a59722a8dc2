-- Personal data beside the books (docs/personal-data.md): sealed, found by keyed hash, erased on its own day. Nothing that is signed or
-- booked refers to it, so erasing breaks nothing.
CREATE TABLE personal_data (
  invoice_id    text NOT NULL REFERENCES invoices,
  role          text NOT NULL CHECK (role IN ('submitter', 'dossierOwner', 'payer')),
  class         text NOT NULL CHECK (class IN ('IDENTITY', 'CONTACT')),
  tenant_id     text NOT NULL REFERENCES tenants,
  key_id        text NOT NULL,
  -- AES-256-GCM, bound to tenant, invoice, role and class; null once erased.
  sealed        bytea,
  -- HMAC of each number, to find a person without opening anything; empty once erased.
  hashes        bytea[] NOT NULL,
  created_at    timestamptz NOT NULL,
  keep_until    timestamptz NOT NULL,
  hold_reason   text,
  erased_at     timestamptz,
  erased_reason text CHECK (erased_reason IN ('RETENTION', 'REQUEST')),
  PRIMARY KEY (invoice_id, role, class),
  CHECK ((erased_at IS NULL) = (sealed IS NOT NULL)),
  CHECK ((erased_at IS NULL) = (erased_reason IS NULL)),
  CHECK (erased_at IS NULL OR hashes = '{}'),
  -- A legal hold beats erasure.
  CHECK (hold_reason IS NULL OR erased_at IS NULL)
);
CREATE INDEX personal_data_by_hash ON personal_data USING gin (hashes);
-- For the retention watcher.
CREATE INDEX personal_data_due ON personal_data (keep_until) WHERE erased_at IS NULL AND hold_reason IS NULL;
GRANT SELECT, INSERT, UPDATE ON personal_data TO feegate_service;

SELECT hold_all_to_tenant();
