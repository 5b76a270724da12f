-- The event log (outbox, replay source and audit source in one), its readers'
-- cursors, and the leases that fence single holders.

-- migrate:up
CREATE TABLE event_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid         xid8        NOT NULL DEFAULT pg_current_xact_id(),
    type        text        NOT NULL,
    version     smallint    NOT NULL,
    subject     text        NOT NULL,
    data        jsonb       NOT NULL,
    actor       text        NOT NULL,
    trace       text,
    origin      text,                                  -- null: live; import, demo
    occurred_at timestamptz NOT NULL,                  -- the centre's clock
    created_at  timestamptz NOT NULL DEFAULT now()     -- the database's clock
);
CREATE INDEX event_log_position ON event_log (xid, id);
CREATE INDEX event_log_subject ON event_log (subject, id);
CREATE INDEX event_log_occurred ON event_log (occurred_at);

CREATE TABLE listener_cursors (
    listener   text PRIMARY KEY,
    xid        xid8        NOT NULL,
    id         bigint      NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE parked_events (
    listener  text        NOT NULL,
    event_id  bigint      NOT NULL REFERENCES event_log (id),
    subject   text        NOT NULL,
    failures  integer     NOT NULL,
    error     text        NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    retry     boolean     NOT NULL DEFAULT false,      -- asked for; the listener's holder does it
    PRIMARY KEY (listener, event_id)
);
CREATE INDEX parked_events_subject ON parked_events (listener, subject);

CREATE TABLE leases (
    name       text PRIMARY KEY,
    holder     text        NOT NULL,
    epoch      bigint      NOT NULL,
    expires_at timestamptz NOT NULL                    -- the database's clock
);

CREATE TABLE idempotency_keys (
    scope      text        NOT NULL,                   -- principal and route
    key        text        NOT NULL,
    digest     bytea       NOT NULL,                   -- of the request body
    status     smallint,
    response   jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- migrate:down
DROP TABLE idempotency_keys;
DROP TABLE leases;
DROP TABLE parked_events;
DROP TABLE listener_cursors;
DROP TABLE event_log;
