-- A statement that is a unit of work by itself can end with a reason and change nothing.

-- migrate:up
CREATE FUNCTION refuse(reason text) RETURNS xid8 LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', reason USING ERRCODE = 'CC001';
END
$$;

-- migrate:down
DROP FUNCTION refuse(text);
