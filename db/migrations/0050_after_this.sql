-- Agents: what becomes of work that is set aside when the status after this takes effect.

-- migrate:up
ALTER TABLE agents ADD COLUMN after_this_open jsonb;  -- null: back to its queue

-- migrate:down
ALTER TABLE agents DROP COLUMN after_this_open;
