-- Policies as a broker keeps them: terms with their endorsements, roles, receipts, dated rates.

-- migrate:up
CREATE TABLE insurers (
    key              text PRIMARY KEY CHECK (key ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    dgs_code         text NOT NULL UNIQUE CHECK (dgs_code ~ '^[CLEM][0-9]{4}$'),
    name             text NOT NULL,
    claims_phone     text,
    assistance_phone text,
    retired          boolean NOT NULL DEFAULT false
);

CREATE TABLE holidays (                                      -- regional and local ones
    day   date PRIMARY KEY,
    name  text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('national', 'regional', 'local'))
);

CREATE SEQUENCE policy_references;
CREATE TABLE policies (
    id                    uuid PRIMARY KEY,
    reference             text          NOT NULL UNIQUE,     -- our own
    customer_id           uuid          NOT NULL REFERENCES customers (id),  -- the policyholder
    policy_number         text,                              -- the insurer's; null until issued
    policy_type           text          NOT NULL
                          CHECK (policy_type IN ('auto', 'home', 'life', 'health', 'business')),
    carrier               text          NOT NULL REFERENCES insurers (key),
    status                text          NOT NULL DEFAULT 'active'
                          CHECK (status IN ('proposal', 'pending', 'active', 'suspended', 'expired',
                                            'cancelled', 'replaced')),
    coverage_start_date   date          NOT NULL,            -- local, as the policy says
    coverage_start_time   time          NOT NULL DEFAULT '00:00',
    coverage_end_date     date          NOT NULL,            -- of the present term, exclusive
    coverage_end_time     time          NOT NULL DEFAULT '00:00',
    term_start_date       date          NOT NULL,            -- of the present term
    premium_amount        numeric(12,2) NOT NULL CHECK (premium_amount > 0),  -- a year's total
    premium_net           numeric(12,2) CHECK (premium_net >= 0),
    premium_frequency     text          NOT NULL DEFAULT 'annual'
                          CHECK (premium_frequency IN ('single', 'annual', 'semiannual',
                                                       'quarterly', 'monthly')),
    coverage_amount       numeric(14,2) CHECK (coverage_amount >= 0),
    currency              text          NOT NULL DEFAULT 'EUR',
    covers                text[]        NOT NULL DEFAULT '{}',  -- perils, in the insurer's words
    auto_renew            boolean       NOT NULL DEFAULT true,
    notice_months         smallint CHECK (notice_months BETWEEN 0 AND 12),  -- null: its own contract
    first_premium_agreed  boolean       NOT NULL DEFAULT false,  -- covered though it is unpaid
    distance_sale         boolean       NOT NULL DEFAULT false,
    cover_on_request      boolean       NOT NULL DEFAULT false,  -- began before withdrawal ended
    concluded_on          date,
    cancellation_reason   text,
    cancelled_at          timestamptz,                       -- when it takes effect
    cancelled_by          text CHECK (cancelled_by IN ('policyholder', 'insurer', 'both')),
    refund_estimate       numeric(12,2),
    replaced_by           uuid REFERENCES policies (id),
    vehicle_make          text,
    vehicle_model         text,
    vehicle_year          integer CHECK (vehicle_year BETWEEN 1885 AND 2200),
    vehicle_plate         text,
    vehicle_vin           text,
    property_address      text,
    property_type         text,
    property_value        numeric(14,2) CHECK (property_value >= 0),
    property_postal_code  text,
    policy_document_url   text,
    certificate_url       text,
    issued_by             uuid REFERENCES agents (id),       -- who of us arranged it
    metadata              jsonb         NOT NULL DEFAULT '{}',
    notes                 text,
    search_text           text          NOT NULL,
    grams                 text[]        GENERATED ALWAYS AS (trigrams(search_text)) STORED,
    version               integer       NOT NULL DEFAULT 1,
    created_at            timestamptz   NOT NULL,
    updated_at            timestamptz   NOT NULL,
    created_by            uuid,
    updated_by            uuid,
    UNIQUE (carrier, policy_number),
    CHECK ((coverage_start_date + coverage_start_time) < (coverage_end_date + coverage_end_time)),
    CHECK (status NOT IN ('active', 'suspended') OR policy_number IS NOT NULL),
    CHECK (status <> 'cancelled' OR cancelled_at IS NOT NULL),
    CHECK ((cancellation_reason IS NULL) OR cancelled_at IS NOT NULL)
);
CREATE INDEX idx_policies_customer ON policies (customer_id);
CREATE INDEX idx_policies_number ON policies (policy_number);
CREATE INDEX idx_policies_type ON policies (policy_type);
CREATE INDEX idx_policies_status ON policies (status);
CREATE INDEX idx_policies_dates ON policies (coverage_start_date, coverage_end_date);
CREATE INDEX policies_ends ON policies (coverage_end_date) WHERE status IN ('active', 'suspended');
CREATE INDEX policies_plate ON policies (vehicle_plate) WHERE vehicle_plate IS NOT NULL;
CREATE INDEX policies_created ON policies (created_at DESC, id DESC);
CREATE INDEX policies_grams ON policies USING gin (grams) WITH (fastupdate = off);

