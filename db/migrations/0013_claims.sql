-- Claims, quotes and tasks.

-- migrate:up
CREATE SEQUENCE claim_numbers;
CREATE TABLE claims (
    id                uuid PRIMARY KEY,
    claim_number      text          NOT NULL UNIQUE,         -- our own
    customer_id       uuid          NOT NULL REFERENCES customers (id),
    policy_id         uuid          NOT NULL REFERENCES policies (id),
    claim_type        text          NOT NULL CHECK (claim_type ~ '^[a-z][a-z_]{1,49}$'),
    cause             text          NOT NULL DEFAULT 'other',  -- crm.claims.model.CAUSES
    payer             text          NOT NULL DEFAULT 'insurer'
                      CHECK (payer IN ('insurer', 'consorcio', 'third_party_insurer')),
    incident_date     timestamptz   NOT NULL,
    known_on          date          NOT NULL,                -- when the policyholder knew
    reported_date     timestamptz   NOT NULL,                -- to us
    sent_at           timestamptz,                           -- to the payer
    insurer_reference text,
    description       text          NOT NULL,
    location          text,
    postal_code       text,
    injuries          boolean       NOT NULL DEFAULT false,
    claimed_amount    numeric(12,2) CHECK (claimed_amount >= 0),
    approved_amount   numeric(12,2) CHECK (approved_amount >= 0),
    paid_amount       numeric(12,2) CHECK (paid_amount >= 0),
    reserve           numeric(12,2) CHECK (reserve >= 0),
    currency          text          NOT NULL DEFAULT 'EUR',
    status            text          NOT NULL DEFAULT 'reported'
                      CHECK (status IN ('reported', 'investigating', 'approved', 'denied', 'paid',
                                        'reopened')),
    denial_reason     text,
    decided_by        text CHECK (decided_by IN ('insurer', 'delegated')),
    decided_on        date,
    decision_document text,
    adjuster_id       uuid REFERENCES agents (id),           -- our handler (tramitador)
    perito_name       text,                                  -- the payer's expert
    perito_phone      text,
    perito_visit_at   timestamptz,
    perito_reported   boolean       NOT NULL DEFAULT false,
    coverage          jsonb         NOT NULL,                -- the answer at the incident's instant
    motor             jsonb,                                 -- crm.claims.schemas.Motor
    fraud_score       numeric(4,3) CHECK (fraud_score BETWEEN 0 AND 1),
    documents         jsonb         NOT NULL DEFAULT '[]',   -- {name, url, type, uploaded_at}
    metadata          jsonb         NOT NULL DEFAULT '{}',
    notes             text,
    interaction_id    uuid REFERENCES interactions (id),     -- in which it was reported
    search_text       text          NOT NULL,
    version           integer       NOT NULL DEFAULT 1,
    created_at        timestamptz   NOT NULL,
    updated_at        timestamptz   NOT NULL,
    resolved_at       timestamptz,
    created_by        uuid,
    updated_by        uuid,
    CHECK (incident_date <= reported_date),
    CHECK (status NOT IN ('denied') OR denial_reason IS NOT NULL),
    CHECK (status NOT IN ('approved', 'paid') OR approved_amount IS NOT NULL),
    CHECK (status <> 'paid' OR paid_amount IS NOT NULL)
);
CREATE INDEX idx_claims_customer ON claims (customer_id);
CREATE INDEX idx_claims_policy ON claims (policy_id);
CREATE INDEX idx_claims_status ON claims (status);
CREATE INDEX idx_claims_number ON claims (claim_number text_pattern_ops);
CREATE INDEX claims_created ON claims (created_at DESC, id DESC);
CREATE INDEX claims_adjuster ON claims (adjuster_id) WHERE status NOT IN ('denied', 'paid');
CREATE INDEX claims_places ON claims (postal_code, cause, reported_date);

CREATE TABLE claim_events (                                  -- its history, in order
    id       uuid PRIMARY KEY,
    claim_id uuid        NOT NULL REFERENCES claims (id),
    kind     text        NOT NULL,                           -- moved, reserve, assigned, note, …
    before   text,
    after    text,
    amount   numeric(12,2),
    note     text        NOT NULL DEFAULT '',
    actor    text        NOT NULL,
    at       timestamptz NOT NULL
);
CREATE INDEX claim_events_claim ON claim_events (claim_id, id);

CREATE TABLE claim_approvals (                               -- of four eyes
    claim_id uuid          NOT NULL REFERENCES claims (id),
    round    integer       NOT NULL,                         -- a new one after each reopening
    user_id  uuid          NOT NULL REFERENCES users (id),
    amount   numeric(12,2) NOT NULL,
    at       timestamptz   NOT NULL,
    PRIMARY KEY (claim_id, round, user_id)
);

CREATE TABLE delegated_authorities (                         -- what an insurer lets us decide
    carrier         text          NOT NULL REFERENCES insurers (key),
    policy_type     text          NOT NULL,
    valid_from      date          NOT NULL,
    max_amount      numeric(12,2) NOT NULL CHECK (max_amount >= 0),  -- 0: withdrawn
    four_eyes_above numeric(12,2) NOT NULL,
    PRIMARY KEY (carrier, policy_type, valid_from)
);
CREATE TABLE approval_limits (                               -- what a role may approve alone
    role  text PRIMARY KEY REFERENCES roles (name),
    limit_amount numeric(12,2) NOT NULL CHECK (limit_amount >= 0)
);
INSERT INTO approval_limits (role, limit_amount) VALUES
    ('adjuster', 3000), ('supervisor', 15000), ('admin', 15000);

