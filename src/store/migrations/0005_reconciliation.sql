-- Reconciliation: files of banks and rails, what each of their lines is explained by, and the days that are closed on it.

-- An officer is no client: his Idempotency-Keys are kept under `officer:<tenant>:<subject>`.
ALTER TABLE idempotency_keys DROP CONSTRAINT IF EXISTS idempotency_keys_client_id_fkey;

-- Bank holidays ---------------------------------------------------------------------------------------------------

-- Days on which banks do not book, besides Saturday and Sunday; loaded from the year's decree, never computed.
CREATE TABLE bank_holidays (
  day  date PRIMARY KEY,
  name text NOT NULL
);

-- How files are read and judged -------------------------------------------------------------------------------------

-- One row per version: a file that was read yesterday can be explained by the mapping of yesterday.
CREATE TABLE statement_sources (
  id              text PRIMARY KEY,
  tenant_id       text NOT NULL REFERENCES tenants,
  name            text NOT NULL,
  version         integer NOT NULL CHECK (version > 0),
  kind            text NOT NULL CHECK (kind IN ('STATEMENT', 'SETTLEMENT')),
  -- Names of files of the watched folder that are of this source, as a glob.
  file_pattern    text,
  format          text CHECK (format IN ('mt940', 'camt', 'csv', 'xlsx')),
  mapping         jsonb,
  layout          text,
  rail_account_id text REFERENCES rail_accounts,
  created_by      text NOT NULL,
  created_at      timestamptz NOT NULL,
  UNIQUE (tenant_id, name, version),
  CHECK ((kind = 'SETTLEMENT') = (layout IS NOT NULL AND rail_account_id IS NOT NULL))
);

-- What was agreed with a rail. Read as of the day of the payment.
CREATE TABLE rail_terms (
  tenant_id       text NOT NULL REFERENCES tenants,
  rail_account_id text NOT NULL REFERENCES rail_accounts,
  valid_from      date NOT NULL,
  -- 3: the rail sends settlement files, and a payment is explained only when both rail and bank show it.
  legs            integer NOT NULL CHECK (legs IN (2, 3)),
  -- Agreed fee: flat + parts per million of gross, rounded half up; null: no fee is agreed and none is checked.
  fee_flat        bigint CHECK (fee_flat >= 0),
  fee_ppm         bigint CHECK (fee_ppm >= 0),
  fee_tolerance   bigint NOT NULL DEFAULT 0 CHECK (fee_tolerance >= 0),
  created_by      text NOT NULL,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (rail_account_id, valid_from)
);

-- Movements that are no fee payments and need no officer: sweeps to the Treasury, bank charges, interest.
CREATE TABLE expected_movements (
  id                     text PRIMARY KEY,
  tenant_id              text NOT NULL REFERENCES tenants,
  beneficiary_account_id text NOT NULL REFERENCES beneficiary_accounts,
  title                  text NOT NULL,
  direction              text NOT NULL CHECK (direction IN ('CREDIT', 'DEBIT')),
  counterparty_account   text,
  -- Compared after folding.
  text_contains          text,
  created_by             text NOT NULL,
  created_at             timestamptz NOT NULL,
  CHECK (counterparty_account IS NOT NULL OR text_contains IS NOT NULL)
);

-- Files and lines -----------------------------------------------------------------------------------------------------

CREATE TABLE statement_files (
  id            text PRIMARY KEY,
  tenant_id     text NOT NULL REFERENCES tenants,
  kind          text NOT NULL CHECK (kind IN ('STATEMENT', 'SETTLEMENT')),
  sha256        text NOT NULL,
  name          text NOT NULL,
  bytes         bigint NOT NULL,
  format        text,
  source_id     text REFERENCES statement_sources,
  origin        text NOT NULL CHECK (origin IN ('UPLOAD', 'FOLDER', 'COMMAND', 'BANK')),
  status        text NOT NULL CHECK (status IN ('LOADING', 'IMPORTED', 'REFUSED', 'SUPERSEDED')),
  -- Why it was refused, with line numbers.
  refusal       jsonb,
  read_lines    bigint NOT NULL DEFAULT 0,
  booked_lines  bigint NOT NULL DEFAULT 0,
  -- Lines that another statement had brought before: counted, not booked.
  known_lines   bigint NOT NULL DEFAULT 0,
  supersedes_id text REFERENCES statement_files,
  received_by   text NOT NULL,
  received_at   timestamptz NOT NULL,
  finished_at   timestamptz,
  -- The run that took its lines up; null: the next one will.
  run_id        bigint
);
-- The same bytes are taken once; a refused file may come again when what it lacked is there.
CREATE UNIQUE INDEX statement_files_once ON statement_files (tenant_id, sha256) WHERE status <> 'REFUSED';
CREATE INDEX statement_files_by_tenant ON statement_files (tenant_id, id);
CREATE INDEX statement_files_waiting ON statement_files (tenant_id) WHERE status = 'IMPORTED' AND run_id IS NULL;

