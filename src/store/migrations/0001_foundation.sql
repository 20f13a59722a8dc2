-- The service connects as feegate_service: it may add to the books, never rewrite them.
DO $$ BEGIN
  CREATE ROLE feegate_service NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
  EXECUTE format('GRANT feegate_service TO %I', current_user);
EXCEPTION WHEN invalid_grant_operation OR unique_violation THEN NULL;
END $$;

-- Who is served -------------------------------------------------------------------------------------------------

CREATE TABLE tenants (
  id         text PRIMARY KEY,
  name       text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE agencies (
  code           text PRIMARY KEY,
  tenant_id      text NOT NULL REFERENCES tenants,
  name_vi        text NOT NULL,
  name_en        text NOT NULL,
  tax_code       text NOT NULL,
  address        text NOT NULL DEFAULT '',
  aliases        text[] NOT NULL DEFAULT '{}',
  valid_from     date NOT NULL,
  valid_to       date,
  successor_code text REFERENCES agencies
);
CREATE INDEX agencies_by_tenant ON agencies (tenant_id);

CREATE TABLE beneficiary_accounts (
  id             text PRIMARY KEY,
  tenant_id      text NOT NULL REFERENCES tenants,
  agency_code    text NOT NULL REFERENCES agencies,
  -- Whose money lands there (domain.md §6.3): the agency's own, the State budget's, the post's.
  creditor       text NOT NULL CHECK (creditor IN ('COLLECTING_AGENCY', 'STATE_BUDGET', 'PUBLIC_POST')),
  creditor_name  text NOT NULL,
  creditor_tax_code text NOT NULL,
  bank_bin       text NOT NULL,
  account_number text NOT NULL,
  account_name   text NOT NULL,
  status         text NOT NULL CHECK (status IN ('ACTIVE', 'CLOSED')),
  created_at     timestamptz NOT NULL
);
CREATE INDEX beneficiary_accounts_by_agency ON beneficiary_accounts (agency_code);

CREATE TABLE rail_accounts (
  id                     text PRIMARY KEY,
  tenant_id              text NOT NULL REFERENCES tenants,
  rail                   text NOT NULL,
  beneficiary_account_id text NOT NULL REFERENCES beneficiary_accounts,
  title_vi               text NOT NULL,
  title_en               text NOT NULL,
  config                 jsonb NOT NULL,
  status                 text NOT NULL CHECK (status IN ('ACTIVE', 'PAUSED')),
  position               integer NOT NULL DEFAULT 0,
  created_at             timestamptz NOT NULL,
  updated_at             timestamptz NOT NULL
);
CREATE INDEX rail_accounts_by_beneficiary ON rail_accounts (beneficiary_account_id);

CREATE TABLE clients (
  id                  text PRIMARY KEY,
  tenant_id           text NOT NULL REFERENCES tenants,
  name                text NOT NULL,
  scopes              text[] NOT NULL,
  -- Empty: every agency of the tenant.
  agency_codes        text[] NOT NULL DEFAULT '{}',
  return_origins      text[] NOT NULL DEFAULT '{}',
  requests_per_minute integer NOT NULL CHECK (requests_per_minute > 0),
  status              text NOT NULL CHECK (status IN ('ACTIVE', 'DISABLED')),
  created_at          timestamptz NOT NULL
);

CREATE TABLE client_keys (
  client_id  text NOT NULL REFERENCES clients,
  kid        text NOT NULL,
  jwk        jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  -- Set at rotation: both keys are valid until then.
  expires_at timestamptz,
  PRIMARY KEY (client_id, kid)
);

-- The record behind Redis that lets each client assertion be used once (RFC 7523 §3).
CREATE TABLE client_assertions (
  client_id  text NOT NULL REFERENCES clients,
  jti_hash   bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (client_id, jti_hash)
);
CREATE INDEX client_assertions_by_expiry ON client_assertions (expires_at);

-- Fee catalogue (domain.md §6.1) ----------------------------------------------------------------------------------

CREATE TABLE catalogue_releases (
  id           text PRIMARY KEY,
  tenant_id    text NOT NULL REFERENCES tenants,
  sha256       text NOT NULL,
  version      text NOT NULL,
  illustrative boolean NOT NULL,
  source       text NOT NULL,
  loaded_by    text NOT NULL,
  loaded_at    timestamptz NOT NULL,
  UNIQUE (tenant_id, sha256)
);

CREATE TABLE procedures (
  tenant_id  text NOT NULL REFERENCES tenants,
  code       text NOT NULL,
  body       jsonb NOT NULL,
  release_id text NOT NULL REFERENCES catalogue_releases,
  PRIMARY KEY (tenant_id, code)
);

-- A rate is never changed: a new release adds a version and withdraws the one before, so an old invoice can always be explained.
CREATE TABLE fee_rates (
  tenant_id      text NOT NULL,
  procedure_code text NOT NULL,
  id             text NOT NULL,
  version        integer NOT NULL,
  body           jsonb NOT NULL,
  release_id     text NOT NULL REFERENCES catalogue_releases,
  withdrawn_at   timestamptz,
  PRIMARY KEY (tenant_id, id, version),
  FOREIGN KEY (tenant_id, procedure_code) REFERENCES procedures (tenant_id, code)
);
CREATE UNIQUE INDEX fee_rates_current ON fee_rates (tenant_id, id) WHERE withdrawn_at IS NULL;
CREATE INDEX fee_rates_by_procedure ON fee_rates (tenant_id, procedure_code) WHERE withdrawn_at IS NULL;

CREATE TABLE fee_adjustments (
  tenant_id    text NOT NULL REFERENCES tenants,
  id           text NOT NULL,
  version      integer NOT NULL,
  body         jsonb NOT NULL,
  release_id   text NOT NULL REFERENCES catalogue_releases,
  withdrawn_at timestamptz,
  PRIMARY KEY (tenant_id, id, version)
);
CREATE UNIQUE INDEX fee_adjustments_current ON fee_adjustments (tenant_id, id) WHERE withdrawn_at IS NULL;

-- Invoices and attempts -------------------------------------------------------------------------------------------

CREATE SEQUENCE merchant_ref_sequence;

CREATE TABLE invoices (
  id                     text PRIMARY KEY,
  tenant_id              text NOT NULL REFERENCES tenants,
  client_id              text NOT NULL REFERENCES clients,
  version                integer NOT NULL CHECK (version > 0),
  supersedes_id          text UNIQUE REFERENCES invoices,
  superseded_by_id       text REFERENCES invoices,
  dossier_code           text NOT NULL,
  obligation_key         text NOT NULL,
  procedure_code         text NOT NULL,
  online_service_code    text,
  resolving_agency_code  text NOT NULL REFERENCES agencies,
  collecting_agency_code text NOT NULL REFERENCES agencies,
  beneficiary_account_id text NOT NULL REFERENCES beneficiary_accounts,
  collection_mode        text NOT NULL CHECK (collection_mode IN ('UPFRONT', 'AFTER')),
  parties                jsonb NOT NULL,
  pricing                jsonb NOT NULL,
  total                  bigint NOT NULL CHECK (total >= 0),
  currency               text NOT NULL CHECK (currency = 'VND'),
  status                 text NOT NULL CHECK (status IN
                           ('ISSUED', 'PAYING', 'PAID', 'PARTIALLY_REFUNDED', 'REFUNDED', 'WAIVED', 'SUPERSEDED', 'CANCELLED', 'EXPIRED')),
  issued_at              timestamptz NOT NULL,
  due_at                 timestamptz,
  expires_at             timestamptz NOT NULL,
  -- Last local day on which every rate and adjustment used is in force; null: open-ended.
  price_valid_to         date,
  paid_at                timestamptz,
  late_by_seconds        integer,
  cancel_reason          text,
  pay_code               text NOT NULL UNIQUE,
  pay_token              text NOT NULL UNIQUE,
  return_url             text,
  jws                    text NOT NULL,
  event_seq              integer NOT NULL DEFAULT 0,
  updated_at             timestamptz NOT NULL
);
-- One open invoice per (dossier, obligation set): two open demands for one debt would be paid twice (domain.md §6.2).
CREATE UNIQUE INDEX invoices_one_open ON invoices (tenant_id, dossier_code, obligation_key) WHERE status IN ('ISSUED', 'PAYING');
CREATE INDEX invoices_by_client ON invoices (client_id, id);
CREATE INDEX invoices_by_dossier ON invoices (tenant_id, dossier_code);
-- For the expiry watcher.
CREATE INDEX invoices_by_expiry ON invoices (expires_at) WHERE status IN ('ISSUED', 'PAYING');

CREATE TABLE invoice_items (
  invoice_id        text NOT NULL REFERENCES invoices,
  line_no           integer NOT NULL,
  rate_id           text,
  rate_version      integer,
  kind              text NOT NULL CHECK (kind IN ('PHI', 'LE_PHI', 'TAX', 'FINE', 'POSTAGE')),
  name_vi           text NOT NULL,
  quantity          integer NOT NULL CHECK (quantity > 0),
  unit_amount       bigint,
  gross             bigint NOT NULL CHECK (gross >= 0),
  adjustment_id     text,
  adjustment_version integer,
  reduction_amount  bigint NOT NULL CHECK (reduction_amount >= 0),
  net               bigint NOT NULL CHECK (net >= 0 AND net = gross - reduction_amount),
  economic_code     text,
  chapter_code      text,
  creditor_tax_code text NOT NULL,
  tax_obligation_id text,
  basis             jsonb NOT NULL,
  decision          jsonb,
  refund_rule       text NOT NULL,
  PRIMARY KEY (invoice_id, line_no)
);

CREATE TABLE payments (
  id                  text PRIMARY KEY,
  tenant_id           text NOT NULL REFERENCES tenants,
  invoice_id          text NOT NULL REFERENCES invoices,
  rail_account_id     text NOT NULL REFERENCES rail_accounts,
  merchant_ref        text NOT NULL,
  -- Names the request that opened it: a repeat finds this attempt, also when the first call died before its answer.
  attempt_key         text UNIQUE,
  amount              bigint NOT NULL CHECK (amount > 0),
  status              text NOT NULL CHECK (status IN ('CREATED', 'REDIRECTED', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
  -- What the rail said last, for people.
  status_reason       text,
  payer_ip            text,
  locale              text NOT NULL CHECK (locale IN ('vi', 'en')),
  sent                jsonb NOT NULL DEFAULT '{}',
  -- How the payer goes on (redirect, form, QR, one-time code): shown again when the page is opened again.
  instruction         jsonb,
  confirm_tries       integer NOT NULL DEFAULT 0,
  rail_transaction_id text,
  paid_at             timestamptz,
  created_at          timestamptz NOT NULL,
  expires_at          timestamptz NOT NULL,
  next_inquiry_at     timestamptz,
  inquiries           integer NOT NULL DEFAULT 0,
  inquiry_lease_until timestamptz,
  needs_human         boolean NOT NULL DEFAULT false,
  updated_at          timestamptz NOT NULL,
  -- Never two attempts under one reference at one rail account.
  UNIQUE (rail_account_id, merchant_ref)
);
CREATE INDEX payments_by_invoice ON payments (invoice_id);
-- For the inquiry watcher.
CREATE INDEX payments_due_inquiry ON payments (next_inquiry_at) WHERE next_inquiry_at IS NOT NULL;

-- Money -----------------------------------------------------------------------------------------------------------

CREATE TABLE settlements (
  id                  text PRIMARY KEY,
  tenant_id           text NOT NULL REFERENCES tenants,
  rail_account_id     text NOT NULL REFERENCES rail_accounts,
  rail_transaction_id text NOT NULL,
  direction           text NOT NULL CHECK (direction IN ('IN', 'OUT')),
  merchant_ref        text,
  invoice_id          text REFERENCES invoices,
  payment_id          text REFERENCES payments,
  disposition         text NOT NULL CHECK (disposition IN
                        ('APPLIED', 'OVERPAID', 'UNDERPAID', 'DUPLICATE', 'UNAPPLIED', 'ORPHAN', 'REVERSED')),
  rule                text NOT NULL,
  amount              bigint NOT NULL CHECK (amount > 0),
  paid_at             timestamptz NOT NULL,
  late_by_seconds     integer,
  source              text NOT NULL,
  evidence            jsonb NOT NULL,
  settled_at          timestamptz NOT NULL,
  -- I3: one rail transaction settles once.
  UNIQUE (rail_account_id, rail_transaction_id, direction)
);
-- I2: one applied success per invoice.
CREATE UNIQUE INDEX settlements_one_applied ON settlements (invoice_id) WHERE disposition IN ('APPLIED', 'OVERPAID');
CREATE INDEX settlements_by_invoice ON settlements (invoice_id);
CREATE INDEX settlements_by_time ON settlements (tenant_id, settled_at);

CREATE TABLE ledger_transactions (
  id            text PRIMARY KEY,
  tenant_id     text NOT NULL REFERENCES tenants,
  settlement_id text UNIQUE REFERENCES settlements,
  refund_id     text,
  kind          text NOT NULL,
  booked_at     timestamptz NOT NULL
);

-- Debits are positive, credits negative. Accounts are named by src/domain/postings.ts.
CREATE TABLE ledger_postings (
  transaction_id text NOT NULL REFERENCES ledger_transactions,
  line_no        integer NOT NULL,
  account        text NOT NULL,
  amount         bigint NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (transaction_id, line_no)
);
CREATE INDEX ledger_postings_by_account ON ledger_postings (account);

-- I1, held by the database: the postings of a transaction arrive in one statement and sum to zero.
CREATE FUNCTION ledger_postings_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  SELECT transaction_id INTO broken FROM inserted GROUP BY transaction_id HAVING sum(amount) <> 0 LIMIT 1;
  IF broken IS NOT NULL THEN
    RAISE EXCEPTION 'ledger transaction % does not sum to zero', broken USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_postings_balance AFTER INSERT ON ledger_postings
  REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION ledger_postings_balance();

CREATE VIEW ledger_balances AS
  SELECT t.tenant_id, p.account, sum(p.amount)::bigint AS balance, count(*) AS postings
  FROM ledger_postings p JOIN ledger_transactions t ON t.id = p.transaction_id
  GROUP BY t.tenant_id, p.account;

CREATE TABLE refunds (
  id            text PRIMARY KEY,
  tenant_id     text NOT NULL REFERENCES tenants,
  settlement_id text NOT NULL REFERENCES settlements,
  invoice_id    text REFERENCES invoices,
  origin        text NOT NULL CHECK (origin IN ('DUPLICATE', 'OVERPAID', 'UNDERPAID', 'UNAPPLIED', 'ORPHAN', 'REVERSED', 'REQUEST')),
  amount        bigint NOT NULL CHECK (amount > 0),
  status        text NOT NULL CHECK (status IN ('REQUESTED', 'APPROVED', 'REJECTED', 'SENT', 'DONE', 'FAILED', 'UNKNOWN')),
  reason        text NOT NULL,
  requested_by  text NOT NULL,
  approved_by   text,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  CHECK (approved_by IS NULL OR approved_by <> requested_by)
);
CREATE INDEX refunds_by_settlement ON refunds (settlement_id);
CREATE INDEX refunds_open ON refunds (tenant_id, created_at) WHERE status NOT IN ('DONE', 'REJECTED');

-- One legal receipt per creditor and kind (domain.md §7.3); issued by the receipt module.
CREATE TABLE receipts (
  id                text PRIMARY KEY,
  tenant_id         text NOT NULL REFERENCES tenants,
  invoice_id        text NOT NULL REFERENCES invoices,
  settlement_id     text NOT NULL REFERENCES settlements,
  creditor_tax_code text NOT NULL,
  kind              text NOT NULL,
  amount            bigint NOT NULL CHECK (amount > 0),
  status            text NOT NULL CHECK (status IN ('REQUESTED', 'ISSUED', 'REPORTED', 'ADJUSTED', 'REPLACED')),
  requested_at      timestamptz NOT NULL,
  UNIQUE (invoice_id, creditor_tax_code, kind)
);
CREATE INDEX receipts_requested ON receipts (requested_at) WHERE status = 'REQUESTED';

-- Evidence: every request that reached a bank's door, as received.
CREATE TABLE callbacks (
  id              text PRIMARY KEY,
  tenant_id       text NOT NULL REFERENCES tenants,
  rail_account_id text NOT NULL REFERENCES rail_accounts,
  received_at     timestamptz NOT NULL,
  request_id      text NOT NULL,
  remote_address  text NOT NULL,
  method          text NOT NULL,
  path            text NOT NULL,
  query           text NOT NULL,
  headers         jsonb NOT NULL,
  body            bytea NOT NULL,
  verdict         text NOT NULL,
  detail          text NOT NULL,
  settlement_id   text REFERENCES settlements,
  reply_status    integer NOT NULL,
  reply_body      text NOT NULL
);
CREATE INDEX callbacks_by_account ON callbacks (rail_account_id, received_at);
CREATE INDEX callbacks_by_settlement ON callbacks (settlement_id) WHERE settlement_id IS NOT NULL;

-- Telling the dossier systems -------------------------------------------------------------------------------------

CREATE TABLE webhook_endpoints (
  id                   text PRIMARY KEY,
  tenant_id            text NOT NULL REFERENCES tenants,
  client_id            text NOT NULL REFERENCES clients,
  url                  text NOT NULL,
  -- Newest first: [{ secret, expiresAt? }]; all unexpired ones sign.
  secrets              jsonb NOT NULL,
  status               text NOT NULL CHECK (status IN ('ACTIVE', 'PAUSED', 'DELETED')),
  paused_reason        text,
  consecutive_failures integer NOT NULL DEFAULT 0,
  failing_since        timestamptz,
  created_at           timestamptz NOT NULL,
  updated_at           timestamptz NOT NULL
);
CREATE INDEX webhook_endpoints_by_client ON webhook_endpoints (client_id) WHERE status <> 'DELETED';

CREATE TABLE events (
  id          text PRIMARY KEY,
  tenant_id   text NOT NULL REFERENCES tenants,
  client_id   text NOT NULL REFERENCES clients,
  type        text NOT NULL,
  invoice_id  text REFERENCES invoices,
  invoice_seq integer,
  -- The exact bytes that are signed and sent.
  body        text NOT NULL,
  created_at  timestamptz NOT NULL,
  -- Place in the client's feed, given after commit by one sequencer, so that a reader never skips an event that commits late.
  position    bigint,
  UNIQUE (invoice_id, invoice_seq)
);
CREATE UNIQUE INDEX events_feed ON events (client_id, position) WHERE position IS NOT NULL;
CREATE INDEX events_unplaced ON events (client_id, created_at) WHERE position IS NULL;
CREATE SEQUENCE event_position_sequence;

CREATE TABLE deliveries (
  id               text PRIMARY KEY,
  tenant_id        text NOT NULL REFERENCES tenants,
  event_id         text NOT NULL REFERENCES events,
  endpoint_id      text NOT NULL REFERENCES webhook_endpoints,
  invoice_id       text,
  invoice_seq      integer,
  status           text NOT NULL CHECK (status IN ('PENDING', 'DELIVERED', 'DEAD')),
  attempts         integer NOT NULL DEFAULT 0,
  next_attempt_at  timestamptz NOT NULL,
  give_up_at       timestamptz NOT NULL,
  lease_until      timestamptz,
  last_status      integer,
  last_error       text,
  delivered_at     timestamptz,
  created_at       timestamptz NOT NULL,
  UNIQUE (event_id, endpoint_id)
);
-- For the dispatcher's claim, endpoint by endpoint so that a slow one holds up nobody else.
CREATE INDEX deliveries_due ON deliveries (endpoint_id, next_attempt_at) WHERE status = 'PENDING';
-- For order per invoice: is an earlier one still pending?
CREATE INDEX deliveries_pending_by_invoice ON deliveries (endpoint_id, invoice_id, invoice_seq) WHERE status = 'PENDING';

-- Repeats ---------------------------------------------------------------------------------------------------------

CREATE TABLE idempotency_keys (
  client_id   text NOT NULL REFERENCES clients,
  key         text NOT NULL,
  fingerprint bytea NOT NULL,
  status      integer NOT NULL,
  headers     jsonb NOT NULL,
  body        text NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (client_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- What happened, append-only --------------------------------------------------------------------------------------

CREATE TABLE journal_entries (
  seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  at        timestamptz NOT NULL,
  kind      text NOT NULL,
  subject   text NOT NULL,
  actor     text NOT NULL,
  -- The exact text whose SHA-256 leaf (RFC 6962) is beside it.
  body      text NOT NULL,
  leaf      bytea NOT NULL
);
CREATE INDEX journal_entries_by_subject ON journal_entries (subject, seq);

GRANT USAGE ON SCHEMA public TO feegate_service;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO feegate_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO feegate_service;
REVOKE UPDATE ON settlements, ledger_transactions, ledger_postings, journal_entries, invoice_items, callbacks, catalogue_releases
  FROM feegate_service;
GRANT DELETE ON client_assertions, idempotency_keys TO feegate_service;
