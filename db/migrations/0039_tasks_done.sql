-- CRM: what is done is read by when it was done, whatever lies behind it.

-- migrate:up
CREATE INDEX tasks_completed ON tasks (completed_at DESC, id DESC) WHERE status = 'completed';

-- migrate:down
DROP INDEX tasks_completed;
