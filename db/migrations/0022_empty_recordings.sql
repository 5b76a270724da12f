-- Voice: a recording that ended before its first frame.

-- migrate:up
ALTER TABLE recordings DROP CONSTRAINT recordings_state_check;
ALTER TABLE recordings ADD CONSTRAINT recordings_state_check
    CHECK (state IN ('recording', 'empty', 'finished', 'stored', 'failed', 'deleted'));
UPDATE recordings r SET state = 'empty'
FROM calls c
WHERE c.id = r.call_id AND r.state = 'recording' AND r.started_at IS NULL
  AND c.recording_id IS DISTINCT FROM r.id;

-- migrate:down
UPDATE recordings SET state = 'recording' WHERE state = 'empty';
ALTER TABLE recordings DROP CONSTRAINT recordings_state_check;
ALTER TABLE recordings ADD CONSTRAINT recordings_state_check
    CHECK (state IN ('recording', 'finished', 'stored', 'failed', 'deleted'));