CREATE TABLE statements (
  id                     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id              text NOT NULL REFERENCES tenants,
  file_id                text NOT NULL REFERENCES statement_files,
  beneficiary_account_id text NOT NULL REFERENCES beneficiary_accounts,
  -- statements.md §4: account + id/sequence + period.
  identity               text NOT NULL,
  status                 text NOT NULL CHECK (status IN ('CURRENT', 'SUPERSEDED')),
  format                 text NOT NULL,
  version                text,
  ordinal                integer NOT NULL,
  account                text NOT NULL,
  currency               text,
  statement_ref          text,
  message_ref            text,
  sequence               text,
  period_from            date,
  period_to              date,
  opening                numeric,
  closing                numeric,
  entries                bigint NOT NULL,
  credits                numeric NOT NULL,
  debits                 numeric NOT NULL,
  -- Of those, listed and not booked by the bank yet.
  not_booked             bigint NOT NULL,
  known_lines            bigint NOT NULL DEFAULT 0,
  warnings               jsonb NOT NULL
);
CREATE UNIQUE INDEX statements_once ON statements (tenant_id, identity) WHERE status = 'CURRENT';
CREATE INDEX statements_by_file ON statements (file_id);
-- For the chain of balances.
CREATE INDEX statements_by_account ON statements (beneficiary_account_id, period_to) WHERE status = 'CURRENT';

CREATE TABLE statement_lines (
  id                     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id              text NOT NULL,
  statement_id           bigint NOT NULL,
  -- Lowest id of those that name the same bank account.
  beneficiary_account_id text NOT NULL,
  ordinal                integer NOT NULL,
  -- Payment inside a booking of several; 0: the booking itself.
  detail                 integer NOT NULL,
  file_line              bigint NOT NULL,
  booked_on              date NOT NULL,
  value_on               date,
  direction              text NOT NULL CHECK (direction IN ('CREDIT', 'DEBIT')),
  reversal               boolean NOT NULL,
  status                 text NOT NULL CHECK (status IN ('BOOK', 'PDNG', 'INFO')),
  amount                 numeric NOT NULL,
  currency               text,
  -- Null when it is not whole VND.
  amount_vnd             bigint,
  bank_reference         text COLLATE "C",
  -- Every other structured reference.
  refs                   text[],
  -- Pay codes with a right check character, in structured references and in text.
  ref_codes              text[],
  text_codes             text[],
  -- Words of the text that could be a reference of ours.
  words                  text[],
  remittance             text NOT NULL,
  -- Null when the bank's own line breaks make no difference.
  remittance_raw         text,
  counterparty_name      text,
  counterparty_account   text,
  type_code              text,
  raw                    text NOT NULL,
  line_key               uuid NOT NULL,
  equal_no               integer NOT NULL,
  -- Set when a corrected file that an officer accepted no longer holds it.
  withdrawn_at           timestamptz
);
-- statements.md §4: the identity of a line. Pending lines are shown, and come again when they are booked.
CREATE UNIQUE INDEX statement_lines_once ON statement_lines (line_key, equal_no, tenant_id) WHERE status = 'BOOK' AND withdrawn_at IS NULL;
-- What a corrected file took back, for the next run.
CREATE INDEX statement_lines_withdrawn ON statement_lines (tenant_id) WHERE withdrawn_at IS NOT NULL;
CREATE INDEX statement_lines_by_statement ON statement_lines (statement_id, ordinal, detail);

