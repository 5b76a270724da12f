-- The rules by which contacts are routed are read and written as a whole: they have a version.
-- migrate:up
INSERT INTO office_sections (section) VALUES ('contact_rules') ON CONFLICT (section) DO NOTHING;

-- migrate:down
DELETE FROM office_sections WHERE section = 'contact_rules';
