-- CRM: a suspension and its lifting are dated, as a cancellation and what takes it back.

-- migrate:up
ALTER TABLE policy_versions DROP CONSTRAINT policy_versions_kind_check;
ALTER TABLE policy_versions ADD CONSTRAINT policy_versions_kind_check
    CHECK (kind IN ('issue', 'endorsement', 'renewal', 'cancellation', 'reinstatement',
                    'suspension', 'resumption'));

-- migrate:down
ALTER TABLE policy_versions DROP CONSTRAINT policy_versions_kind_check;
ALTER TABLE policy_versions ADD CONSTRAINT policy_versions_kind_check
    CHECK (kind IN ('issue', 'endorsement', 'renewal', 'cancellation', 'reinstatement')) NOT VALID;