-- What was agreed, and since when we know it. A row is never changed: a correction is another row.
CREATE TABLE policy_versions (
    id           uuid PRIMARY KEY,
    policy_id    uuid        NOT NULL REFERENCES policies (id),
    number       integer     NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('issue', 'endorsement', 'renewal',
                                                      'cancellation', 'reinstatement')),
    effective_at timestamptz NOT NULL,
    known_at     timestamptz NOT NULL,
    changes      jsonb       NOT NULL,                       -- field → value
    reason       text        NOT NULL DEFAULT '',
    created_by   text        NOT NULL,
    UNIQUE (policy_id, number)
);
CREATE TRIGGER policy_versions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE policy_roles (
    id          uuid PRIMARY KEY,
    policy_id   uuid NOT NULL REFERENCES policies (id),
    role        text NOT NULL CHECK (role IN ('policyholder', 'insured', 'driver', 'owner',
                                              'beneficiary', 'mortgagee')),
    customer_id uuid REFERENCES customers (id),
    name        text,                                        -- of somebody without a file
    share       numeric(5,2) CHECK (share > 0 AND share <= 100),
    CHECK ((customer_id IS NULL) <> (name IS NULL))
);
CREATE INDEX policy_roles_policy ON policy_roles (policy_id);
CREATE INDEX policy_roles_customer ON policy_roles (customer_id) WHERE customer_id IS NOT NULL;
CREATE UNIQUE INDEX policy_roles_one_holder ON policy_roles (policy_id) WHERE role = 'policyholder';

CREATE TABLE policy_non_renewals (
    policy_id       uuid        NOT NULL REFERENCES policies (id),
    term_end        date        NOT NULL,
    by              text        NOT NULL CHECK (by IN ('policyholder', 'insurer')),
    received_on     date        NOT NULL,
    late            boolean     NOT NULL,                    -- after the last day of the law
    sent_on         date,                                    -- passed on to the other side
    acknowledged_on date,                                    -- from here it counts
    PRIMARY KEY (policy_id, term_end),
    CHECK (sent_on >= received_on),
    CHECK (acknowledged_on >= sent_on)
);

CREATE TABLE policy_moments (                                -- of policy.expiring_soon
    policy_id uuid        NOT NULL REFERENCES policies (id),
    term_end  date        NOT NULL,
    moment    text        NOT NULL CHECK (moment IN ('d75', 'd60', 'd45', 'last_days')),
    told_at   timestamptz NOT NULL,
    PRIMARY KEY (policy_id, term_end, moment)
);

