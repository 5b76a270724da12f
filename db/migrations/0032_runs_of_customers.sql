-- CRM: the workflows that ran about a customer, for closing and erasing the file.

-- migrate:up
CREATE INDEX workflow_executions_customer
    ON workflow_executions ((trigger_data ->> 'customer_id'));

-- migrate:down
DROP INDEX workflow_executions_customer;
