-- Identity: a row of the audit log carries an HMAC of what it tells from the moment it is written.
-- Rows of before have none, and none can be made for them: who changed one before it was linked is
-- not known. `audit verify` counts them.

-- migrate:up
ALTER TABLE audit_logs ADD COLUMN digest bytea;            -- of what was written (core.vault.sign)

-- migrate:down
ALTER TABLE audit_logs DROP COLUMN digest;
