-- Voice: a consult that waits in a queue for whoever comes.

-- migrate:up
ALTER TABLE calls ADD COLUMN consult_request uuid REFERENCES interactions (id);
ALTER TABLE calls DROP CONSTRAINT calls_check2;
ALTER TABLE calls DROP CONSTRAINT calls_check3;
ALTER TABLE calls ADD CONSTRAINT calls_consult CHECK (
    (consult_by IS NULL) = (consult_side IS NULL)
    AND (consult_by IS NULL) = (consult_leg IS NULL AND consult_request IS NULL)
    AND (consult_leg IS NULL OR consult_request IS NULL));
CREATE INDEX calls_request ON calls (consult_request) WHERE consult_request IS NOT NULL;

-- migrate:down
UPDATE calls SET consult_by = NULL, consult_side = NULL WHERE consult_leg IS NULL;
DROP INDEX calls_request;
ALTER TABLE calls DROP CONSTRAINT calls_consult;
ALTER TABLE calls ADD CONSTRAINT calls_check2
    CHECK ((consult_leg IS NULL) = (consult_by IS NULL));
ALTER TABLE calls ADD CONSTRAINT calls_check3
    CHECK ((consult_leg IS NULL) = (consult_side IS NULL));
ALTER TABLE calls DROP COLUMN consult_request;
