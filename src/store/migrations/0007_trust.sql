-- Secrets at rest: `sealed` holds each secret field under the row's own data key, `data_key` is that key under the master key of
-- that name (src/secrets/vault.ts). Rows written before are sealed by the next start of the gateway, which has the master key.

ALTER TABLE rail_accounts
  ADD COLUMN master_key_id text,
  ADD COLUMN data_key bytea,
  ADD COLUMN sealed jsonb,
  -- A bank's key change: the open part of the set that comes (`config`, `signsFrom`, `currentUntil`) or goes (`config`, `until`).
  ADD COLUMN next_set jsonb,
  ADD COLUMN previous_set jsonb,
  -- Client certificates that may call; null: none is asked for.
  ADD COLUMN client_certificates jsonb,
  -- CMS signature that every callback must carry; null: none.
  ADD COLUMN envelope jsonb,
  ADD CHECK ((master_key_id IS NULL) = (data_key IS NULL) AND (data_key IS NULL) = (sealed IS NULL));
-- For re-wrapping under a new master key.
CREATE INDEX rail_accounts_by_master_key ON rail_accounts (master_key_id);

ALTER TABLE webhook_endpoints
  -- Plain secrets of before; null once sealed.
  ALTER COLUMN secrets DROP NOT NULL,
  ADD COLUMN master_key_id text,
  ADD COLUMN data_key bytea,
  ADD COLUMN sealed jsonb,
  ADD CHECK ((master_key_id IS NULL) = (data_key IS NULL) AND (data_key IS NULL) = (sealed IS NULL)),
  ADD CHECK ((secrets IS NULL) <> (sealed IS NULL));
CREATE INDEX webhook_endpoints_by_master_key ON webhook_endpoints (master_key_id);

-- `provider` keeps what is open of it; the token is sealed.
ALTER TABLE receipt_issuers
  ADD COLUMN master_key_id text,
  ADD COLUMN data_key bytea,
  ADD COLUMN sealed jsonb,
  ADD CHECK ((master_key_id IS NULL) = (data_key IS NULL) AND (data_key IS NULL) = (sealed IS NULL));
CREATE INDEX receipt_issuers_by_master_key ON receipt_issuers (master_key_id);

-- Whose CMS signature a file of the watched folder must have beside it (`<file>.p7s`); null: none is asked for.
ALTER TABLE statement_sources ADD COLUMN signed_by jsonb;

-- An answer that shows a secret is kept sealed; its `body` is empty then. Those kept plain so far go: a repeat of such a request
-- registers or rotates anew, which a caller sees, and no secret stays behind.
DELETE FROM idempotency_keys WHERE body LIKE '%"secret":"whsec\_%';
ALTER TABLE idempotency_keys
  ADD COLUMN master_key_id text,
  ADD COLUMN data_key bytea,
  ADD COLUMN sealed jsonb,
  ADD CHECK ((master_key_id IS NULL) = (data_key IS NULL) AND (data_key IS NULL) = (sealed IS NULL));
CREATE INDEX idempotency_keys_by_master_key ON idempotency_keys (master_key_id) WHERE master_key_id IS NOT NULL;

-- Certificates with which agencies sign (CMS); the private key is sealed.
CREATE TABLE agency_signers (
  id             text PRIMARY KEY,
  tenant_id      text NOT NULL REFERENCES tenants,
  agency_code    text NOT NULL REFERENCES agencies,
  -- DER: the signer's own, then those that lead to its authority.
  certificate    bytea NOT NULL,
  other_certificates bytea[] NOT NULL,
  ends_at        timestamptz NOT NULL,
  master_key_id  text NOT NULL,
  data_key       bytea NOT NULL,
  sealed         jsonb NOT NULL,
  status         text NOT NULL CHECK (status IN ('ACTIVE', 'RETIRED')),
  created_at     timestamptz NOT NULL
);
-- One signs; a new certificate retires the one before.
CREATE UNIQUE INDEX agency_signers_active ON agency_signers (agency_code) WHERE status = 'ACTIVE';
CREATE INDEX agency_signers_by_master_key ON agency_signers (master_key_id);

-- A document is signed once: whoever asks again gets the same bytes.
CREATE TABLE document_signatures (
  tenant_id     text NOT NULL REFERENCES tenants,
  document_kind text NOT NULL CHECK (document_kind IN ('invoice', 'receipt')),
  document_id   text NOT NULL,
  signer_id     text NOT NULL REFERENCES agency_signers,
  -- Detached CMS in DER over the document's exact bytes.
  cms           bytea NOT NULL,
  signed_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, document_kind, document_id)
);

GRANT SELECT, INSERT, UPDATE ON agency_signers TO feegate_service;
GRANT SELECT, INSERT ON document_signatures TO feegate_service;
