-- The audit log. A row is written with what it tells and never again; the chain over the rows is
-- laid afterwards, in the event log's order. What is personal in a row is sealed with the person's
-- own key, so erasing the key erases it and the chain, which goes over the sealed bytes, holds.

-- migrate:up
CREATE TABLE person_keys (
    person     uuid PRIMARY KEY,                           -- a user's or a contact's id
    sealed     bytea       NOT NULL,                       -- sealed (core.vault)
    created_at timestamptz NOT NULL
);

CREATE TABLE audit_logs (
    id            uuid PRIMARY KEY,
    user_id       uuid,                                    -- who; null: nobody who is signed in
    actor         text        NOT NULL,
    action        text        NOT NULL,
    resource_type text        NOT NULL,
    resource_id   text        NOT NULL,
    person        uuid,                                    -- whose data `changes` holds
    origin        bytea,                                   -- address and agent, sealed for user_id
    changes       bytea,                                   -- before and after, sealed for person
    created_at    timestamptz NOT NULL
);
CREATE INDEX idx_audit_logs_user ON audit_logs (user_id, id);
CREATE INDEX idx_audit_logs_created ON audit_logs (created_at);
CREATE INDEX audit_logs_resource ON audit_logs (resource_type, resource_id, id);
CREATE INDEX audit_logs_person ON audit_logs (person) WHERE person IS NOT NULL;

CREATE TABLE audit_chain (
    seq      bigint PRIMARY KEY,                           -- 1, 2, 3, … without a gap
    audit_id uuid  NOT NULL UNIQUE,
    key_name text  NOT NULL,                               -- of the key that the hash is made with
    hash     bytea NOT NULL                                -- over the one before and the row
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_chain_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- migrate:down
DROP TABLE audit_chain;
DROP TABLE audit_logs;
DROP TABLE person_keys;
DROP FUNCTION refuse_change;
