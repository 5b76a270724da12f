-- Voice: what is wrong with a recording, and since when a leg's deadline counts.

-- migrate:up
-- missing: the media's file was not there; damaged: it is not what the media said, and is set aside.
ALTER TABLE recordings ADD COLUMN fault text CHECK (fault IN ('missing', 'damaged'));
DROP INDEX recordings_expiring;
CREATE INDEX recordings_expiring ON recordings (expires_at)
    WHERE state IN ('stored', 'failed') AND NOT legal_hold;

-- When the deadline was written: a clock that is set afterwards moves it.
ALTER TABLE call_legs ADD COLUMN deadline_from timestamptz;
UPDATE call_legs SET deadline_from = coalesce(joined_at, invited_at) WHERE deadline IS NOT NULL;

-- migrate:down
ALTER TABLE call_legs DROP COLUMN deadline_from;
DROP INDEX recordings_expiring;
CREATE INDEX recordings_expiring ON recordings (expires_at)
    WHERE state = 'stored' AND NOT legal_hold;
ALTER TABLE recordings DROP COLUMN fault;
