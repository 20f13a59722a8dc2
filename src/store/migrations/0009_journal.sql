-- The journal that cannot be rewritten (docs/decisions/034): entries are sealed in batches after their commit, batches are chained,
-- each link of the chain is signed.

-- Entries that have no place yet. Filled with the entry itself, emptied by the sealer: what commits late is found all the same, and
-- nobody searches the whole journal for it.
CREATE TABLE journal_unsealed (
  seq bigint PRIMARY KEY
);
INSERT INTO journal_unsealed SELECT seq FROM journal_entries;

CREATE FUNCTION journal_wait_for_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO journal_unsealed SELECT seq FROM added;
  RETURN NULL;
END $$;
CREATE TRIGGER journal_wait_for_seal AFTER INSERT ON journal_entries
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION journal_wait_for_seal();

CREATE TABLE journal_batches (
  number    bigint PRIMARY KEY CHECK (number > 0),
  first_seq bigint NOT NULL,
  last_seq  bigint NOT NULL CHECK (last_seq >= first_seq),
  size      integer NOT NULL CHECK (size > 0),
  -- Leaf hashes in order, 32 bytes each: proofs are made from them, and a changed entry is named by them.
  leaves    bytea NOT NULL CHECK (length(leaves) = size * 32),
  root      bytea NOT NULL CHECK (length(root) = 32),
  -- Link of the batch before; null in the first.
  previous  bytea UNIQUE CHECK (length(previous) = 32),
  chain     bytea NOT NULL CHECK (length(chain) = 32),
  sealed_at timestamptz NOT NULL,
  CHECK ((number = 1) = (previous IS NULL))
);

CREATE TABLE journal_checkpoints (
  batch bigint NOT NULL REFERENCES journal_batches,
  kid   text NOT NULL,
  jws   text NOT NULL,
  PRIMARY KEY (batch, kid)
);

-- Which entry stands where: given once.
CREATE TABLE journal_places (
  seq      bigint PRIMARY KEY REFERENCES journal_entries,
  batch    bigint NOT NULL REFERENCES journal_batches,
  position integer NOT NULL CHECK (position >= 0),
  UNIQUE (batch, position)
);

-- Beside the grants: a right given by mistake, or another role of the database, rewrites nothing either. Only the owner of the table
-- passes, and what the owner changes is found by the chain.
CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
    RAISE EXCEPTION '% takes no % from %', TG_TABLE_NAME, TG_OP, current_user USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END $$;
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['journal_entries', 'journal_batches', 'journal_checkpoints', 'journal_places'] LOOP
    EXECUTE format('CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()', name);
  END LOOP;
END $$;

GRANT SELECT, INSERT ON journal_batches, journal_checkpoints, journal_places TO feegate_service;
GRANT SELECT, INSERT, DELETE ON journal_unsealed TO feegate_service;

SELECT hold_all_to_tenant();
