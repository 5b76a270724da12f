-- What a visitor has chosen before anything was written or said, until it begins an interaction.
-- migrate:up
ALTER TABLE conversations ADD COLUMN topic text CHECK (topic ~ '^[a-z_]{1,20}$');

-- migrate:down
ALTER TABLE conversations DROP COLUMN topic;
