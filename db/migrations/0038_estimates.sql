-- Routing: the first estimate of a visit's wait is kept with it.

-- migrate:up
ALTER TABLE work_items ADD COLUMN estimated_ms integer CHECK (estimated_ms >= 0);

-- migrate:down
ALTER TABLE work_items DROP COLUMN estimated_ms;
