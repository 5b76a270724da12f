-- Voice: a queue's rule may say that hold and consult are recorded too.

-- migrate:up
ALTER TABLE recording_rules ADD COLUMN aside boolean NOT NULL DEFAULT false;
ALTER TABLE calls ADD COLUMN record_aside boolean NOT NULL DEFAULT false;

-- migrate:down
ALTER TABLE calls DROP COLUMN record_aside;
ALTER TABLE recording_rules DROP COLUMN aside;
