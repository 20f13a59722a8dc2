-- What a rail's messages call each of our accounts at it (adapters/contract.ts, `receivers`). One name, one account: a message that is
-- true for two of them would be counted twice. Loading a directory writes them; a load that would share one is refused.
CREATE TABLE rail_receivers (
  rail            text NOT NULL,
  name            text NOT NULL,
  rail_account_id text NOT NULL REFERENCES rail_accounts,
  tenant_id       text NOT NULL REFERENCES tenants,
  PRIMARY KEY (rail, name)
);
CREATE INDEX rail_receivers_by_account ON rail_receivers (rail_account_id);
GRANT SELECT, INSERT, DELETE ON rail_receivers TO feegate_service;

SELECT hold_all_to_tenant();
