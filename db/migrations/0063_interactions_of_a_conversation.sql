-- All interactions of a conversation, the ended ones too; the newest first.
-- migrate:up
CREATE INDEX interactions_conversation ON interactions (conversation_id, created_at DESC);

-- migrate:down
DROP INDEX interactions_conversation;
