-- Voice: a live call knows by a keyed hash which address it came from, so that every process counts
-- alike and a restart forgets none; and a leg says who asked it in.

-- migrate:up
ALTER TABLE calls
    ADD COLUMN address_mac bytea, -- while the call lasts
    ADD CHECK (address_mac IS NULL OR ended_at IS NULL);
ALTER TABLE call_legs ADD COLUMN asked_by uuid REFERENCES agents (id);
UPDATE call_legs l SET asked_by = (
    SELECT (e.data ->> 'agent_id')::uuid FROM call_events e
    WHERE e.call_id = l.call_id AND e.name = 'call.consult_started' ORDER BY e.id DESC LIMIT 1)
WHERE l.state = 'ringing';

-- migrate:down
ALTER TABLE call_legs DROP COLUMN asked_by;
ALTER TABLE calls DROP COLUMN address_mac;
