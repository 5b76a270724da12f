-- CRM: the office's rules are changed by people. A section is changed by whoever has read it as it is.

-- migrate:up
CREATE TABLE office_sections (
    section text    PRIMARY KEY,                             -- crm.office.model.SECTIONS
    version integer NOT NULL DEFAULT 1
);
INSERT INTO office_sections (section) VALUES
    ('holidays'), ('premium_rates'), ('legal_periods'), ('approval_limits'),
    ('delegated_authorities'), ('handler_deputies');

-- What a role may approve alone, from a day on. The youngest row of a role holds.
ALTER TABLE approval_limits ADD COLUMN valid_from date NOT NULL DEFAULT '2000-01-01';
ALTER TABLE approval_limits ALTER COLUMN valid_from DROP DEFAULT;
ALTER TABLE approval_limits DROP CONSTRAINT approval_limits_pkey,
    ADD PRIMARY KEY (role, valid_from);

-- From a day on and, where that is known, up to and with another.
ALTER TABLE handler_deputies ADD COLUMN valid_from date NOT NULL DEFAULT '2000-01-01',
    ADD COLUMN valid_to date,
    ADD CONSTRAINT handler_deputies_days CHECK (valid_to >= valid_from);
ALTER TABLE handler_deputies DROP CONSTRAINT handler_deputies_pkey,
    ADD PRIMARY KEY (agent_id, valid_from);

-- Who stands in for an agent on a day: by the youngest row that holds then.
CREATE FUNCTION deputy_of(agent uuid, day date) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT d.deputy_id FROM handler_deputies d
    WHERE d.agent_id = agent AND d.valid_from <= day AND (d.valid_to IS NULL OR d.valid_to >= day)
    ORDER BY d.valid_from DESC LIMIT 1
$$;

-- migrate:down
DROP FUNCTION deputy_of;
DELETE FROM handler_deputies d USING handler_deputies later
WHERE later.agent_id = d.agent_id AND later.valid_from > d.valid_from;
ALTER TABLE handler_deputies DROP CONSTRAINT handler_deputies_pkey, ADD PRIMARY KEY (agent_id);
ALTER TABLE handler_deputies DROP CONSTRAINT handler_deputies_days, DROP COLUMN valid_to,
    DROP COLUMN valid_from;
DELETE FROM approval_limits l USING approval_limits later
WHERE later.role = l.role AND later.valid_from > l.valid_from;
ALTER TABLE approval_limits DROP CONSTRAINT approval_limits_pkey, ADD PRIMARY KEY (role);
ALTER TABLE approval_limits DROP COLUMN valid_from;
DROP TABLE office_sections;
