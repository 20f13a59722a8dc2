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

-- Reports (domain.md §9.7, §10) ---------------------------------------------------------------------------------------
-- Views give the rows; src/http/finance/reports names, groups and bounds them. Money always comes from the ledger's postings,
-- so that a report and the books cannot differ.

CREATE FUNCTION local_day(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;

-- Mondays to Fridays after the first day, up to and with the second.
CREATE FUNCTION business_days_between(first_day date, last_day date) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (SELECT count(*)::integer FROM generate_series(first_day + 1, last_day, interval '1 day') AS day WHERE extract(isodow FROM day) < 6);

-- statements.md §6.
CREATE FUNCTION age_bucket(business_days integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN business_days <= 1 THEN '0-1' WHEN business_days <= 3 THEN '2-3' WHEN business_days <= 7 THEN '4-7'
              WHEN business_days <= 30 THEN '8-30' ELSE '>30' END;

-- How the money of a fee goes on to the Treasury (Law on fees, art. 14): the cycle its rule sets. The row without a code is for
-- all other codes of the agency; no row: daily.
CREATE TABLE remittance_rules (
  tenant_id        text NOT NULL REFERENCES tenants,
  agency_code      text NOT NULL REFERENCES agencies,
  economic_code    text,
  cycle            text NOT NULL CHECK (cycle IN ('DAILY', 'WEEKLY', 'MONTHLY')),
  -- Where it goes, for people; empty when the agency keeps all of it.
  treasury_account text NOT NULL,
  updated_at       timestamptz NOT NULL,
  UNIQUE NULLS NOT DISTINCT (agency_code, economic_code)
);
GRANT SELECT, INSERT, UPDATE ON remittance_rules TO feegate_service;

CREATE INDEX ledger_transactions_by_time ON ledger_transactions (tenant_id, booked_at);

-- What the books say was collected, line by line: above zero when it came, below when it was taken back or given back.
-- Its sum is the sum of all `collected:` and `reopened:` accounts with the sign turned.
CREATE VIEW report_collected AS
  SELECT t.tenant_id, t.id AS transaction_id, t.kind, t.booked_at, s.id AS settlement_id, s.invoice_id, s.rail_account_id, s.source, s.paid_at,
         split_part(p.account, ':', 2) AS beneficiary_account_id, split_part(p.account, ':', 3) AS economic_code, -p.amount AS amount
    FROM ledger_transactions t
    JOIN ledger_postings p ON p.transaction_id = t.id AND p.account LIKE 'collected:%'
    LEFT JOIN refunds f ON f.id = t.refund_id
    JOIN settlements s ON s.id = coalesce(t.settlement_id, f.settlement_id)
  UNION ALL
  -- A reversal opens the debt again as one sum; its shares are those of the success it takes back.
  SELECT t.tenant_id, t.id, t.kind, t.booked_at, r.id, r.invoice_id, r.rail_account_id, r.source, r.paid_at,
         split_part(q.account, ':', 2), split_part(q.account, ':', 3), q.amount
    FROM ledger_transactions t
    JOIN settlements r ON r.id = t.settlement_id AND r.disposition = 'REVERSED'
    JOIN settlements o ON o.rail_account_id = r.rail_account_id AND o.rail_transaction_id = r.rail_transaction_id AND o.direction = 'IN'
    JOIN ledger_transactions u ON u.settlement_id = o.id
    JOIN ledger_postings q ON q.transaction_id = u.id AND q.account LIKE 'collected:%';

-- Money nobody has explained yet: what rails took that pays no invoice, until its refund case is over. One row per item, with
-- the day it came. Breaks of reconciliation join here: UNION ALL with their own `source`.
CREATE VIEW report_unexplained AS
  SELECT f.tenant_id, 'REFUND_CASE' AS source, f.id, f.origin AS kind, s.rail_account_id, f.invoice_id, f.amount, local_day(f.created_at) AS since
    FROM refunds f JOIN settlements s ON s.id = f.settlement_id
   WHERE f.status NOT IN ('DONE', 'REJECTED') AND f.origin IN ('DUPLICATE', 'OVERPAID', 'UNDERPAID', 'UNAPPLIED', 'ORPHAN');

-- What rails say they keep. It comes with the settlement rows of reconciliation (migration 0005); a database without them has none.
DO $$ BEGIN
  IF to_regclass('settlement_rows') IS NULL THEN
    CREATE VIEW report_rail_fees AS
      SELECT NULL::text AS tenant_id, NULL::text AS rail_account_id, NULL::timestamptz AS occurred_at, NULL::text AS status, NULL::bigint AS gross,
             NULL::bigint AS fee, NULL::bigint AS net WHERE false;
  ELSE
    CREATE VIEW report_rail_fees AS
      SELECT tenant_id, rail_account_id, occurred_at, status, gross, fee, net FROM settlement_rows
       WHERE withdrawn_at IS NULL AND status IN ('SUCCEEDED', 'REVERSED');
  END IF;
END $$;

-- Things that move no more by themselves. One row each; `since` is when it stopped.
CREATE VIEW report_stuck AS
  SELECT p.tenant_id, 'PAYMENT' AS kind, p.id, p.invoice_id, p.amount, p.updated_at AS since, coalesce(p.status_reason, '') AS detail
    FROM payments p WHERE p.needs_human AND p.status IN ('CREATED', 'REDIRECTED', 'UNKNOWN')
  UNION ALL
  SELECT d.tenant_id, 'DELIVERY', d.id, d.invoice_id, NULL, d.give_up_at, coalesce(d.last_error, '') FROM deliveries d WHERE d.status = 'DEAD'
  UNION ALL
  SELECT r.tenant_id, 'RECEIPT', r.id, r.invoice_id, r.amount, r.requested_at, coalesce(r.last_error, '')
    FROM receipts r WHERE r.status = 'REQUESTED' AND r.alarm IS NOT NULL
  UNION ALL
  SELECT f.tenant_id, 'REFUND', f.id, f.invoice_id, f.amount, f.updated_at, f.status FROM refunds f WHERE f.status IN ('FAILED', 'UNKNOWN');

-- The first time a dossier system took "paid", for each paid invoice.
CREATE VIEW report_acknowledgements AS
  SELECT e.tenant_id, e.invoice_id, e.created_at AS booked_at, s.paid_at, count(d.id) > 0 AS pushed, min(d.delivered_at) AS acknowledged_at
    FROM events e
    JOIN settlements s ON s.invoice_id = e.invoice_id AND s.disposition IN ('APPLIED', 'OVERPAID')
    LEFT JOIN deliveries d ON d.event_id = e.id
   WHERE e.type = 'invoice.paid'
   GROUP BY e.id, s.paid_at;
CREATE INDEX events_paid ON events (tenant_id, created_at) WHERE type = 'invoice.paid';

-- What exemptions and reductions took off, line by line, on the day the invoice was paid or nothing was owed.
CREATE VIEW report_waived AS
  SELECT i.tenant_id, i.id AS invoice_id, i.collecting_agency_code, i.procedure_code, t.line_no, t.adjustment_id, t.adjustment_version,
         t.gross, t.reduction_amount, t.net, coalesce(s.settled_at, i.issued_at) AS at
    FROM invoice_items t
    JOIN invoices i ON i.id = t.invoice_id
    LEFT JOIN settlements s ON s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID')
   WHERE t.reduction_amount > 0 AND (i.status = 'WAIVED' OR s.id IS NOT NULL);
CREATE INDEX invoices_waived ON invoices (tenant_id, issued_at) WHERE status = 'WAIVED';

-- The province's single point (domain.md §3 row 32): every transaction of every agency in one order that never changes. Places are
-- given after the commit, so that a reader never passes one that commits late (docs/decisions/004).
CREATE TABLE transaction_feed (
  position      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id     text NOT NULL REFERENCES tenants,
  settlement_id text NOT NULL UNIQUE REFERENCES settlements,
  settled_at    timestamptz NOT NULL
);
CREATE INDEX transaction_feed_by_tenant ON transaction_feed (tenant_id, position);
CREATE INDEX transaction_feed_by_time ON transaction_feed (tenant_id, settled_at);

CREATE VIEW report_transactions AS
  SELECT s.tenant_id, s.id AS settlement_id, s.direction, s.disposition, s.amount, s.paid_at, s.settled_at, s.late_by_seconds, s.rail_transaction_id,
         s.merchant_ref, s.source, c.id AS rail_account_id, c.rail, s.invoice_id, i.dossier_code, i.procedure_code,
         coalesce(i.collecting_agency_code, b.agency_code) AS agency_code, a.name_vi AS agency_name, i.resolving_agency_code
    FROM settlements s
    JOIN rail_accounts c ON c.id = s.rail_account_id
    JOIN beneficiary_accounts b ON b.id = c.beneficiary_account_id
    LEFT JOIN invoices i ON i.id = s.invoice_id
    JOIN agencies a ON a.code = coalesce(i.collecting_agency_code, b.agency_code);

-- Files written for the province, one per day.
CREATE TABLE transaction_exports (
  tenant_id     text NOT NULL REFERENCES tenants,
  business_date date NOT NULL,
  file_name     text NOT NULL,
  rows          bigint NOT NULL,
  sha256        text NOT NULL,
  made_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, business_date)
);

GRANT SELECT ON report_collected, report_rail_fees, report_unexplained, report_stuck, report_acknowledgements, report_waived, report_transactions TO feegate_service;
GRANT SELECT, INSERT ON transaction_feed, transaction_exports TO feegate_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO feegate_service;
