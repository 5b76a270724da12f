-- CRM: a policy that fails at what the clock does to it is set aside, and tried again later.
-- migrate:up
CREATE TABLE policy_turn_failures (
    policy_id uuid        NOT NULL REFERENCES policies (id),
    step      text        NOT NULL,                          -- terms, begin or end
    failures  integer     NOT NULL DEFAULT 1,
    error     text        NOT NULL,                          -- its kind, never what it says
    failed_at timestamptz NOT NULL,
    retry_at  timestamptz NOT NULL,
    PRIMARY KEY (policy_id, step)
);

-- migrate:down
DROP TABLE policy_turn_failures;
