-- A disposition is changed by whoever names the version that was read.
-- migrate:up
ALTER TABLE dispositions ADD COLUMN version integer NOT NULL DEFAULT 1;

-- migrate:down
ALTER TABLE dispositions DROP COLUMN version;
