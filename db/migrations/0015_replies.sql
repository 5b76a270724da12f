-- Saved replies: the centre's, and each agent's own.

-- migrate:up
CREATE TABLE saved_replies (
    id         uuid PRIMARY KEY,
    agent_id   uuid REFERENCES agents (id) ON DELETE CASCADE,  -- null: everybody's
    body_es    text        NOT NULL DEFAULT '',
    body_en    text        NOT NULL DEFAULT '',
    version    integer     NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL,
    CHECK (body_es <> '' OR body_en <> '')
);
CREATE INDEX saved_replies_agent ON saved_replies (agent_id);

-- migrate:down
DROP TABLE saved_replies;
