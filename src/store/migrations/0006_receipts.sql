-- Legal receipts (domain.md §7.3, §11 R1–R5): who issues for whom, numbers, what is issued, the daily summary.

-- How a collecting agency issues. No row: in its own name, numbered here.
CREATE TABLE receipt_issuers (
  agency_code text PRIMARY KEY REFERENCES agencies,
  tenant_id   text NOT NULL REFERENCES tenants,
  mode        text NOT NULL CHECK (mode IN ('OWN', 'DELEGATED')),
  -- The two letters of its symbol; null: the first that are free.
  letters     text CHECK (letters ~ '^[ABCDEGHKLMNPQRSTUVXY]{2}$'),
  -- { kind: 'built-in' } or { kind: 'http', … } (src/receipt/provider.ts); may hold secrets.
  provider    jsonb NOT NULL,
  updated_at  timestamptz NOT NULL
);

-- Another organisation issues in the collector's name, inside a range and a time (Decree 254/2026 art. 4(6), 25).
CREATE TABLE receipt_delegations (
  id               text PRIMARY KEY,
  tenant_id        text NOT NULL REFERENCES tenants,
  agency_code      text NOT NULL REFERENCES agencies,
  agent_name       text NOT NULL,
  agent_tax_code   text NOT NULL,
  agent_address    text NOT NULL,
  agreement_number text NOT NULL,
  agreement_date   date NOT NULL,
  notified_on      date NOT NULL,
  valid_from       date NOT NULL,
  valid_to         date NOT NULL CHECK (valid_to >= valid_from),
  template         text NOT NULL CHECK (template ~ '^EBL0[12]$'),
  symbol           text NOT NULL CHECK (symbol ~ '^\d{2}T[ABCDEGHKLMNPQRSTUVXY]{2}$'),
  first_number     integer NOT NULL CHECK (first_number >= 1),
  last_number      integer NOT NULL CHECK (last_number BETWEEN first_number AND 99999999),
  created_at       timestamptz NOT NULL,
  -- The tax office hears of it at least three days before.
  CHECK (notified_on <= valid_from - 3)
);
CREATE INDEX receipt_delegations_by_agency ON receipt_delegations (agency_code, valid_from);

-- The counter: its row is locked by the transaction that issues, so a number exists exactly when its receipt does.
CREATE TABLE receipt_series (
  id                text PRIMARY KEY,
  tenant_id         text NOT NULL REFERENCES tenants,
  agency_code       text NOT NULL REFERENCES agencies,
  creditor_tax_code text NOT NULL,
  template          text NOT NULL,
  symbol            text NOT NULL,
  year              integer NOT NULL,
  delegation_id     text UNIQUE REFERENCES receipt_delegations,
  first_number      integer NOT NULL,
  last_number       integer NOT NULL,
  -- Last number given; first_number - 1 when none is.
  used_number       integer NOT NULL,
  -- When it was given: a later number never carries an earlier time, whatever the clocks of replicas say.
  used_at           timestamptz,
  CHECK (used_number BETWEEN first_number - 1 AND last_number),
  UNIQUE (tenant_id, creditor_tax_code, template, symbol, first_number)
);
CREATE UNIQUE INDEX receipt_series_own ON receipt_series (agency_code, creditor_tax_code, template, year) WHERE delegation_id IS NULL;

CREATE TABLE receipt_summaries (
  id                text PRIMARY KEY,
  tenant_id         text NOT NULL REFERENCES tenants,
  creditor_tax_code text NOT NULL,
  collector_name    text NOT NULL,
  business_date     date NOT NULL,
  -- 1 is the day's own; later ones carry what was issued after it.
  part              integer NOT NULL CHECK (part >= 1),
  supplements_id    text REFERENCES receipt_summaries,
  receipts          integer NOT NULL CHECK (receipts > 0),
  amount            bigint NOT NULL,
  made_at           timestamptz NOT NULL,
  CHECK ((part = 1) = (supplements_id IS NULL)),
  UNIQUE (tenant_id, creditor_tax_code, business_date, part)
);

ALTER TABLE receipts DROP CONSTRAINT receipts_invoice_id_creditor_tax_code_kind_key;
ALTER TABLE receipts DROP CONSTRAINT receipts_amount_check;
ALTER TABLE receipts
  -- Set on a receipt that changes another one: by how much, or in its place.
  ADD COLUMN relation           text CHECK (relation IN ('ADJUSTS', 'REPLACES')),
  ADD COLUMN relates_to_id      text REFERENCES receipts,
  ADD COLUMN refund_id          text REFERENCES refunds,
  ADD COLUMN reason             text,
  -- A correction's own payer name; null: as on the invoice.
  ADD COLUMN payer_name         text,
  ADD COLUMN template           text,
  ADD COLUMN symbol             text,
  ADD COLUMN number             integer,
  ADD COLUMN series_id          text REFERENCES receipt_series,
  ADD COLUMN issued_at          timestamptz,
  -- Local day of issued_at.
  ADD COLUMN issued_on          date,
  ADD COLUMN fee_name           text,
  ADD COLUMN collector_name     text,
  ADD COLUMN jws                text,
  ADD COLUMN provider_reference text,
  ADD COLUMN provider_url       text,
  ADD COLUMN tries              integer NOT NULL DEFAULT 0,
  ADD COLUMN next_try_at        timestamptz,
  ADD COLUMN last_error         text,
  -- The alarm already raised for its lateness.
  ADD COLUMN alarm              text CHECK (alarm IN ('WAITING', 'DAY_MISSED')),
  ADD COLUMN summary_id         text REFERENCES receipt_summaries,
  ADD CHECK (amount > 0 OR (relation = 'ADJUSTS' AND amount < 0)),
  ADD CHECK ((relation IS NULL) = (relates_to_id IS NULL)),
  ADD CHECK (num_nulls(template, symbol, number, issued_at, issued_on, fee_name, collector_name, jws)
             = CASE WHEN status = 'REQUESTED' THEN 8 ELSE 0 END);
