-- Customers are found by whole words without a look at what these have in common with others.
-- migrate:up
CREATE INDEX customers_words ON customers
    USING gin (string_to_array(search_text, ' ')) WITH (fastupdate = off);

-- migrate:down
DROP INDEX customers_words;
