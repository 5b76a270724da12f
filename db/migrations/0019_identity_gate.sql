-- Who proved to be whom, in which interaction.

-- migrate:up
CREATE TABLE identity_checks (
    id             uuid PRIMARY KEY,
    interaction_id uuid        NOT NULL REFERENCES interactions (id),
    customer_id    uuid        NOT NULL REFERENCES customers (id),
    asked          text[]      NOT NULL,
    passed         text[]      NOT NULL,
    level          smallint    NOT NULL CHECK (level IN (1, 2)),  -- with all that had passed before
    agent_id       uuid REFERENCES agents (id),
    checked_by     text        NOT NULL,
    at             timestamptz NOT NULL,
    CHECK (asked <@ ARRAY['document', 'birth_date', 'policy'] AND passed <@ asked)
);
CREATE INDEX identity_checks_interaction ON identity_checks (interaction_id, customer_id);
CREATE INDEX identity_checks_customer ON identity_checks (customer_id, at);
CREATE INDEX contacts_customer ON contacts (customer_id) WHERE customer_id IS NOT NULL;

-- migrate:down
DROP INDEX contacts_customer;
DROP TABLE identity_checks;
