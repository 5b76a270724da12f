-- Requests of persons for their data, or for its end (GDPR, articles 15 and 17).

-- migrate:up
CREATE TABLE privacy_requests (
    id           uuid PRIMARY KEY,
    kind         text        NOT NULL CHECK (kind IN ('export', 'erase')),
    person_kind  text        NOT NULL CHECK (person_kind IN ('user', 'contact', 'customer')),
    person       uuid        NOT NULL,
    reason       text        NOT NULL,
    requested_by uuid        NOT NULL REFERENCES users (id),
    requested_at timestamptz NOT NULL,
    done_at      timestamptz,
    certificate  jsonb,                                    -- table → what became of how many rows
    export       bytea                                     -- sealed (core.vault); gone after a week
);
CREATE INDEX privacy_requests_person ON privacy_requests (person);

-- migrate:down
DROP TABLE privacy_requests;
