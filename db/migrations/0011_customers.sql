-- Customers: persons and companies, how they are reached, found, merged and segmented.

-- migrate:up
-- The three-letter pieces of a folded text. Embedded servers have no contrib extension.
CREATE FUNCTION trigrams(given text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr(padded, at, 3)), '{}')
    FROM (SELECT ' ' || given || ' ' AS padded) AS p,
         generate_series(1, length(given)) AS at
$$;

CREATE TABLE households (
    id         uuid PRIMARY KEY,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE customers (
    id                   uuid PRIMARY KEY,
    kind                 text        NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'company')),
    first_name           text        NOT NULL DEFAULT '',
    last_name            text        NOT NULL DEFAULT '',
    email                text,
    phone                text,                               -- E.164, as all numbers here
    mobile               text,
    dni                  text,                               -- DNI or NIE, compact
    birth_date           date,
    address_line1        text,
    address_line2        text,
    city                 text,
    province             text,
    postal_code          text,
    country              text        NOT NULL DEFAULT 'ES' CHECK (country ~ '^[A-Z]{2}$'),
    company_name         text,
    tax_id               text,                               -- CIF, compact
    iban                 text,
    locale               text        NOT NULL DEFAULT 'es' CHECK (locale IN ('es', 'en', 'ca')),
    status               text        NOT NULL DEFAULT 'active'
                         CHECK (status IN ('lead', 'active', 'inactive', 'merged', 'deleted')),
    segment              text,
    lead_source          text,
    tags                 text[]      NOT NULL DEFAULT '{}',
    notes                text,
    metadata             jsonb       NOT NULL DEFAULT '{}',
    household_id         uuid REFERENCES households (id),
    portfolio_manager_id uuid REFERENCES agents (id),
    user_id              uuid UNIQUE REFERENCES users (id),  -- as whom the customer signs in
    merged_into          uuid REFERENCES customers (id),
    sort_key             text        NOT NULL,
    search_text          text        NOT NULL,               -- folded: names, numbers, addresses
    grams                text[]      GENERATED ALWAYS AS (trigrams(search_text)) STORED,
    version              integer     NOT NULL DEFAULT 1,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    created_by           uuid,
    updated_by           uuid,
    erased_at            timestamptz,
    CONSTRAINT customers_email_check
        CHECK (email ~* '^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$'),
    CONSTRAINT customers_named CHECK (erased_at IS NOT NULL OR CASE kind
        WHEN 'person' THEN first_name <> '' AND last_name <> ''
        ELSE company_name <> '' END),
    CHECK ((status = 'merged') = (merged_into IS NOT NULL))
);
CREATE UNIQUE INDEX idx_customers_email ON customers (lower(email))
    WHERE status NOT IN ('merged', 'deleted');
CREATE UNIQUE INDEX idx_customers_dni ON customers (dni) WHERE status NOT IN ('merged', 'deleted');
CREATE UNIQUE INDEX customers_tax_id ON customers (tax_id)
    WHERE status NOT IN ('merged', 'deleted');
CREATE INDEX idx_customers_phone ON customers (phone);
CREATE INDEX idx_customers_status ON customers (status, created_at DESC, id DESC);
CREATE INDEX idx_customers_created ON customers (created_at DESC, id DESC);
CREATE INDEX customers_grams ON customers USING gin (grams) WITH (fastupdate = off);
CREATE INDEX customers_tags ON customers USING gin (tags);
CREATE INDEX customers_name ON customers (sort_key text_pattern_ops, id);
CREATE INDEX customers_manager ON customers (portfolio_manager_id);
CREATE INDEX customers_household ON customers (household_id) WHERE household_id IS NOT NULL;

-- Every number and mail address that a customer is known by, the main ones of `customers` too.
CREATE TABLE customer_ways (
    customer_id uuid    NOT NULL REFERENCES customers (id),
    kind        text    NOT NULL CHECK (kind IN ('phone', 'email')),
    address     text    NOT NULL,
    label       text    NOT NULL DEFAULT '',
    further     boolean NOT NULL DEFAULT false,              -- not one of the row's own columns
    PRIMARY KEY (customer_id, kind, address)
);
CREATE INDEX customer_ways_address ON customer_ways (kind, address);

-- Further postal addresses; the main one is in `customers`.
CREATE TABLE customer_addresses (
    id            uuid PRIMARY KEY,
    customer_id   uuid NOT NULL REFERENCES customers (id),
    label         text NOT NULL,
    address_line1 text NOT NULL,
    address_line2 text,
    city          text,
    province      text,
    postal_code   text,
    country       text NOT NULL DEFAULT 'ES'
);
CREATE INDEX customer_addresses_customer ON customer_addresses (customer_id);

CREATE TABLE customer_merges (
    id        uuid PRIMARY KEY,
    winner_id uuid        NOT NULL REFERENCES customers (id),
    loser_id  uuid        NOT NULL REFERENCES customers (id),
    moved     jsonb       NOT NULL,                          -- what came over: kind → keys
    status    text        NOT NULL,                          -- the loser's, before
    merged_at timestamptz NOT NULL,
    merged_by text        NOT NULL,
    undone_at timestamptz
);
CREATE INDEX customer_merges_winner ON customer_merges (winner_id);
CREATE UNIQUE INDEX customer_merges_loser ON customer_merges (loser_id) WHERE undone_at IS NULL;

-- The first rule whose conditions all hold names the segment.
CREATE TABLE segment_rules (
    segment    text PRIMARY KEY CHECK (segment ~ '^[a-z][a-z0-9_]{1,39}$'),
    ordinal    integer NOT NULL UNIQUE,
    conditions jsonb   NOT NULL                              -- fact → {min, max, is}
);
INSERT INTO segment_rules (segment, ordinal, conditions) VALUES
    ('fleet', 10, '{"kind": {"is": "company"}, "vehicles": {"min": 3}}'),
    ('business', 20, '{"kind": {"is": "company"}}'),
    ('vip', 30, '{"annual_premium": {"min": "3000"}}'),
    ('loyal', 40, '{"policies": {"min": 2}, "years": {"min": 5}}'),
    ('at_risk', 50, '{"policies": {"min": 1}, "unpaid_receipts": {"min": 1}}'),
    ('family', 60, '{"policies": {"min": 2}}'),
    ('standard', 70, '{"policies": {"min": 1}}'),
    ('lapsed', 80, '{"past_policies": {"min": 1}}'),
    ('lead', 90, '{}');

-- migrate:down
DROP TABLE segment_rules;
DROP TABLE customer_merges;
DROP TABLE customer_addresses;
DROP TABLE customer_ways;
DROP TABLE customers;
DROP TABLE households;
DROP FUNCTION trigrams;
