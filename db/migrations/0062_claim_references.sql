-- CRM: the references under which an insurer decided and paid a claim.
-- migrate:up
ALTER TABLE claims ADD COLUMN decision_reference text, ADD COLUMN payment_reference text;

-- migrate:down
ALTER TABLE claims DROP COLUMN payment_reference, DROP COLUMN decision_reference;
