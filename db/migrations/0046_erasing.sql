-- Erasing a customer: what is looked for by whom a file was merged into and by what a task is
-- about, and a certificate of an erasing that nobody asked for by name.

-- migrate:up
CREATE INDEX customers_merged ON customers (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX tasks_policy ON tasks (policy_id) WHERE policy_id IS NOT NULL;
CREATE INDEX tasks_claim ON tasks (claim_id) WHERE claim_id IS NOT NULL;
ALTER TABLE privacy_requests ALTER COLUMN requested_by DROP NOT NULL;

-- migrate:down
DELETE FROM privacy_requests WHERE requested_by IS NULL;
ALTER TABLE privacy_requests ALTER COLUMN requested_by SET NOT NULL;
DROP INDEX tasks_claim;
DROP INDEX tasks_policy;
DROP INDEX customers_merged;
