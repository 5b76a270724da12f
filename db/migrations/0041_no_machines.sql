-- CRM: no machine answers a contact, so no rule says that none may.

-- migrate:up
UPDATE contact_rules SET effects = effects - 'human_only' WHERE effects ? 'human_only';

-- migrate:down
UPDATE contact_rules SET effects = effects || '{"human_only": true}' WHERE name = 'complaint';
