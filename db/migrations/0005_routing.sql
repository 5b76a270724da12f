-- Routing: queues and what configures them, queue visits, offers, agents' segments.

-- migrate:up
CREATE TABLE skills (
    key     text PRIMARY KEY,
    name_es text NOT NULL,
    name_en text NOT NULL
);

CREATE TABLE calendars (
    key        text PRIMARY KEY,
    timezone   text,                                   -- null: the centre's
    weekly     jsonb NOT NULL,                         -- {"mon": [["09:00","14:00"], ...], ...}
    exceptions jsonb NOT NULL DEFAULT '[]',            -- [{"from","to","intervals","name"}]
    version    integer NOT NULL DEFAULT 1
);

CREATE TABLE queues (
    key         text PRIMARY KEY,
    name_es     text    NOT NULL,
    name_en     text    NOT NULL,
    skill       text    NOT NULL REFERENCES skills (key),
    calendar    text    NOT NULL REFERENCES calendars (key),
    strategy    text    NOT NULL DEFAULT 'longest_idle',
    -- steps, targets, limits, overflow, wrap-up, offer times: the format is config/defaults'
    config      jsonb   NOT NULL DEFAULT '{}',
    ordinal     integer NOT NULL DEFAULT 0,
    retired     boolean NOT NULL DEFAULT false,
    version     integer NOT NULL DEFAULT 1,
    updated_at  timestamptz NOT NULL
);

CREATE TABLE dispositions (
    key      text PRIMARY KEY,
    label_es text    NOT NULL,
    label_en text    NOT NULL,
    queue    text REFERENCES queues (key),             -- null: every queue
    ordinal  integer NOT NULL DEFAULT 0,
    retired  boolean NOT NULL DEFAULT false
);

-- What the system knows of an agent's desk, beside the will in `agents`.
CREATE TABLE agent_states (
    agent_id        uuid PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    present         boolean     NOT NULL DEFAULT false,
    present_until   timestamptz,
    absent_since    timestamptz,
    channels        text[]      NOT NULL DEFAULT '{}',
    cooldown_until  timestamptz,
    idle_since      timestamptz,                       -- last end of work, or became available
    last_ended_at   timestamptz                        -- end of the last segment
);

-- Round robin's memory: who was offered a queue's item last.
CREATE TABLE queue_turns (
    queue    text PRIMARY KEY REFERENCES queues (key) ON DELETE CASCADE,
    agent_id uuid NOT NULL REFERENCES agents (id) ON DELETE CASCADE
);

CREATE TABLE work_items (
    id             uuid PRIMARY KEY,
    interaction_id uuid        NOT NULL REFERENCES interactions (id),
    contact_id     uuid        NOT NULL,
    queue          text        NOT NULL REFERENCES queues (key),
    channel        text        NOT NULL,
    entry          text        NOT NULL
                   CHECK (entry IN ('new', 'transfer', 'requeue', 'overflow', 'return', 'moved')),
    state          text        NOT NULL CHECK (state IN ('queued', 'offered', 'assigned', 'ended')),
    outcome        text CHECK (outcome IN ('answered', 'abandoned', 'moved', 'callback',
                                           'left_message', 'cancelled')),
    band           smallint    NOT NULL CHECK (band BETWEEN 1 AND 3),
    base           integer     NOT NULL,
    boost          integer     NOT NULL,
    target_ms      integer     NOT NULL CHECK (target_ms > 0),
    cost           integer     NOT NULL CHECK (cost >= 0),
    virtual_start  timestamptz NOT NULL,
    entered_at     timestamptz NOT NULL,
    answered_at    timestamptz,
    ended_at       timestamptz,
    round          integer     NOT NULL DEFAULT 1,
    -- The active routing step and its end; null: the router has noted nothing of it yet.
    step           smallint,
    step_until     timestamptz,
    message_offered boolean    NOT NULL DEFAULT false,
    routing        jsonb       NOT NULL DEFAULT '{}',  -- as in the interaction.queued event
    CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CHECK ((state IN ('queued', 'offered')) = (answered_at IS NULL AND ended_at IS NULL))
) WITH (fillfactor = 50);
-- As in interactions, no index names `state`: an offer touches no index of the visit.
CREATE UNIQUE INDEX work_items_one_open ON work_items (interaction_id)
    WHERE answered_at IS NULL AND ended_at IS NULL;
