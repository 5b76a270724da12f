-- What was made in an interaction is found from it: whether it is about somebody's health is asked of
-- every one that is listed.
-- migrate:up
CREATE INDEX claims_interaction ON claims (interaction_id) WHERE interaction_id IS NOT NULL;
CREATE INDEX quotes_interaction ON quotes (interaction_id) WHERE interaction_id IS NOT NULL;
CREATE INDEX tasks_interaction ON tasks (interaction_id) WHERE interaction_id IS NOT NULL;

-- migrate:down
DROP INDEX tasks_interaction;
DROP INDEX quotes_interaction;
DROP INDEX claims_interaction;
