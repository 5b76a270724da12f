-- Web chat: when each visitor was last connected, so that an abandoned chat is noticed
-- across restarts.

-- migrate:up
CREATE TABLE chat_visitors (
    conversation_id uuid PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    seen_at         timestamptz NOT NULL               -- the centre's clock
) WITH (fillfactor = 70);

-- migrate:down
DROP TABLE chat_visitors;