CREATE INDEX work_items_waiting ON work_items (queue)
    WHERE answered_at IS NULL AND ended_at IS NULL;
CREATE INDEX work_items_interaction ON work_items (interaction_id, entered_at);
CREATE INDEX work_items_left ON work_items (contact_id, ended_at) WHERE outcome = 'abandoned';

CREATE TABLE reservations (
    id             uuid PRIMARY KEY,
    work_item_id   uuid        NOT NULL REFERENCES work_items (id),
    interaction_id uuid        NOT NULL REFERENCES interactions (id),
    agent_id       uuid        NOT NULL REFERENCES agents (id),
    round          integer     NOT NULL,
    how            text        NOT NULL DEFAULT 'offer'
                   CHECK (how IN ('offer', 'pull', 'push', 'return', 'transfer')),
    state          text        NOT NULL CHECK (state IN ('pending', 'accepted', 'rejected',
                                               'timed_out', 'rescinded', 'cancelled')),
    cost           integer     NOT NULL,
    reason         text,
    why            jsonb       NOT NULL DEFAULT '{}',  -- the explanation record
    epoch          bigint      NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    CHECK ((state = 'pending') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX reservations_one_winner ON reservations (work_item_id, round)
    WHERE state = 'accepted';
CREATE UNIQUE INDEX reservations_one_offer ON reservations (agent_id, work_item_id)
    WHERE state = 'pending';
CREATE INDEX reservations_work_item ON reservations (work_item_id);

CREATE TABLE segments (
    id              uuid PRIMARY KEY,
    interaction_id  uuid        NOT NULL REFERENCES interactions (id),
    work_item_id    uuid REFERENCES work_items (id),
    reservation_id  uuid UNIQUE REFERENCES reservations (id),
    agent_id        uuid        NOT NULL REFERENCES agents (id),
    queue           text,
    channel         text        NOT NULL,
    state           text        NOT NULL CHECK (state IN ('active', 'held', 'consulting', 'parked',
                                                          'wrapping', 'ended')),
    park_reason     text CHECK (park_reason IN ('waiting_customer', 'snoozed', 'interrupted')),
    cost            integer     NOT NULL,              -- units it takes now
    full_cost       integer     NOT NULL,              -- units it takes when active
    over_budget     boolean     NOT NULL DEFAULT false,
    started_at      timestamptz NOT NULL,
    state_since     timestamptz NOT NULL,
    parked_until    timestamptz,
    held_ms         bigint      NOT NULL DEFAULT 0,
    talk_ended_at   timestamptz,
    wrap_deadline   timestamptz,
    wrap_extended   boolean     NOT NULL DEFAULT false,
    wrap_blocks     boolean     NOT NULL DEFAULT false,
    disposition     text,
    note            text        NOT NULL DEFAULT '',
    last_customer_at timestamptz,
    last_agent_at   timestamptz,
    ended_at        timestamptz,
    version         integer     NOT NULL DEFAULT 1,
    CHECK ((state = 'ended') = (ended_at IS NOT NULL))
);
CREATE INDEX segments_open_agent ON segments (agent_id) WHERE state <> 'ended';
CREATE INDEX segments_open_interaction ON segments (interaction_id) WHERE state <> 'ended';
CREATE INDEX segments_interaction ON segments (interaction_id, started_at);
CREATE INDEX segments_agent ON segments (agent_id, started_at);
CREATE INDEX segments_ended ON segments (ended_at) WHERE ended_at IS NOT NULL;

-- migrate:down
DROP TABLE segments;
DROP TABLE reservations;
DROP TABLE work_items;
DROP TABLE queue_turns;
DROP TABLE agent_states;
DROP TABLE dispositions;
DROP TABLE queues;
DROP TABLE calendars;
DROP TABLE skills;
