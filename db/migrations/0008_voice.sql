-- Voice: calls with their legs and history, agents' softphones, recordings and who played them.

-- migrate:up
-- One leg for each agent, used by all its calls; `peer` is the browser's present negotiation.
CREATE TABLE softphones (
    agent_id   uuid PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    leg_id     uuid        NOT NULL UNIQUE,
    peer       uuid        NOT NULL,
    state      text        NOT NULL CHECK (state IN ('none', 'connecting', 'connected', 'lost')),
    changed_at timestamptz NOT NULL
);

-- What holds for calls of a queue; a queue without a row has the defaults.
CREATE TABLE recording_rules (
    queue      text PRIMARY KEY REFERENCES queues (key) ON DELETE CASCADE,
    mode       text        NOT NULL CHECK (mode IN ('inform', 'opt_in', 'opt_out', 'off')),
    retention  text        NOT NULL,
    health     boolean     NOT NULL DEFAULT false,      -- playing takes a permission of its own
    version    integer     NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL
);

CREATE TABLE calls (
    id              uuid PRIMARY KEY,
    interaction_id  uuid        NOT NULL UNIQUE REFERENCES interactions (id),
    visitor_id      uuid REFERENCES conversations (id), -- the chat that the customer calls from
    direction       text        NOT NULL CHECK (direction IN ('inbound', 'outbound', 'internal')),
    queue           text,                               -- where it waits first
    state           text        NOT NULL
                    CHECK (state IN ('waiting', 'dialing', 'ringing', 'active', 'held',
                                     'consulting', 'conference', 'ended')),
    held_since      timestamptz,
    conference      boolean     NOT NULL DEFAULT false,
    consult_leg     uuid,                               -- the colleague's leg
    consult_by      uuid,                               -- the leg of who asked
    consult_side    text CHECK (consult_side IN ('colleague', 'customer')),
    record_mode     text        NOT NULL
                    CHECK (record_mode IN ('inform', 'opt_in', 'opt_out', 'off')),
    record_state    text        NOT NULL DEFAULT 'off'
                    CHECK (record_state IN ('off', 'notice', 'recording', 'paused', 'refused')),
    consent         boolean,                            -- what the customer said, if anything
    recording_id    uuid,                               -- the one that is being made
    retention       text        NOT NULL,
    health          boolean     NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL,
    answered_at     timestamptz,
    ended_at        timestamptz,
    end_reason      text,
    version         integer     NOT NULL DEFAULT 1,
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK ((consult_leg IS NULL) = (consult_by IS NULL)),
    CHECK ((consult_leg IS NULL) = (consult_side IS NULL))
);
CREATE INDEX calls_live ON calls (created_at) WHERE ended_at IS NULL;
CREATE INDEX calls_created ON calls (created_at DESC, id DESC);
CREATE INDEX calls_visitor ON calls (visitor_id, created_at DESC) WHERE visitor_id IS NOT NULL;

CREATE TABLE call_legs (
    id          uuid PRIMARY KEY,                       -- one stay on the line
    call_id     uuid        NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    leg_id      uuid        NOT NULL,                   -- the media's leg
    kind        text        NOT NULL CHECK (kind IN ('customer', 'agent')),
    agent_id    uuid REFERENCES agents (id),
    segment_id  uuid REFERENCES segments (id),
    state       text        NOT NULL
                CHECK (state IN ('inviting', 'ringing', 'connected', 'lost', 'left')),
    muted       boolean     NOT NULL DEFAULT false,
    deadline    timestamptz,                            -- of a ring, a loss, or a first sound
    invited_at  timestamptz NOT NULL,
    joined_at   timestamptz,
    left_at     timestamptz,
    stats       jsonb,                                  -- of the media, when its leg ended
    CHECK ((kind = 'agent') = (agent_id IS NOT NULL)),
    CHECK ((state = 'left') = (left_at IS NOT NULL))
);
CREATE UNIQUE INDEX call_legs_once ON call_legs (call_id, leg_id) WHERE state <> 'left';
CREATE INDEX call_legs_call ON call_legs (call_id, id);
CREATE INDEX call_legs_open ON call_legs (leg_id) WHERE state <> 'left';
CREATE INDEX call_legs_deadline ON call_legs (deadline)
    WHERE deadline IS NOT NULL AND state <> 'left';

CREATE TABLE call_events (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    call_id uuid        NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
    at      timestamptz NOT NULL,
    name    text        NOT NULL,                       -- of the fact
    actor   text        NOT NULL,
    data    jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX call_events_call ON call_events (call_id, id);

CREATE TABLE recordings (
    id          uuid PRIMARY KEY,
    call_id     uuid        NOT NULL REFERENCES calls (id),
    state       text        NOT NULL
                CHECK (state IN ('recording', 'finished', 'stored', 'failed', 'deleted')),
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,                            -- of the first stored frame
    finished_at timestamptz,
    path        text,                                   -- below the media's folder, until stored
    object_key  text UNIQUE,
    sha256      text,
    bytes       bigint CHECK (bytes >= 0),
    seconds     double precision CHECK (seconds >= 0),
    gaps        jsonb       NOT NULL DEFAULT '[]',      -- [{"from", "to"}] in seconds: pauses
    peaks       jsonb,                                  -- {"left": [...], "right": [...]}, 0 to 100
    recovered   boolean     NOT NULL DEFAULT false,     -- the media died while it was being made
    retention   text        NOT NULL,
    expires_at  timestamptz,
    legal_hold  boolean     NOT NULL DEFAULT false,
    hold_reason text        NOT NULL DEFAULT '',
    health      boolean     NOT NULL DEFAULT false,
    deleted_at  timestamptz,
    version     integer     NOT NULL DEFAULT 1,
    CHECK ((state = 'stored') <= (object_key IS NOT NULL AND sha256 IS NOT NULL)),
    CHECK ((state = 'deleted') = (deleted_at IS NOT NULL)),
    CHECK (NOT (legal_hold AND state = 'deleted'))
);
CREATE INDEX recordings_call ON recordings (call_id, created_at);
CREATE INDEX recordings_expiring ON recordings (expires_at)
    WHERE state = 'stored' AND NOT legal_hold;

-- Who listened to what, and when.
CREATE TABLE recording_plays (
    id           uuid PRIMARY KEY,
    recording_id uuid        NOT NULL REFERENCES recordings (id),
    user_id      uuid        NOT NULL REFERENCES users (id),
    at           timestamptz NOT NULL
);
CREATE INDEX recording_plays_recording ON recording_plays (recording_id, at);

-- How far each media process's reports have been taken in.
CREATE TABLE media_nodes (
    node  text PRIMARY KEY,
    acked bigint      NOT NULL,
    seen_at timestamptz NOT NULL
);

-- migrate:down
DROP TABLE media_nodes;
DROP TABLE recording_plays;
DROP TABLE recordings;
DROP TABLE call_events;
DROP TABLE call_legs;
DROP TABLE calls;
DROP TABLE recording_rules;
DROP TABLE softphones;
