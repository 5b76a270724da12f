-- CRM: a letter says where it went, whatever the customer's address is since.

-- migrate:up
ALTER TABLE customer_letters ADD COLUMN address text;        -- of one that is sent

-- migrate:down
ALTER TABLE customer_letters DROP COLUMN address;
