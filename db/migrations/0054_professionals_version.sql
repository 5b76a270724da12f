-- A workshop's or expert's number is changed by whoever names the version that was read.
-- migrate:up
ALTER TABLE professionals ADD COLUMN version integer NOT NULL DEFAULT 1;

-- migrate:down
ALTER TABLE professionals DROP COLUMN version;
