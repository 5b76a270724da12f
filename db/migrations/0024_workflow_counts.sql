-- How often a workflow has run is counted from its runs: a counter in its row made every run wait
-- for the commit of the one before.

-- migrate:up
ALTER TABLE workflows DROP COLUMN execution_count, DROP COLUMN last_executed_at;

-- migrate:down
ALTER TABLE workflows
    ADD COLUMN execution_count integer NOT NULL DEFAULT 0,
    ADD COLUMN last_executed_at timestamptz;
UPDATE workflows w
SET (execution_count, last_executed_at) = (
    SELECT count(*), max(e.started_at) FROM workflow_executions e WHERE e.workflow_id = w.id);