CREATE TABLE handler_deputies (                              -- who stands in for whom
    agent_id  uuid PRIMARY KEY REFERENCES agents (id),
    deputy_id uuid NOT NULL REFERENCES agents (id),
    CHECK (agent_id <> deputy_id)
);

CREATE SEQUENCE quote_numbers;
CREATE TABLE quotes (
    id               uuid PRIMARY KEY,
    quote_number     text          NOT NULL UNIQUE,
    customer_id      uuid          NOT NULL REFERENCES customers (id),
    quote_type       text          NOT NULL
                     CHECK (quote_type IN ('auto', 'home', 'life', 'health', 'business')),
    carrier          text REFERENCES insurers (key),         -- of the chosen offer
    coverage_details jsonb         NOT NULL,
    base_premium     numeric(12,2) NOT NULL CHECK (base_premium > 0),
    frequency        text          NOT NULL DEFAULT 'annual',
    discounts        jsonb         NOT NULL DEFAULT '[]',    -- {type, rate | amount, description}
    surcharges       jsonb         NOT NULL DEFAULT '[]',
    lines            jsonb         NOT NULL DEFAULT '[]',    -- {kind, amount}: net, taxes, Consorcio
    total_premium    numeric(12,2) NOT NULL CHECK (total_premium > 0),
    currency         text          NOT NULL DEFAULT 'EUR',
    carrier_quotes   jsonb         NOT NULL DEFAULT '[]',    -- {carrier, premium, coverage, link}
    mediation        jsonb         NOT NULL DEFAULT '{}',    -- RDL 3/2020: document → what is there
    status           text          NOT NULL DEFAULT 'draft'
                     CHECK (status IN ('draft', 'sent', 'accepted', 'rejected', 'expired')),
    valid_until      timestamptz   NOT NULL,
    sent_at          timestamptz,
    decided_at       timestamptz,
    rejection_reason text,
    converted        boolean       NOT NULL DEFAULT false,
    policy_id        uuid UNIQUE REFERENCES policies (id),
    converted_at     timestamptz,
    interaction_id   uuid REFERENCES interactions (id),
    metadata         jsonb         NOT NULL DEFAULT '{}',
    notes            text,
    version          integer       NOT NULL DEFAULT 1,
    created_at       timestamptz   NOT NULL,
    updated_at       timestamptz   NOT NULL,
    created_by       uuid,
    updated_by       uuid,
    CHECK (converted = (policy_id IS NOT NULL AND converted_at IS NOT NULL)),
    CHECK (NOT converted OR status = 'accepted')
);
CREATE INDEX idx_quotes_customer ON quotes (customer_id);
CREATE INDEX idx_quotes_status ON quotes (status);
CREATE INDEX idx_quotes_number ON quotes (quote_number text_pattern_ops);
CREATE INDEX quotes_created ON quotes (created_at DESC, id DESC);
CREATE INDEX quotes_open ON quotes (valid_until) WHERE status IN ('draft', 'sent');

CREATE TABLE quote_rules (                                   -- what a line needs before it is sent
    line       text PRIMARY KEY,
    min_offers integer NOT NULL CHECK (min_offers >= 1)
);
INSERT INTO quote_rules (line, min_offers)
VALUES ('auto', 3), ('home', 3), ('life', 2), ('health', 2), ('business', 2);

CREATE TABLE tasks (
    id             uuid PRIMARY KEY,
    title          text        NOT NULL CHECK (title <> ''),
    description    text,
    task_type      text        NOT NULL DEFAULT 'general' CHECK (task_type ~ '^[a-z][a-z_]{1,49}$'),
    priority       text        NOT NULL DEFAULT 'medium'
                   CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
    assigned_to    uuid REFERENCES users (id),
    assigned_agent uuid REFERENCES agents (id),              -- agents without a user have tasks too
    created_by     uuid,
    customer_id    uuid REFERENCES customers (id),
    policy_id      uuid REFERENCES policies (id),
    claim_id       uuid REFERENCES claims (id),
    quote_id       uuid REFERENCES quotes (id),
    interaction_id uuid REFERENCES interactions (id),
    status         text        NOT NULL DEFAULT 'pending'
                   CHECK (status IN ('pending', 'in_progress', 'completed', 'cancelled')),
    due_date       timestamptz,
    received_on    date,                                     -- of a complaint: its clocks' start
    completed_at   timestamptz,
    cause          text UNIQUE,                              -- what made it by itself: once only
    metadata       jsonb       NOT NULL DEFAULT '{}',
    tags           text[]      NOT NULL DEFAULT '{}',
    version        integer     NOT NULL DEFAULT 1,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    updated_by     uuid,
    CHECK ((status = 'completed') = (completed_at IS NOT NULL))
);
CREATE INDEX idx_tasks_assigned ON tasks (assigned_to, status);
CREATE INDEX idx_tasks_status ON tasks (status);
CREATE INDEX idx_tasks_due_date ON tasks (due_date) WHERE status IN ('pending', 'in_progress');
CREATE INDEX idx_tasks_customer ON tasks (customer_id);
CREATE INDEX tasks_agent ON tasks (assigned_agent, status);
CREATE INDEX tasks_created ON tasks (created_at DESC, id DESC);

-- migrate:down
DROP TABLE tasks;
DROP TABLE quote_rules;
DROP TABLE quotes;
DROP SEQUENCE quote_numbers;
DROP TABLE handler_deputies;
DROP TABLE approval_limits;
DROP TABLE delegated_authorities;
DROP TABLE claim_approvals;
DROP TABLE claim_events;
DROP TABLE claims;
DROP SEQUENCE claim_numbers;