-- One receipt per creditor and kind; what adjusts it comes beside it.
CREATE UNIQUE INDEX receipts_original ON receipts (invoice_id, creditor_tax_code, kind) WHERE relation IS NULL;
CREATE UNIQUE INDEX receipts_by_number ON receipts (tenant_id, creditor_tax_code, template, symbol, number) WHERE number IS NOT NULL;
-- A refund adjusts a receipt once, a receipt is replaced once.
CREATE UNIQUE INDEX receipts_by_refund ON receipts (relates_to_id, refund_id) WHERE refund_id IS NOT NULL;
CREATE UNIQUE INDEX receipts_by_replaced ON receipts (relates_to_id) WHERE relation = 'REPLACES';
CREATE INDEX receipts_by_relation ON receipts (relates_to_id) WHERE relates_to_id IS NOT NULL;
CREATE INDEX receipts_by_invoice ON receipts (invoice_id);
CREATE INDEX receipts_by_day ON receipts (tenant_id, issued_on, id) WHERE issued_on IS NOT NULL;
CREATE INDEX receipts_unreported ON receipts (issued_on) WHERE summary_id IS NULL AND number IS NOT NULL;

-- What a payer holds in hand cannot change behind their back.
CREATE FUNCTION receipts_keep_what_is_issued() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.number IS NOT NULL
     AND (NEW.template, NEW.symbol, NEW.number, NEW.issued_at, NEW.jws, NEW.amount, NEW.kind, NEW.invoice_id, NEW.creditor_tax_code)
         IS DISTINCT FROM
         (OLD.template, OLD.symbol, OLD.number, OLD.issued_at, OLD.jws, OLD.amount, OLD.kind, OLD.invoice_id, OLD.creditor_tax_code) THEN
    RAISE EXCEPTION 'receipt % is issued: it can be adjusted or replaced, never changed', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER receipts_keep_what_is_issued BEFORE UPDATE ON receipts FOR EACH ROW EXECUTE FUNCTION receipts_keep_what_is_issued();

-- Form 01/TH-BLĐT as it was made: the receipts may change afterwards, the summary does not.
CREATE TABLE receipt_summary_lines (
  summary_id        text NOT NULL REFERENCES receipt_summaries,
  line_no           integer NOT NULL,
  receipt_id        text NOT NULL UNIQUE REFERENCES receipts,
  template          text NOT NULL,
  symbol            text NOT NULL,
  number            integer NOT NULL,
  issued_on         date NOT NULL,
  fee_name          text NOT NULL,
  amount            bigint NOT NULL,
  status            text NOT NULL CHECK (status IN ('NEW', 'ADJUSTS', 'REPLACES')),
  related_template  text,
  related_symbol    text,
  related_number    integer,
  PRIMARY KEY (summary_id, line_no)
);

GRANT SELECT, INSERT, UPDATE ON receipt_issuers, receipt_delegations, receipt_series TO feegate_service;
GRANT SELECT, INSERT ON receipt_summaries, receipt_summary_lines TO feegate_service;

-- What refunds take off receipts: written by the refund's commit, worked off by the receipt watcher.
CREATE TABLE IF NOT EXISTS receipt_adjustments (
  id           text PRIMARY KEY,
  tenant_id    text NOT NULL REFERENCES tenants,
  receipt_id   text NOT NULL REFERENCES receipts,
  refund_id    text NOT NULL REFERENCES refunds,
  -- Taken off the receipt, whole VND.
  amount       bigint NOT NULL CHECK (amount > 0),
  status       text NOT NULL CHECK (status IN ('REQUESTED', 'DONE')),
  requested_at timestamptz NOT NULL,
  UNIQUE (receipt_id, refund_id)
);
CREATE INDEX IF NOT EXISTS receipt_adjustments_requested ON receipt_adjustments (requested_at) WHERE status = 'REQUESTED';
GRANT SELECT, INSERT, UPDATE ON receipt_adjustments TO feegate_service;

-- Officers have Idempotency-Keys of their own, and are no clients.
ALTER TABLE idempotency_keys DROP CONSTRAINT IF EXISTS idempotency_keys_client_id_fkey;
