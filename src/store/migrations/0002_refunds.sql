-- Giving money back (domain.md §7.6): states and rules are in src/domain/refund.ts and src/domain/refund-rules.ts.

-- One order to a bank or a Treasury: what an agency pays out of one account in one go.
CREATE TABLE payout_orders (
  id                     text PRIMARY KEY,
  tenant_id              text NOT NULL REFERENCES tenants,
  channel                text NOT NULL CHECK (channel IN ('AGENCY_PAYOUT', 'TREASURY_ORDER')),
  beneficiary_account_id text NOT NULL REFERENCES beneficiary_accounts,
  created_by             text NOT NULL,
  created_at             timestamptz NOT NULL
);
CREATE INDEX payout_orders_by_tenant ON payout_orders (tenant_id, id);

ALTER TABLE refunds
  ADD COLUMN channel             text CHECK (channel IN ('RAIL_REVERSAL', 'AGENCY_PAYOUT', 'TREASURY_ORDER')),
  -- Invoice lines the money was collected for: [{ lineNo, amount }]; empty for money that paid nothing.
  ADD COLUMN items               jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN legal_basis         text,
  ADD COLUMN note                text,
  -- The payment that made this one the second of the same debt.
  ADD COLUMN other_payment       text,
  -- { accountNumber, accountName, bankBin }: where a payout goes.
  ADD COLUMN payee               jsonb,
  ADD COLUMN approved_at         timestamptz,
  ADD COLUMN rejected_by         text,
  ADD COLUMN rejected_at         timestamptz,
  -- Our reference of the sending, the same at every call about it; a fresh approval of a failed refund makes a fresh one.
  ADD COLUMN rail_reference      text UNIQUE,
  ADD COLUMN rail_refund_id      text,
  -- What the rail said last, for people.
  ADD COLUMN rail_detail         text,
  ADD COLUMN next_send_at        timestamptz,
  ADD COLUMN lease_until         timestamptz,
  ADD COLUMN sent_at             timestamptz,
  ADD COLUMN next_inquiry_at     timestamptz,
  ADD COLUMN inquiries           integer NOT NULL DEFAULT 0,
  ADD COLUMN needs_human         boolean NOT NULL DEFAULT false,
  ADD COLUMN payout_order_id     text REFERENCES payout_orders,
  -- What an officer says became of it; counts once another officer confirms.
  ADD COLUMN result              text CHECK (result IN ('DONE', 'FAILED')),
  ADD COLUMN result_reference    text,
  ADD COLUMN result_at           timestamptz,
  ADD COLUMN result_note         text,
  ADD COLUMN result_by           text,
  ADD COLUMN result_confirmed_by text,
  ADD COLUMN done_at             timestamptz,
  -- Steps taken so far: the next one's number in refund_steps.
  ADD COLUMN steps               integer NOT NULL DEFAULT 0,
  -- Four eyes (domain.md §7.6): who asks does not decide, who reports does not confirm.
  ADD CONSTRAINT refunds_rejected_by_another CHECK (rejected_by IS NULL OR rejected_by <> requested_by),
  ADD CONSTRAINT refunds_confirmed_by_another
    CHECK (result_confirmed_by IS NULL OR (result_by IS NOT NULL AND result_confirmed_by <> result_by)),
  -- A case the gateway opened is asked for by a person before another may approve it.
  ADD CONSTRAINT refunds_approved_whole CHECK (
    status IN ('REQUESTED', 'REJECTED')
    OR (approved_by IS NOT NULL AND requested_by <> 'feegate' AND origin <> 'REVERSED' AND channel IS NOT NULL AND legal_basis IS NOT NULL
        AND (channel = 'RAIL_REVERSAL' OR payee IS NOT NULL))),
  ADD CONSTRAINT refunds_sent_under_reference CHECK (
    status NOT IN ('SENT', 'UNKNOWN', 'DONE')
    OR (rail_reference IS NOT NULL AND sent_at IS NOT NULL AND (channel = 'RAIL_REVERSAL' OR payout_order_id IS NOT NULL))),
  -- No rail tells of a payout: two officers do.
  ADD CONSTRAINT refunds_done_by_word CHECK (
    status <> 'DONE' OR (done_at IS NOT NULL AND (channel = 'RAIL_REVERSAL' OR result_confirmed_by IS NOT NULL)));

