-- CRM: a run notes the steps that it passed over.

-- migrate:up
ALTER TABLE workflow_steps
    DROP CONSTRAINT workflow_steps_status_check,
    ADD CONSTRAINT workflow_steps_status_check
        CHECK (status IN ('waiting', 'done', 'failed', 'passed'));

-- migrate:down
DELETE FROM workflow_steps WHERE status = 'passed';
ALTER TABLE workflow_steps
    DROP CONSTRAINT workflow_steps_status_check,
    ADD CONSTRAINT workflow_steps_status_check
        CHECK (status IN ('waiting', 'done', 'failed'));
