-- Contacts: of which version an edit is made.

-- migrate:up
ALTER TABLE contacts ADD COLUMN version integer NOT NULL DEFAULT 1;

-- migrate:down
ALTER TABLE contacts DROP COLUMN version;
