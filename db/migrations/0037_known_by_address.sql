-- Hall: whose a contact or an interaction is, is told from its addresses or settled.

-- migrate:up
ALTER TABLE contacts ADD COLUMN customer_set boolean NOT NULL DEFAULT false;  -- by a person
ALTER TABLE interactions
    ADD COLUMN customer_set boolean NOT NULL DEFAULT false;  -- by a person, a document or a proof
UPDATE interactions i SET customer_set = true
FROM identity_checks k
WHERE k.interaction_id = i.id AND k.customer_id = i.customer_id AND k.level >= 2
  AND i.closed_at IS NULL;

-- migrate:down
ALTER TABLE interactions DROP COLUMN customer_set;
ALTER TABLE contacts DROP COLUMN customer_set;
