-- Routing (docs/routing.md) ---------------------------------------------------------------------------------------

-- What a tenant says about its rails: rules, calendars, closures. An entry is never changed: a load adds a version and withdraws
-- the one before, so that an old choice can be explained.
CREATE TABLE routing_entries (
  tenant_id    text NOT NULL REFERENCES tenants,
  kind         text NOT NULL CHECK (kind IN ('RULE', 'CALENDAR', 'CLOSURE')),
  id           text NOT NULL,
  version      integer NOT NULL CHECK (version > 0),
  body         jsonb NOT NULL,
  loaded_by    text NOT NULL,
  loaded_at    timestamptz NOT NULL,
  withdrawn_at timestamptz,
  PRIMARY KEY (tenant_id, kind, id, version)
);
CREATE UNIQUE INDEX routing_entries_current ON routing_entries (tenant_id, kind, id) WHERE withdrawn_at IS NULL;

GRANT SELECT, INSERT, UPDATE (withdrawn_at) ON routing_entries TO feegate_service;

-- Baskets: invoices paid in one visit (docs/decisions/018) ----------------------------------------------------------

CREATE TABLE baskets (
  id         text PRIMARY KEY,
  tenant_id  text NOT NULL REFERENCES tenants,
  client_id  text NOT NULL REFERENCES clients,
  -- What its invoices add up to, kept by src/settlement/baskets.ts under the basket's lock. PAID and CLOSED are final.
  status     text NOT NULL CHECK (status IN ('OPEN', 'PARTLY_PAID', 'PAID', 'CLOSED')),
  pay_token  text NOT NULL UNIQUE,
  return_url text,
  -- The payer's bank time of the last payment that was needed.
  paid_at    timestamptz CHECK ((paid_at IS NOT NULL) = (status = 'PAID')),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX baskets_by_client ON baskets (client_id, id);

CREATE TABLE basket_invoices (
  basket_id  text NOT NULL REFERENCES baskets,
  invoice_id text NOT NULL REFERENCES invoices,
  tenant_id  text NOT NULL REFERENCES tenants,
  -- Place on the page; a corrected invoice takes the place of the one it supersedes.
  line_no    integer NOT NULL CHECK (line_no > 0),
  PRIMARY KEY (basket_id, invoice_id)
);
-- For the door: which baskets does a change of these invoices concern?
CREATE INDEX basket_invoices_by_invoice ON basket_invoices (invoice_id);

GRANT SELECT, INSERT ON baskets, basket_invoices TO feegate_service;
GRANT UPDATE (status, paid_at, updated_at) ON baskets TO feegate_service;
