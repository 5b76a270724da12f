-- migrate:up
CREATE TABLE centre_settings (
    key         text PRIMARY KEY,
    value       jsonb NOT NULL,
    updated_at  timestamptz NOT NULL
);

-- migrate:down
DROP TABLE centre_settings;
