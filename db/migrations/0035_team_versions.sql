-- Identity: a team is changed by whoever has read it as it is.

-- migrate:up
ALTER TABLE teams ADD COLUMN version integer NOT NULL DEFAULT 1;

-- migrate:down
ALTER TABLE teams DROP COLUMN version;