CREATE TABLE settlement_rows (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id           text NOT NULL,
  file_id             text NOT NULL,
  rail_account_id     text NOT NULL,
  file_line           bigint NOT NULL,
  rail_transaction_id text COLLATE "C" NOT NULL,
  merchant_ref        text COLLATE "C",
  gross               bigint NOT NULL CHECK (gross > 0),
  fee                 bigint NOT NULL CHECK (fee >= 0),
  net                 bigint NOT NULL,
  occurred_at         timestamptz NOT NULL,
  status              text NOT NULL CHECK (status IN ('SUCCEEDED', 'REVERSED', 'FAILED', 'PENDING')),
  batch_id            text,
  value_on            date,
  raw                 text NOT NULL,
  withdrawn_at        timestamptz
);
CREATE UNIQUE INDEX settlement_rows_once ON settlement_rows (rail_account_id, rail_transaction_id, status) WHERE withdrawn_at IS NULL;
CREATE INDEX settlement_rows_withdrawn ON settlement_rows (tenant_id) WHERE withdrawn_at IS NOT NULL;
CREATE INDEX settlement_rows_by_file ON settlement_rows (file_id);

-- Runs, and where each item stands --------------------------------------------------------------------------------------

CREATE TABLE reconciliation_rule_sets (
  version integer PRIMARY KEY,
  body    jsonb NOT NULL
);

CREATE TABLE reconciliation_runs (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id        text NOT NULL REFERENCES tenants,
  rule_set_version integer NOT NULL REFERENCES reconciliation_rule_sets,
  -- Local day it was run for: windows and ageing count from it.
  as_of            date NOT NULL,
  status           text NOT NULL CHECK (status IN ('RUNNING', 'DONE', 'FAILED')),
  actor            text NOT NULL,
  started_at       timestamptz NOT NULL,
  finished_at      timestamptz,
  figures          jsonb,
  error            text
);
CREATE INDEX reconciliation_runs_by_tenant ON reconciliation_runs (tenant_id, id);

CREATE TABLE breaks (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id        text NOT NULL REFERENCES tenants,
  rail_account_id  text NOT NULL REFERENCES rail_accounts,
  -- What it is about, so that each run finds the break of the run before.
  key              text NOT NULL,
  class            text NOT NULL,
  status           text NOT NULL CHECK (status IN ('OPEN', 'WAITING', 'RESOLVED', 'CLEARED')),
  -- Money in question, whole VND; in another currency only `statement_amount` tells.
  amount           bigint NOT NULL CHECK (amount >= 0),
  statement_amount numeric NOT NULL,
  payment_amount   bigint NOT NULL,
  rail_amount      bigint NOT NULL,
  items            integer NOT NULL,
  invoice_id       text REFERENCES invoices,
  owner            text,
  wait_until       date,
  -- Day the item belongs to: ageing counts from here.
  aged_from        date NOT NULL,
  -- Day in whose figures it stands, and the day that no longer has it.
  opened_on        date NOT NULL,
  closed_on        date,
  evidence         jsonb NOT NULL,
  created_at       timestamptz NOT NULL,
  updated_at       timestamptz NOT NULL,
  CHECK ((closed_on IS NULL) = (status IN ('OPEN', 'WAITING'))),
  CHECK ((wait_until IS NOT NULL) = (status = 'WAITING'))
);
CREATE UNIQUE INDEX breaks_one_open ON breaks (tenant_id, key) WHERE status IN ('OPEN', 'WAITING');
CREATE INDEX breaks_by_tenant ON breaks (tenant_id, id);
CREATE INDEX breaks_by_account ON breaks (rail_account_id, opened_on);