CREATE TABLE receipts (
    id           uuid PRIMARY KEY,
    policy_id    uuid          NOT NULL REFERENCES policies (id),
    number       text          NOT NULL,
    kind         text          NOT NULL CHECK (kind IN ('new', 'renewal', 'endorsement', 'extorno')),
    first        boolean       NOT NULL DEFAULT false,       -- the first or single premium
    period_start date          NOT NULL,
    period_end   date          NOT NULL CHECK (period_end > period_start),
    due_on       date          NOT NULL,
    net          numeric(12,2) NOT NULL,
    total        numeric(12,2) NOT NULL,
    lines        jsonb         NOT NULL DEFAULT '[]',        -- as the insurer printed them
    currency     text          NOT NULL DEFAULT 'EUR',
    collected_by text          NOT NULL CHECK (collected_by IN ('insurer', 'broker')),
    state        text          NOT NULL DEFAULT 'issued'
                 CHECK (state IN ('issued', 'presented', 'collected', 'returned', 're_presented',
                                  'paid_at_broker', 'cancelled')),
    return_code  text CHECK (return_code ~ '^[A-Z]{2}[0-9]{2}$'),  -- ISO 20022, of SEPA
    returned_at  timestamptz,
    paid_at      timestamptz,
    claimed_at   timestamptz,                                -- the insurer claimed the premium
    settled_at   timestamptz,                                -- passed on to the insurer
    settlement   text,                                       -- the statement's reference
    commission   numeric(12,2),
    version      integer       NOT NULL DEFAULT 1,
    created_at   timestamptz   NOT NULL,
    updated_at   timestamptz   NOT NULL,
    UNIQUE (policy_id, number),
    CHECK ((kind = 'extorno') = (total < 0)),
    CHECK ((state IN ('collected', 'paid_at_broker')) = (paid_at IS NOT NULL)),
    CHECK ((settled_at IS NULL) = (settlement IS NULL))
);
CREATE INDEX receipts_policy ON receipts (policy_id, due_on);
CREATE INDEX receipts_unpaid ON receipts (due_on) WHERE paid_at IS NULL AND state <> 'cancelled';

-- Rates of premium lines, each from a day on. The youngest row of a kind and line holds.
CREATE TABLE premium_rates (
    kind       text          NOT NULL,                       -- crm.policies.premium.RATE_KINDS
    line       text          NOT NULL DEFAULT '*',           -- a policy type, or all
    valid_from date          NOT NULL,
    rate       numeric(12,8),
    flat       numeric(12,2),
    source     text          NOT NULL,
    PRIMARY KEY (kind, line, valid_from),
    CHECK ((rate IS NULL) <> (flat IS NULL))
);
INSERT INTO premium_rates (kind, line, valid_from, rate, flat, source) VALUES
    ('ips', '*', '2021-01-01', 0.08, NULL, 'Ley 13/1996, art. 12; Ley 11/2020'),
    ('ips', 'life', '2021-01-01', 0, NULL, 'Ley 13/1996, art. 12.Cinco.1'),
    ('ips', 'health', '2021-01-01', 0, NULL, 'Ley 13/1996, art. 12.Cinco.1'),
    ('ips_rider', 'life', '2021-01-01', 0.08, NULL, 'Ley 13/1996, art. 12'),
    ('extraordinary', 'home', '2018-07-01', 0.00007, NULL, 'CCS, Resolución 28-3-2018'),
    ('extraordinary', 'business', '2018-07-01', 0.00018, NULL, 'CCS, Resolución 28-3-2018'),
    ('extraordinary', 'auto', '2018-07-01', NULL, 2.10, 'CCS, Resolución 28-3-2018'),
    ('compulsory_motor', 'auto', '2016-01-01', 0.015, NULL, 'CCS, RDLeg 7/2004, art. 23'),
    ('winding_up', '*', '2004-11-06', 0.0015, NULL, 'CCS, RDLeg 7/2004, art. 23'),
    ('winding_up', 'life', '2004-11-06', 0, NULL, 'CCS, RDLeg 7/2004, art. 23'),
    ('instalment_semiannual', '*', '2000-01-01', 0.02, NULL, 'default; insurers differ'),
    ('instalment_quarterly', '*', '2000-01-01', 0.03, NULL, 'default; insurers differ'),
    ('instalment_monthly', '*', '2000-01-01', 0.05, NULL, 'default; insurers differ'),
    ('commission', '*', '2000-01-01', 0.12, NULL, 'default; agreed with each insurer'),
    ('commission', 'life', '2000-01-01', 0.10, NULL, 'default; agreed with each insurer'),
    ('commission', 'health', '2000-01-01', 0.08, NULL, 'default; agreed with each insurer'),
    ('retention', '*', '2000-01-01', 0.84, NULL, 'default; a centre measures its own'),
    ('retention', 'life', '2000-01-01', 0.92, NULL, 'default; a centre measures its own');

-- migrate:down
DROP TABLE premium_rates;
DROP TABLE receipts;
DROP TABLE policy_moments;
DROP TABLE policy_non_renewals;
DROP TABLE policy_roles;
DROP TABLE policy_versions;
DROP TABLE policies;
DROP SEQUENCE policy_references;
DROP TABLE holidays;
DROP TABLE insurers;
