-- CRM: a policy's row holds what is agreed for now; terms on file ahead turn it when they hold.

-- migrate:up
ALTER TABLE policies ADD COLUMN turns_at timestamptz;        -- when the next of them does
CREATE INDEX policies_turns ON policies (turns_at) WHERE turns_at IS NOT NULL;
-- Rows of which something was agreed ahead hold it already: the clock makes them anew.
UPDATE policies SET turns_at = 'epoch'
WHERE id IN (SELECT policy_id FROM policy_versions
             WHERE kind IN ('endorsement', 'renewal') AND effective_at > known_at);

-- migrate:down
DROP INDEX policies_turns;
ALTER TABLE policies DROP COLUMN turns_at;
