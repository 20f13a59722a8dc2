-- Officers repeat their requests as portals do: the holder of a key is a client's id or `officer:<tenant>:<subject>`.
ALTER TABLE idempotency_keys DROP CONSTRAINT IF EXISTS idempotency_keys_client_id_fkey;

-- Bills at banks --------------------------------------------------------------------------------------------------

-- What a bank was told when it asked to take a payment back. The same message is told the same again, whatever has happened
-- in between: a bank that was told "too late" has not returned the money.
CREATE TABLE bill_reversals (
  id                      text PRIMARY KEY,
  tenant_id               text NOT NULL REFERENCES tenants,
  rail_account_id         text NOT NULL REFERENCES rail_accounts,
  reversal_id             text NOT NULL,
  original_transaction_id text NOT NULL,
  amount                  bigint NOT NULL CHECK (amount > 0),
  reason                  text NOT NULL,
  answer                  text NOT NULL CHECK (answer IN ('reversed', 'alreadyReversed', 'originalUnknown', 'tooLate')),
  rule                    text NOT NULL,
  -- The reversal on record.
  settlement_id           text REFERENCES settlements,
  -- The case a human decides when it was too late.
  refund_id               text REFERENCES refunds,
  received_at             timestamptz NOT NULL,
  UNIQUE (rail_account_id, reversal_id)
);

-- The counter -----------------------------------------------------------------------------------------------------

CREATE TABLE counter_shifts (
  id            text PRIMARY KEY,
  tenant_id     text NOT NULL REFERENCES tenants,
  -- Subject of the identity provider.
  operator      text NOT NULL,
  operator_name text NOT NULL,
  -- Where the clerk sits; any counter of the province may take money for any of its agencies (domain.md R10).
  unit_code     text NOT NULL REFERENCES agencies,
  status        text NOT NULL CHECK (status IN ('OPEN', 'CLOSED')),
  opened_at     timestamptz NOT NULL,
  -- Change money in the drawer at the beginning.
  opening_cash  bigint NOT NULL CHECK (opening_cash >= 0),
  closed_at     timestamptz,
  expected_cash bigint,
  counted_cash  bigint CHECK (counted_cash >= 0),
  difference    bigint,
  note          text,
  CHECK (CASE status
           WHEN 'OPEN' THEN closed_at IS NULL AND expected_cash IS NULL AND counted_cash IS NULL AND difference IS NULL
           -- A drawer that does not tally is told about in words.
           ELSE closed_at IS NOT NULL AND expected_cash IS NOT NULL AND counted_cash IS NOT NULL AND difference IS NOT NULL
                AND difference = counted_cash - expected_cash AND (difference = 0 OR note IS NOT NULL)
         END)
);
-- One drawer per clerk.
CREATE UNIQUE INDEX counter_shifts_one_open ON counter_shifts (tenant_id, operator) WHERE status = 'OPEN';
CREATE INDEX counter_shifts_by_tenant ON counter_shifts (tenant_id, id);

CREATE TABLE counter_collections (
  id              text PRIMARY KEY,
  tenant_id       text NOT NULL REFERENCES tenants,
  shift_id        text NOT NULL REFERENCES counter_shifts,
  -- Number of the slip within its shift, from 1 without gaps.
  slip_no         integer NOT NULL CHECK (slip_no > 0),
  invoice_id      text NOT NULL REFERENCES invoices,
  settlement_id   text NOT NULL UNIQUE REFERENCES settlements,
  rail_account_id text NOT NULL REFERENCES rail_accounts,
  amount          bigint NOT NULL CHECK (amount > 0),
  cash_given      bigint NOT NULL,
  change_given    bigint NOT NULL CHECK (change_given >= 0 AND change_given = cash_given - amount),
  collected_by    text NOT NULL,
  collected_at    timestamptz NOT NULL,
  UNIQUE (shift_id, slip_no)
);
CREATE INDEX counter_collections_by_invoice ON counter_collections (invoice_id);

-- Taking a collection back: an entry of its own, asked for by one clerk and approved by another. Nothing is ever deleted.
CREATE TABLE counter_corrections (
  id            text PRIMARY KEY,
  tenant_id     text NOT NULL REFERENCES tenants,
  collection_id text NOT NULL REFERENCES counter_collections,
  shift_id      text NOT NULL REFERENCES counter_shifts,
  amount        bigint NOT NULL CHECK (amount > 0),
  reason        text NOT NULL,
  status        text NOT NULL CHECK (status IN ('REQUESTED', 'APPROVED', 'REJECTED')),
  requested_by  text NOT NULL,
  requested_at  timestamptz NOT NULL,
  decided_by    text,
  decided_at    timestamptz,
  settlement_id text UNIQUE REFERENCES settlements,
  CHECK ((status = 'REQUESTED') = (decided_by IS NULL)),
  CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
  CHECK ((status = 'APPROVED') = (settlement_id IS NOT NULL)),
  -- Four eyes. Whoever asked may only withdraw.
  CHECK (status <> 'APPROVED' OR decided_by <> requested_by)
);
-- One open or approved correction per collection.
CREATE UNIQUE INDEX counter_corrections_one ON counter_corrections (collection_id) WHERE status <> 'REJECTED';
CREATE INDEX counter_corrections_by_shift ON counter_corrections (shift_id);

