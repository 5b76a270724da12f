-- Identity: rows of the audit log come in the order of time, so blocks tell where a time is.

-- migrate:up
DROP INDEX idx_audit_logs_created;
CREATE INDEX idx_audit_logs_created ON audit_logs USING brin (created_at);

-- migrate:down
DROP INDEX idx_audit_logs_created;
CREATE INDEX idx_audit_logs_created ON audit_logs (created_at);