-- Where each statement line, payment, settlement row and refund stands, now and before. A row with a rule is (part of) a match,
-- a row with a break is not explained yet. A match of one line and one payment is one row; the rows of a larger one share `group_id`.
-- No foreign keys to the millions of items: I12 (src/reconciliation/invariant.ts) looks for what they would hold.
CREATE TABLE reconciliation_items (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id           bigint NOT NULL,
  group_id         bigint,
  break_id         bigint,
  line_id          bigint,
  row_id           bigint,
  counted_on       date NOT NULL,
  -- Day on which the line or payment first counted: set in the first row of each only.
  line_day         date,
  payment_day      date,
  ended_on         date,
  rule_set_version smallint,
  tenant_id        text NOT NULL,
  rail_account_id  text NOT NULL,
  rule             text,
  settlement_id    text COLLATE "C",
  refund_id        text,
  evidence         jsonb,
  CHECK (num_nonnulls(rule, break_id) = 1),
  CHECK ((rule IS NULL) = (rule_set_version IS NULL)),
  CHECK (num_nonnulls(line_id, settlement_id, row_id, refund_id) >= 1)
);
-- "In exactly one": never in two places at once. That nothing is in none is checked by I12.
CREATE UNIQUE INDEX reconciliation_items_line ON reconciliation_items (line_id) WHERE ended_on IS NULL AND line_id IS NOT NULL;
CREATE UNIQUE INDEX reconciliation_items_settlement ON reconciliation_items (settlement_id) WHERE ended_on IS NULL AND settlement_id IS NOT NULL;
CREATE UNIQUE INDEX reconciliation_items_row ON reconciliation_items (row_id) WHERE ended_on IS NULL AND row_id IS NOT NULL;
CREATE UNIQUE INDEX reconciliation_items_refund ON reconciliation_items (refund_id) WHERE ended_on IS NULL AND refund_id IS NOT NULL;
CREATE INDEX reconciliation_items_group ON reconciliation_items (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX reconciliation_items_break ON reconciliation_items (break_id) WHERE break_id IS NOT NULL;
-- Rows arrive in the order of days: a few bytes per hundred pages find a day's.
CREATE INDEX reconciliation_items_days ON reconciliation_items USING brin (counted_on);

CREATE TABLE break_history (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id text NOT NULL,
  break_id  bigint NOT NULL,
  at        timestamptz NOT NULL,
  actor     text NOT NULL,
  kind      text NOT NULL CHECK (kind IN ('OPENED', 'CLASS', 'OWNER', 'COMMENT', 'PROPOSED', 'APPROVED', 'REJECTED', 'WITHDRAWN', 'CLEARED')),
  text      text,
  facts     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX break_history_by_break ON break_history (break_id, id);

CREATE TABLE break_resolutions (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id   text NOT NULL REFERENCES tenants,
  break_id    bigint NOT NULL REFERENCES breaks,
  action      text NOT NULL,
  details     jsonb NOT NULL,
  reason      text NOT NULL CHECK (reason <> ''),
  status      text NOT NULL CHECK (status IN ('PROPOSED', 'APPROVED', 'REJECTED', 'WITHDRAWN')),
  proposed_by text NOT NULL,
  proposed_at timestamptz NOT NULL,
  decided_by  text,
  decided_at  timestamptz,
  outcome     jsonb,
  -- Four eyes.
  CHECK (status NOT IN ('APPROVED', 'REJECTED') OR (decided_by IS NOT NULL AND decided_by <> proposed_by))
);
CREATE UNIQUE INDEX break_resolutions_one_open ON break_resolutions (break_id) WHERE status = 'PROPOSED';
CREATE INDEX break_resolutions_by_break ON break_resolutions (break_id, id);

-- Closed days ---------------------------------------------------------------------------------------------------------

CREATE TABLE reconciliation_days (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id       text NOT NULL REFERENCES tenants,
  rail_account_id text NOT NULL REFERENCES rail_accounts,
  -- First day it covers: the day after the one closed before; then every day to `business_date`.
  from_date       date NOT NULL,
  business_date   date NOT NULL,
  status          text NOT NULL CHECK (status IN ('PROPOSED', 'CLOSED')),
  opening         bigint NOT NULL,
  entered         bigint NOT NULL,
  matched         bigint NOT NULL,
  resolved        bigint NOT NULL,
  closing         bigint NOT NULL,
  -- Sums by break class, statement side, counts: everything the day is explained by.
  figures         jsonb NOT NULL,
  -- Money of breaks without an explanation: null when there was none.
  unexplained     bigint,
  reason          text,
  proposed_by     text NOT NULL,
  proposed_at     timestamptz NOT NULL,
  approved_by     text,
  approved_at     timestamptz,
  CHECK (from_date <= business_date),
  CHECK (closing = opening + entered - matched - resolved),
  -- With unexplained money a day is closed by two people who say why.
  CHECK (approved_by IS NULL OR approved_by <> proposed_by),
  CHECK (status <> 'CLOSED' OR unexplained IS NULL OR (approved_by IS NOT NULL AND reason IS NOT NULL)),
  UNIQUE (rail_account_id, business_date)
);
CREATE UNIQUE INDEX reconciliation_days_one_proposed ON reconciliation_days (rail_account_id) WHERE status = 'PROPOSED';

-- A closed day never changes: not its row, not what it is made of. SECURITY DEFINER is not needed: everybody is held.
CREATE FUNCTION reconciliation_day_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status = 'CLOSED' THEN
    RAISE EXCEPTION 'day % of % is closed', OLD.business_date, OLD.rail_account_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER reconciliation_day_is_final BEFORE UPDATE OR DELETE ON reconciliation_days
  FOR EACH ROW EXECUTE FUNCTION reconciliation_day_is_final();

CREATE FUNCTION reconciliation_items_are_after_closed_days() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT c.rail_account_id INTO wrong
      FROM (SELECT rail_account_id, least(min(counted_on), min(line_day), min(payment_day)) AS earliest FROM added GROUP BY 1) c
      JOIN reconciliation_days d ON d.rail_account_id = c.rail_account_id AND d.status = 'CLOSED' AND d.business_date >= c.earliest LIMIT 1;
  ELSE
    SELECT a.rail_account_id INTO wrong
      FROM added a JOIN removed r ON r.id = a.id
      LEFT JOIN reconciliation_days d ON d.rail_account_id = a.rail_account_id AND d.status = 'CLOSED' AND d.business_date >= a.ended_on
     WHERE d.id IS NOT NULL OR r.ended_on IS NOT NULL LIMIT 1;
  END IF;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'a closed day of % would change', wrong USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER reconciliation_items_added AFTER INSERT ON reconciliation_items
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION reconciliation_items_are_after_closed_days();
CREATE TRIGGER reconciliation_items_ended AFTER UPDATE ON reconciliation_items
  REFERENCING NEW TABLE AS added OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION reconciliation_items_are_after_closed_days();

CREATE FUNCTION breaks_are_after_closed_days() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed date := CASE WHEN TG_OP = 'INSERT' THEN NEW.opened_on WHEN NEW.closed_on IS DISTINCT FROM OLD.closed_on THEN NEW.closed_on END;
BEGIN
  IF TG_OP = 'UPDATE' AND (OLD.closed_on IS NOT NULL AND NEW.closed_on IS DISTINCT FROM OLD.closed_on OR NEW.opened_on <> OLD.opened_on)
     OR EXISTS (SELECT 1 FROM reconciliation_days d WHERE d.rail_account_id = NEW.rail_account_id AND d.status = 'CLOSED' AND d.business_date >= changed) THEN
    RAISE EXCEPTION 'a closed day of % would change', NEW.rail_account_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER breaks_are_after_closed_days BEFORE INSERT OR UPDATE ON breaks
  FOR EACH ROW EXECUTE FUNCTION breaks_are_after_closed_days();

-- Few at any time: what dossier systems have not acknowledged.
CREATE INDEX deliveries_not_acknowledged ON deliveries (tenant_id) WHERE status <> 'DELIVERED';
-- A notice that comes after the statement told of the same money (src/settlement/weigh.ts).
CREATE INDEX settlements_told_by_statement ON settlements (rail_account_id, merchant_ref) WHERE source = 'STATEMENT';
-- For telling new payments from those that runs have placed already.
CREATE INDEX settlements_by_account_time ON settlements (rail_account_id, settled_at);

GRANT SELECT, INSERT ON bank_holidays, statement_sources, rail_terms, expected_movements, statement_files, statements, statement_lines,
  settlement_rows, reconciliation_rule_sets, reconciliation_runs, reconciliation_items, breaks, break_history, break_resolutions,
  reconciliation_days TO feegate_service;
GRANT DELETE ON bank_holidays TO feegate_service;
GRANT UPDATE ON statement_files, reconciliation_runs, breaks, break_resolutions, reconciliation_days TO feegate_service;
GRANT UPDATE (status, known_lines) ON statements TO feegate_service;
GRANT UPDATE (withdrawn_at, statement_id) ON statement_lines TO feegate_service;
GRANT UPDATE (withdrawn_at) ON settlement_rows TO feegate_service;
GRANT UPDATE (ended_on) ON reconciliation_items TO feegate_service;
GRANT DELETE ON reconciliation_days TO feegate_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO feegate_service;
