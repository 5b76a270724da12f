-- CRM: when a claim was paid, and what says so.

-- migrate:up
ALTER TABLE claims
    ADD COLUMN paid_on date,                                 -- the payer's day, in the centre's zone
    ADD COLUMN payment_document text;

-- migrate:down
ALTER TABLE claims DROP COLUMN payment_document, DROP COLUMN paid_on;
