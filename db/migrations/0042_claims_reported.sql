-- CRM: the claims of the last day, for whoever comes in and is not on file.

-- migrate:up
CREATE INDEX claims_reported ON claims (reported_date);

-- migrate:down
DROP INDEX claims_reported;
