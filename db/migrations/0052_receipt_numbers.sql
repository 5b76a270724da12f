-- A receipt that was noted by mistake is cancelled, and its number is free for the true one.
-- migrate:up
ALTER TABLE receipts DROP CONSTRAINT receipts_policy_id_number_key;
CREATE UNIQUE INDEX receipts_number ON receipts (policy_id, number) WHERE state <> 'cancelled';

-- migrate:down
DROP INDEX receipts_number;
-- Of several with one number the cancelled ones give it up.
UPDATE receipts r SET number = r.number || ' ' || r.id
WHERE r.state = 'cancelled' AND EXISTS (
    SELECT FROM receipts o WHERE o.policy_id = r.policy_id AND o.number = r.number AND o.id <> r.id);
ALTER TABLE receipts ADD CONSTRAINT receipts_policy_id_number_key UNIQUE (policy_id, number);
