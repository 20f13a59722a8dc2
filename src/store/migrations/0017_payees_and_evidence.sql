-- Accounts that refunds are paid to are sealed like other secrets (docs/personal-data.md): `payee` keeps the bank alone. The gateway
-- seals rows of an earlier version when it starts, in batches; nothing here waits for it.
ALTER TABLE refunds
  ADD COLUMN master_key_id text,
  ADD COLUMN data_key bytea,
  ADD COLUMN sealed jsonb,
  -- Set by the retention watcher: who was paid is known to the bank alone from then on.
  ADD COLUMN payee_erased_at timestamptz,
  ADD CONSTRAINT refunds_sealed_whole CHECK (
    (master_key_id IS NULL) = (data_key IS NULL) AND (data_key IS NULL) = (sealed IS NULL)),
  ADD CONSTRAINT refunds_nothing_plain_beside_sealed CHECK (
    data_key IS NULL OR (payee IS NOT NULL AND NOT payee ? 'accountNumber' AND NOT payee ? 'accountName' AND payee_erased_at IS NULL));
CREATE INDEX refunds_by_master_key ON refunds (master_key_id) WHERE master_key_id IS NOT NULL;
CREATE INDEX refunds_plain_payee ON refunds (id) WHERE payee ? 'accountNumber';
-- For the retention watcher: ended refunds whose payee is still there.
CREATE INDEX refunds_payee_due ON refunds (updated_at) WHERE data_key IS NOT NULL AND status IN ('DONE', 'REJECTED');

-- What banks sent, byte for byte, is evidence for some years and personal data all the while. Then only its digest stays:
-- SHA-256 over method, LF, path, LF, query, LF and body, so that whoever still has the message can show that it is the one.
ALTER TABLE callbacks
  ADD COLUMN erased_at timestamptz,
  ADD COLUMN digest bytea CHECK (length(digest) = 32),
  ADD CONSTRAINT callbacks_erased_whole CHECK (
    (erased_at IS NULL) = (digest IS NULL)
    AND (erased_at IS NULL OR (body = '' AND query = '' AND headers = '{}' AND reply_body = '' AND remote_address = '')));

-- How far each kind has been erased: ids sort by time, so a round begins where the last one ended.
CREATE TABLE retention_places (
  kind  text PRIMARY KEY,
  -- The last id looked at.
  up_to text NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON retention_places TO feegate_service;

-- The service may not change evidence; this function may, in this one way, and never what is younger than a year by the database's
-- own clock. Returns how many rows it looked at: fewer than `most` means that there is nothing more to do now.
CREATE FUNCTION erase_callbacks(what text, cutoff timestamptz, at timestamptz, most integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  place text;
  last text;
  looked integer;
BEGIN
  -- It runs as the owner, past the policies: the system's own sessions only.
  IF current_setting('feegate.tenant', true) IS DISTINCT FROM '*' THEN
    RAISE EXCEPTION 'a tenant erases no evidence' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF what NOT IN ('CALLBACK', 'REFUSED_CALLBACK') THEN
    RAISE EXCEPTION 'no kind of callback: %', what USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO retention_places (kind, up_to) VALUES (what, '') ON CONFLICT DO NOTHING;
  -- One replica at a time; the others find nothing to do.
  SELECT up_to INTO place FROM retention_places WHERE kind = what FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN 0; END IF;
  WITH due AS (
    SELECT id FROM callbacks WHERE id > place AND received_at < least(cutoff, now() - interval '365 days') ORDER BY id LIMIT most
  ), erased AS (
    UPDATE callbacks c
       SET digest = sha256(convert_to(c.method || E'\n' || c.path || E'\n' || c.query || E'\n', 'UTF8') || c.body),
           body = '', query = '', headers = '{}', reply_body = '', remote_address = '', erased_at = at
      FROM due WHERE c.id = due.id AND c.erased_at IS NULL AND (c.verdict LIKE 'refused:%') = (what = 'REFUSED_CALLBACK')
  )
  SELECT count(*), max(id) INTO looked, last FROM due;
  IF looked > 0 THEN UPDATE retention_places SET up_to = last WHERE kind = what; END IF;
  RETURN looked;
END $$;
REVOKE EXECUTE ON FUNCTION erase_callbacks(text, timestamptz, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_callbacks(text, timestamptz, timestamptz, integer) TO feegate_service;

-- The system's own.
SELECT hold_to_tenant('retention_places', 'false');
SELECT hold_all_to_tenant();
