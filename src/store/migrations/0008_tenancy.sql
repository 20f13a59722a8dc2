-- Row-level security (docs/decisions/031): a session of the service sees and writes the rows of the tenant it names in
-- `feegate.tenant`, or all of them as '*' (the gateway's own work). A session that names nobody sees nothing. The owner, who
-- migrates and loads directories, is not held.

ALTER TABLE tenants ADD CHECK (id NOT IN ('', '*'));

-- Answers kept for repeats belong to a tenant: the one whose transaction keeps them. No reference: an officer's issuer may name a
-- tenant that no directory has loaded yet, and the refusal is kept like any other.
ALTER TABLE idempotency_keys ADD COLUMN tenant_id text DEFAULT nullif(current_setting('feegate.tenant', true), '*');
UPDATE idempotency_keys k SET tenant_id = c.tenant_id FROM clients c WHERE c.id = k.client_id;
UPDATE idempotency_keys k SET tenant_id = t.id FROM tenants t WHERE k.client_id LIKE 'officer:%' AND split_part(k.client_id, ':', 2) = t.id;
-- What belongs to nobody any more is never asked for again.
DELETE FROM idempotency_keys WHERE tenant_id IS NULL;
ALTER TABLE idempotency_keys ALTER COLUMN tenant_id SET NOT NULL;

-- `visible` says which rows belong to the named tenant. The sub-selects are evaluated once per statement; the system's sessions
-- never reach `visible`.
CREATE FUNCTION hold_to_tenant(held regclass, visible text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', held);
  EXECUTE format('DROP POLICY IF EXISTS tenant ON %s', held);
  EXECUTE format($policy$CREATE POLICY tenant ON %s TO feegate_service
                   USING ((SELECT current_setting('feegate.tenant', true)) = '*' OR %s)$policy$, held, visible);
END $$;
REVOKE EXECUTE ON FUNCTION hold_to_tenant(regclass, text) FROM PUBLIC;

-- Every table and view there is; a later migration calls this again at its end. Views read as their caller: as their owner they
-- would see the rows of all.
CREATE FUNCTION hold_all_to_tenant() RETURNS void LANGUAGE plpgsql AS $$
DECLARE one regclass;
BEGIN
  FOR one IN
    SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
  LOOP
    PERFORM hold_to_tenant(one, $visible$tenant_id = (SELECT current_setting('feegate.tenant', true))$visible$);
  END LOOP;
  FOR one IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' ORDER BY relname LOOP
    EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', one);
  END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION hold_all_to_tenant() FROM PUBLIC;

SELECT hold_all_to_tenant();

SELECT hold_to_tenant('tenants', $$id = (SELECT current_setting('feegate.tenant', true))$$);
-- What hangs from a row is seen with it: the parent's own policy holds inside the sub-select.
SELECT hold_to_tenant('client_keys', 'EXISTS (SELECT FROM clients c WHERE c.id = client_id)');
SELECT hold_to_tenant('invoice_items', 'EXISTS (SELECT FROM invoices i WHERE i.id = invoice_id)');
SELECT hold_to_tenant('ledger_postings', 'EXISTS (SELECT FROM ledger_transactions t WHERE t.id = transaction_id)');
SELECT hold_to_tenant('receipt_summary_lines', 'EXISTS (SELECT FROM receipt_summaries s WHERE s.id = summary_id)');
-- Used before a tenant is known, and by nobody else.
SELECT hold_to_tenant('client_assertions', 'false');
