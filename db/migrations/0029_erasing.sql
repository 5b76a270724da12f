-- CRM: policies' versions are only ever added to, but for erasing a person: then their text goes.

-- migrate:up
CREATE FUNCTION refuse_change_but_erasing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR current_setting('contactcenter.erasing', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER policy_versions_append_only ON policy_versions;
CREATE TRIGGER policy_versions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_but_erasing();

-- migrate:down
DROP TRIGGER policy_versions_append_only ON policy_versions;
CREATE TRIGGER policy_versions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DROP FUNCTION refuse_change_but_erasing;
