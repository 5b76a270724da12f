-- Insurers, catastrophes, and the rules of quotes and segments are changed by whoever names the version that was read.
-- migrate:up
ALTER TABLE insurers ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE catastrophes ADD COLUMN version integer NOT NULL DEFAULT 1;
INSERT INTO office_sections (section) VALUES ('quote_rules'), ('segment_rules')
ON CONFLICT (section) DO NOTHING;

-- migrate:down
DELETE FROM office_sections WHERE section IN ('quote_rules', 'segment_rules');
ALTER TABLE catastrophes DROP COLUMN version;
ALTER TABLE insurers DROP COLUMN version;
