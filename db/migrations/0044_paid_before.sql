-- CRM: when a receipt had been paid that was returned later: what was covered then stays covered.

-- migrate:up
ALTER TABLE receipts ADD COLUMN paid_before tstzrange[] NOT NULL DEFAULT '{}';

-- migrate:down
ALTER TABLE receipts DROP COLUMN paid_before;