-- A rail that answers for a payment and not for a refund must never be asked about two refunds of one payment at a time.
CREATE UNIQUE INDEX refunds_one_under_way ON refunds (settlement_id) WHERE channel = 'RAIL_REVERSAL' AND status IN ('SENT', 'UNKNOWN');
CREATE INDEX refunds_by_tenant ON refunds (tenant_id, id);
CREATE INDEX refunds_by_invoice ON refunds (invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX refunds_by_payout_order ON refunds (payout_order_id) WHERE payout_order_id IS NOT NULL;
-- For the watchers: what to send, what to ask about, what a dead process left.
CREATE INDEX refunds_due_sending ON refunds (next_send_at) WHERE status = 'APPROVED' AND channel = 'RAIL_REVERSAL';
CREATE INDEX refunds_due_inquiry ON refunds (next_inquiry_at) WHERE next_inquiry_at IS NOT NULL;
CREATE INDEX refunds_leased ON refunds (lease_until) WHERE status = 'SENT' AND channel = 'RAIL_REVERSAL';

-- Every step of every refund, append-only.
CREATE TABLE refund_steps (
  refund_id   text NOT NULL REFERENCES refunds,
  seq         integer NOT NULL,
  tenant_id   text NOT NULL REFERENCES tenants,
  at          timestamptz NOT NULL,
  event       text NOT NULL,
  from_status text,
  to_status   text NOT NULL,
  -- A client id, an officer's subject, or `feegate`.
  actor       text NOT NULL,
  facts       jsonb NOT NULL,
  PRIMARY KEY (refund_id, seq)
);

-- Receipts are adjusted, never deleted (domain.md §7.3): the receipt module works these off.
CREATE TABLE receipt_adjustments (
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
CREATE INDEX receipt_adjustments_requested ON receipt_adjustments (requested_at) WHERE status = 'REQUESTED';

-- A refund is booked once.
ALTER TABLE ledger_transactions ADD FOREIGN KEY (refund_id) REFERENCES refunds;
CREATE UNIQUE INDEX ledger_transactions_one_per_refund ON ledger_transactions (refund_id) WHERE refund_id IS NOT NULL;

-- The service may not change settlements, and PostgreSQL lends row locks only to those who may: this locks and does nothing else.
CREATE FUNCTION lock_settlement(settlement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM settlements WHERE id = settlement FOR UPDATE;
END $$;

-- I8, held by the database: refunds never exceed what was paid. What failed or was rejected holds nothing. The lock makes
-- parallel requests for one payment wait for one another.
CREATE FUNCTION refunds_within_paid() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE paid bigint; held bigint;
BEGIN
  IF NEW.status IN ('REJECTED', 'FAILED') THEN RETURN NULL; END IF;
  PERFORM lock_settlement(NEW.settlement_id);
  SELECT s.amount INTO paid FROM settlements s WHERE s.id = NEW.settlement_id;
  SELECT sum(amount) INTO held FROM refunds WHERE settlement_id = NEW.settlement_id AND status NOT IN ('REJECTED', 'FAILED');
  IF held > paid THEN
    RAISE EXCEPTION 'refunds of settlement % exceed what was paid', NEW.settlement_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refunds_within_paid_new AFTER INSERT ON refunds FOR EACH ROW EXECUTE FUNCTION refunds_within_paid();
-- Only when it comes to hold more than before.
CREATE TRIGGER refunds_within_paid_more AFTER UPDATE OF amount, status ON refunds FOR EACH ROW
  WHEN (NEW.amount > OLD.amount OR (OLD.status IN ('REJECTED', 'FAILED') AND NEW.status NOT IN ('REJECTED', 'FAILED')))
  EXECUTE FUNCTION refunds_within_paid();

-- Officers repeat their requests as portals do: `client_id` is a client's id, or `officer:<tenant>:<subject>`.
ALTER TABLE idempotency_keys DROP CONSTRAINT IF EXISTS idempotency_keys_client_id_fkey;

GRANT SELECT, INSERT ON payout_orders, refund_steps TO feegate_service;
GRANT SELECT, INSERT, UPDATE ON receipt_adjustments TO feegate_service;
