-- Workflows, their runs step by step, and letters to customers.

-- migrate:up
CREATE TABLE workflows (
    id               uuid PRIMARY KEY,
    name             text        NOT NULL CHECK (name <> ''),
    description      text,
    trigger_type     text        NOT NULL CHECK (trigger_type IN ('manual', 'event', 'scheduled')),
    trigger_config   jsonb       NOT NULL DEFAULT '{}',
    steps            jsonb       NOT NULL,
    active           boolean     NOT NULL DEFAULT true,
    webhook_secret   bytea,                                  -- sealed (core.vault)
    execution_count  integer     NOT NULL DEFAULT 0,
    last_executed_at timestamptz,
    next_run_at      timestamptz,                            -- of a scheduled one
    version          integer     NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_by       uuid,
    updated_by       uuid
);
CREATE INDEX workflows_by_event ON workflows ((trigger_config ->> 'event'))
    WHERE active AND trigger_type = 'event';
CREATE INDEX workflows_next_run ON workflows (next_run_at) WHERE active;

CREATE TABLE workflow_versions (                             -- a run keeps the one it began with
    workflow_id uuid        NOT NULL REFERENCES workflows (id),
    version     integer     NOT NULL,
    steps       jsonb       NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (workflow_id, version)
);

CREATE TABLE workflow_executions (
    id              uuid PRIMARY KEY,
    workflow_id     uuid        NOT NULL REFERENCES workflows (id),
    version         integer     NOT NULL,
    status          text        NOT NULL
                    CHECK (status IN ('running', 'waiting', 'completed', 'failed', 'cancelled')),
    cause           text UNIQUE,                             -- what began it: once only
    depth           integer     NOT NULL DEFAULT 0,          -- how many workflows led here
    trigger_data    jsonb       NOT NULL DEFAULT '{}',
    step            integer     NOT NULL DEFAULT 0,          -- the next one, from 0
    steps_completed integer     NOT NULL DEFAULT 0,
    steps_total     integer     NOT NULL,
    wake_at         timestamptz,
    error_message   text,
    results         jsonb       NOT NULL DEFAULT '{}',       -- step name → what it gave
    started_at      timestamptz NOT NULL,
    completed_at    timestamptz,
    CHECK ((status IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL))
);
CREATE INDEX idx_workflow_executions_workflow ON workflow_executions (workflow_id, id DESC);
CREATE INDEX idx_workflow_executions_status ON workflow_executions (status);
CREATE INDEX workflow_executions_wake ON workflow_executions (wake_at) WHERE status = 'waiting';

CREATE TABLE workflow_steps (                                -- what a run did, in order
    execution_id uuid        NOT NULL REFERENCES workflow_executions (id),
    number       integer     NOT NULL,
    step         integer     NOT NULL,
    type         text        NOT NULL,
    status       text        NOT NULL CHECK (status IN ('waiting', 'done', 'failed')),
    result       jsonb,
    error        text,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    PRIMARY KEY (execution_id, number)
);

CREATE TABLE customer_letters (
    id          uuid PRIMARY KEY,
    customer_id uuid        NOT NULL REFERENCES customers (id),
    quote_id    uuid REFERENCES quotes (id),
    kind        text        NOT NULL,
    subject     text        NOT NULL,
    body        text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('draft', 'queued', 'sent', 'unaddressed')),
    cause       text        NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL,
    sent_at     timestamptz
);
CREATE INDEX customer_letters_customer ON customer_letters (customer_id, id DESC);

-- migrate:down
DROP TABLE customer_letters;
DROP TABLE workflow_steps;
DROP TABLE workflow_executions;
DROP TABLE workflow_versions;
DROP TABLE workflows;