-- A closed shift and a decided correction are books: they are not written again.
CREATE FUNCTION counter_row_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% % is final', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER counter_shifts_final BEFORE UPDATE ON counter_shifts
  FOR EACH ROW WHEN (OLD.status = 'CLOSED') EXECUTE FUNCTION counter_row_is_final();
CREATE TRIGGER counter_corrections_final BEFORE UPDATE ON counter_corrections
  FOR EACH ROW WHEN (OLD.status <> 'REQUESTED') EXECUTE FUNCTION counter_row_is_final();

-- Receipt files of rails ------------------------------------------------------------------------------------------

-- A platform's own receipt of a payment (domain.md §8.1, GET_BILL), kept as it was given.
CREATE TABLE rail_receipt_files (
  payment_id   text PRIMARY KEY REFERENCES payments,
  tenant_id    text NOT NULL REFERENCES tenants,
  content_type text NOT NULL,
  content      bytea NOT NULL,
  fetched_at   timestamptz NOT NULL
);

-- Portals that send payers by a message set of their own -----------------------------------------------------------

CREATE TABLE portal_partners (
  id            text PRIMARY KEY,
  tenant_id     text NOT NULL REFERENCES tenants,
  name          text NOT NULL,
  -- Empty: every agency of the tenant.
  agency_codes  text[] NOT NULL DEFAULT '{}',
  -- Its secrets are sealed, as those of rail accounts (src/secrets/vault.ts).
  config        jsonb NOT NULL,
  master_key_id text,
  data_key      bytea,
  sealed        jsonb,
  status        text NOT NULL CHECK (status IN ('ACTIVE', 'PAUSED')),
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  CHECK ((master_key_id IS NULL) = (data_key IS NULL) AND (data_key IS NULL) = (sealed IS NULL))
);
CREATE INDEX portal_partners_by_master_key ON portal_partners (master_key_id);

-- A partner's reference for one of our invoices. It never makes a debt.
CREATE TABLE partner_orders (
  id          text PRIMARY KEY,
  tenant_id   text NOT NULL REFERENCES tenants,
  partner_id  text NOT NULL REFERENCES portal_partners,
  reference   text NOT NULL,
  invoice_id  text NOT NULL REFERENCES invoices,
  amount      bigint NOT NULL CHECK (amount > 0),
  -- The partner's time as sent: QUERY must repeat it.
  init_time   text NOT NULL,
  description text NOT NULL,
  -- SHA-256 of the signed values: the same reference with another content is refused.
  fingerprint bytea NOT NULL,
  created_at  timestamptz NOT NULL,
  UNIQUE (partner_id, reference)
);
CREATE INDEX partner_orders_by_invoice ON partner_orders (invoice_id, id);

-- The outbox of partners: the newest order of each partner is told once that its invoice is paid. Two orders for one debt are
-- two tries, and two successes would be two payments.
CREATE TABLE partner_results (
  order_id        text PRIMARY KEY REFERENCES partner_orders,
  event_id        text NOT NULL REFERENCES events,
  tenant_id       text NOT NULL REFERENCES tenants,
  partner_id      text NOT NULL REFERENCES portal_partners,
  status          text NOT NULL CHECK (status IN ('PENDING', 'DELIVERED', 'DEAD')),
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  give_up_at      timestamptz NOT NULL,
  lease_until     timestamptz,
  last_status     integer,
  last_error      text,
  delivered_at    timestamptz,
  created_at      timestamptz NOT NULL
);
CREATE INDEX partner_results_by_event ON partner_results (event_id);
CREATE INDEX partner_results_dead ON partner_results (tenant_id, order_id) WHERE status = 'DEAD';
CREATE INDEX partner_results_due ON partner_results (next_attempt_at) WHERE status = 'PENDING';

-- Evidence: what partners said and were answered. Signed fields only: the rest of their messages is personal data that
-- nothing here rests on.
CREATE TABLE partner_messages (
  id             text PRIMARY KEY,
  tenant_id      text NOT NULL REFERENCES tenants,
  partner_id     text NOT NULL REFERENCES portal_partners,
  received_at    timestamptz NOT NULL,
  request_id     text NOT NULL,
  remote_address text NOT NULL,
  operation      text NOT NULL,
  fields         jsonb NOT NULL,
  verdict        text NOT NULL,
  detail         text NOT NULL,
  order_id       text REFERENCES partner_orders,
  reply_status   integer NOT NULL
);
CREATE INDEX partner_messages_by_partner ON partner_messages (partner_id, received_at);

GRANT SELECT, INSERT ON bill_reversals, counter_shifts, counter_collections, counter_corrections, rail_receipt_files,
  portal_partners, partner_orders, partner_results, partner_messages TO feegate_service;
GRANT UPDATE ON counter_shifts, counter_corrections, portal_partners, partner_results TO feegate_service;
