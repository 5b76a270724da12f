-- Workflows that a centre was seeded with greet a company by its name, as those of a new centre do. One
-- that somebody has changed stays as it is; runs go on with the version that they began with.
-- migrate:up
WITH turned AS (
    UPDATE workflows
    SET steps = replace(steps::text, '{{ customer.first_name }}',
                        '{{ customer.greeting_name }}')::jsonb,
        version = 2, updated_at = now()
    WHERE version = 1 AND created_by IS NULL AND updated_by IS NULL
      AND name IN ('Siniestro comunicado', 'Queja recibida', 'Revisión de seguros')
      AND steps::text LIKE '%{{ customer.first_name }}%'
    RETURNING id, version, steps, updated_at
)
INSERT INTO workflow_versions (workflow_id, version, steps, created_at)
SELECT id, version, steps, updated_at FROM turned;

-- migrate:down
-- A workflow keeps its second version: runs may have begun with it, and what came before reads it.
SELECT 1;
