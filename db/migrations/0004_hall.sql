-- The hall: contacts, conversations, messages, interactions, agents.

-- migrate:up
CREATE TABLE agents (
    id                uuid PRIMARY KEY,
    user_id           uuid UNIQUE REFERENCES users (id),
    name              text        NOT NULL,
    sort_key          text        NOT NULL,
    status            text        NOT NULL DEFAULT 'offline'
                      CHECK (status IN ('available', 'on_demand', 'away', 'offline')),
    status_reason     text,
    status_since      timestamptz NOT NULL,
    after_this        text CHECK (after_this IN ('available', 'on_demand', 'away', 'offline')),
    after_this_reason text,
    budget            integer     NOT NULL DEFAULT 100 CHECK (budget BETWEEN 0 AND 1000),
    maxima            jsonb       NOT NULL DEFAULT '{}',   -- channel → most items at once
    auto_answer       boolean     NOT NULL DEFAULT false,
    ordinal           integer     NOT NULL DEFAULT 0,      -- for the linear strategy
    version           integer     NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL
);

CREATE TABLE agent_skills (
    agent_id uuid     NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    skill    text     NOT NULL,
    level    smallint NOT NULL CHECK (level BETWEEN 1 AND 5),
    PRIMARY KEY (agent_id, skill)
);
CREATE INDEX agent_skills_skill ON agent_skills (skill);

CREATE TABLE contacts (
    id          uuid PRIMARY KEY,
    customer_id uuid,                                      -- set by the CRM's event
    name        text        NOT NULL DEFAULT '',
    sort_key    text        NOT NULL DEFAULT '',
    locale      text        NOT NULL DEFAULT 'es',
    verified    boolean     NOT NULL DEFAULT false,        -- identity checked (domain 1.15)
    created_at  timestamptz NOT NULL
);
CREATE TABLE contact_addresses (
    contact_id uuid NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('email', 'phone', 'whatsapp', 'web')),
    address    text NOT NULL,                              -- normalised: E.164, lower case
    PRIMARY KEY (contact_id, kind, address)
);
CREATE INDEX contact_addresses_address ON contact_addresses (kind, address);

CREATE TABLE conversations (
    id                  uuid PRIMARY KEY,
    contact_id          uuid        NOT NULL REFERENCES contacts (id),
    channel             text        NOT NULL
                        CHECK (channel IN ('voice', 'chat', 'whatsapp', 'sms', 'email')),
    channel_address     text        NOT NULL DEFAULT 'web',  -- our own side: site, number, mailbox
    subject             text,
    state               text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    queue               text,                                -- the queue it was opened for
    locale              text        NOT NULL DEFAULT 'es',
    visitor_token_hash  bytea UNIQUE,
    visitor_read        uuid,                                -- last message read by each side
    agent_read          uuid,
    last_message_at     timestamptz,
    created_at          timestamptz NOT NULL,
    closed_at           timestamptz
);
CREATE UNIQUE INDEX conversations_one_open ON conversations (contact_id, channel, channel_address)
    WHERE state = 'open' AND channel IN ('chat', 'whatsapp', 'sms');

CREATE TABLE interactions (
    id               uuid PRIMARY KEY,
    conversation_id  uuid        NOT NULL REFERENCES conversations (id),
    contact_id       uuid        NOT NULL REFERENCES contacts (id),
    customer_id      uuid,
    channel          text        NOT NULL
                     CHECK (channel IN ('voice', 'chat', 'whatsapp', 'sms', 'email')),
    direction        text        NOT NULL DEFAULT 'inbound'
                     CHECK (direction IN ('inbound', 'outbound', 'internal')),
    state            text        NOT NULL
                     CHECK (state IN ('new', 'ivr', 'queued', 'offered', 'active', 'held',
                                      'parked', 'wrapping', 'closed')),
    close_reason     text CHECK (close_reason IN ('completed', 'abandoned', 'self_served',
                                 'left_in_ivr', 'left_message', 'cancelled', 'callback')),
    customer_present boolean     NOT NULL DEFAULT true,      -- false once a side ended it
    queue            text,                                   -- of the present or last visit
    agent_id         uuid REFERENCES agents (id),            -- of the present or last segment
    subject          text,
    outcome          text,                                   -- last disposition
    routing_facts    jsonb       NOT NULL DEFAULT '{}',
    metadata         jsonb       NOT NULL DEFAULT '{}',
    tags             text[]      NOT NULL DEFAULT '{}',
    version          integer     NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    queued_at        timestamptz,
    virtual_start    timestamptz,
    first_offered_at timestamptz,
    answered_at      timestamptz,
    ended_at         timestamptz,                            -- the customer's part
    closed_at        timestamptz,
    CHECK ((state = 'closed') = (closed_at IS NOT NULL))
) WITH (fillfactor = 50);
-- No index names `state`: a change of state alone then touches no index (HOT).
CREATE UNIQUE INDEX interactions_one_open ON interactions (conversation_id) WHERE closed_at IS NULL;
CREATE INDEX interactions_contact ON interactions (contact_id, created_at DESC);
CREATE INDEX interactions_customer ON interactions (customer_id, created_at DESC);
CREATE INDEX interactions_agent ON interactions (agent_id, created_at DESC);
CREATE INDEX interactions_created ON interactions (created_at DESC);
CREATE INDEX interactions_open ON interactions (created_at) WHERE closed_at IS NULL;

CREATE TABLE messages (
    id              uuid PRIMARY KEY,
    conversation_id uuid        NOT NULL REFERENCES conversations (id),
    interaction_id  uuid REFERENCES interactions (id),
    sender          text        NOT NULL CHECK (sender IN ('visitor', 'agent', 'bot', 'system')),
    kind            text        NOT NULL DEFAULT 'text' CHECK (kind IN ('text', 'note', 'event')),
    agent_id        uuid REFERENCES agents (id),
    body            text        NOT NULL,
    client_id       text,                                    -- makes a retried send idempotent
    created_at      timestamptz NOT NULL
);
CREATE INDEX messages_conversation ON messages (conversation_id, id);
CREATE UNIQUE INDEX messages_client ON messages (conversation_id, sender, client_id)
    WHERE client_id IS NOT NULL;

-- migrate:down
DROP TABLE messages;
DROP TABLE interactions;
DROP TABLE conversations;
DROP TABLE contact_addresses;
DROP TABLE contacts;
DROP TABLE agent_skills;
DROP TABLE agents;
