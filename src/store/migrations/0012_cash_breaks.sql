-- Cash between drawer and bank, and breaks among the money nobody has explained (docs/decisions/039, 040).

-- What one run matched, out of all that runs ever matched: its rows lie together.
CREATE INDEX reconciliation_items_runs ON reconciliation_items USING brin (run_id);

-- The rows of one batch, whenever they came.
CREATE INDEX settlement_rows_by_batch ON settlement_rows (rail_account_id, batch_id) WHERE batch_id IS NOT NULL;

-- What a closed shift hands over for one rail account: the sum of its standing collections. The slip of the deposit bears the code,
-- so that the bank's line can be told.
CREATE TABLE cash_handovers (
  id              text PRIMARY KEY,
  tenant_id       text NOT NULL REFERENCES tenants,
  shift_id        text NOT NULL REFERENCES counter_shifts,
  rail_account_id text NOT NULL REFERENCES rail_accounts,
  -- In the form of a pay code: found in references and texts by the same check character.
  code            text NOT NULL UNIQUE,
  amount          bigint NOT NULL CHECK (amount > 0),
  collections     integer NOT NULL CHECK (collections > 0),
  handed_over_at  timestamptz NOT NULL,
  UNIQUE (shift_id, rail_account_id)
);
CREATE INDEX cash_handovers_by_tenant ON cash_handovers (tenant_id, id);
GRANT SELECT, INSERT ON cash_handovers TO feegate_service;
-- Drawers that did not tally: few at any time.
CREATE INDEX counter_shifts_not_tallying ON counter_shifts (tenant_id) WHERE difference <> 0;

-- Business days within which cash handed over must be seen at the bank; null: as the rule set says.
ALTER TABLE rail_terms ADD COLUMN deposit_days integer CHECK (deposit_days BETWEEN 0 AND 60);

-- Money that a break is about, as long as it is open: what no refund case above names already. Duties (a message, a receipt, a
-- file, a count) and classes that clear themselves are not unexplained; test/domain/reconciliation/tables.test.ts holds the list
-- together with src/domain/reconciliation/breaks.ts.
CREATE OR REPLACE VIEW report_unexplained AS
  SELECT f.tenant_id, 'REFUND_CASE' AS source, f.id, f.origin AS kind, s.rail_account_id, f.invoice_id, f.amount, local_day(f.created_at) AS since
    FROM refunds f JOIN settlements s ON s.id = f.settlement_id
   WHERE f.status NOT IN ('DONE', 'REJECTED') AND f.origin IN ('DUPLICATE', 'OVERPAID', 'UNDERPAID', 'UNAPPLIED', 'ORPHAN')
  UNION ALL
  SELECT b.tenant_id, 'BREAK', b.id::text, b.class, b.rail_account_id, b.invoice_id, b.amount, b.aged_from
    FROM breaks b
   WHERE b.status IN ('OPEN', 'WAITING')
     AND b.class NOT IN ('CUT_OFF', 'CASH_ON_HAND', 'BALANCE_GAP', 'NOT_PUSHED', 'RECEIPT_MISSING', 'CASH_DIFFERENCE')
     AND NOT EXISTS (
       SELECT 1 FROM reconciliation_items i
         JOIN refunds f ON f.settlement_id = i.settlement_id AND f.status NOT IN ('DONE', 'REJECTED')
          AND f.origin IN ('DUPLICATE', 'OVERPAID', 'UNDERPAID', 'UNAPPLIED', 'ORPHAN')
        WHERE i.break_id = b.id AND i.ended_on IS NULL);

SELECT hold_all_to_tenant();
