-- Whoever leaves a message keeps the visit: it ends like any other, and so does the interaction.
-- migrate:up
UPDATE interactions SET close_reason = 'completed' WHERE close_reason = 'left_message';
UPDATE work_items SET outcome = 'moved' WHERE outcome = 'left_message';
ALTER TABLE interactions DROP CONSTRAINT interactions_close_reason_check,
    ADD CONSTRAINT interactions_close_reason_check CHECK (close_reason IN (
        'completed', 'abandoned', 'self_served', 'left_in_ivr', 'cancelled', 'callback'));
ALTER TABLE work_items DROP CONSTRAINT work_items_outcome_check,
    ADD CONSTRAINT work_items_outcome_check CHECK (outcome IN (
        'answered', 'abandoned', 'moved', 'callback', 'cancelled'));

-- migrate:down
ALTER TABLE work_items DROP CONSTRAINT work_items_outcome_check,
    ADD CONSTRAINT work_items_outcome_check CHECK (outcome IN (
        'answered', 'abandoned', 'moved', 'callback', 'left_message', 'cancelled'));
ALTER TABLE interactions DROP CONSTRAINT interactions_close_reason_check,
    ADD CONSTRAINT interactions_close_reason_check CHECK (close_reason IN (
        'completed', 'abandoned', 'self_served', 'left_in_ivr', 'left_message', 'cancelled',
        'callback'));
