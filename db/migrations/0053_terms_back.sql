-- CRM: the way back from rows of policies that hold what is agreed for now (0047).

-- migrate:up
-- Rows that the clock is to make anew are due since a moment that can be shown.
UPDATE policies SET turns_at = updated_at WHERE turns_at = 'epoch';

-- migrate:down
-- Before 0047 a row held what of its terms, and of who has a part, comes last. How far the contract
-- is agreed stays, and so does an erased file; what lies beyond the contract's end was taken back.
CREATE TEMPORARY TABLE said ON COMMIT DROP AS
SELECT DISTINCT ON (v.policy_id, c.key) v.policy_id, c.key, c.value
FROM policy_versions v
JOIN policies p ON p.id = v.policy_id
JOIN customers holder ON holder.id = p.customer_id AND holder.erased_at IS NULL
CROSS JOIN jsonb_each(v.changes) c
WHERE c.key NOT IN ('coverage_end_date', 'coverage_end_time')
  AND v.effective_at < p.coverage_end_date + 1               -- a day, wherever the office is
  AND EXISTS (SELECT FROM policy_versions a
              WHERE a.policy_id = p.id AND a.effective_at > a.known_at
                AND a.kind IN ('endorsement', 'renewal'))
ORDER BY v.policy_id, c.key, v.effective_at DESC, v.known_at DESC, v.number DESC;

UPDATE policies p
SET premium_amount = coalesce(n.premium_amount, p.premium_amount), premium_net = n.premium_net,
    premium_frequency = coalesce(n.premium_frequency, p.premium_frequency),
    coverage_amount = n.coverage_amount, covers = coalesce(n.covers, p.covers),
    vehicle_make = n.vehicle_make, vehicle_model = n.vehicle_model, vehicle_year = n.vehicle_year,
    vehicle_plate = n.vehicle_plate, vehicle_vin = n.vehicle_vin,
    property_address = n.property_address, property_type = n.property_type,
    property_value = n.property_value, property_postal_code = n.property_postal_code,
    turns_at = NULL, version = p.version + 1
FROM (SELECT policy_id, jsonb_object_agg(key, value) AS terms FROM said GROUP BY policy_id) s
JOIN policies was ON was.id = s.policy_id
CROSS JOIN jsonb_populate_record(was, s.terms) n
WHERE p.id = s.policy_id;

DELETE FROM policy_roles r USING said s
WHERE s.policy_id = r.policy_id AND s.key = 'parties' AND r.role <> 'policyholder';
WITH RECURSIVE file AS (
    SELECT id AS was, id, merged_into FROM customers
    UNION ALL
    SELECT f.was, c.id, c.merged_into FROM file f JOIN customers c ON c.id = f.merged_into
)
INSERT INTO policy_roles (id, policy_id, role, customer_id, name, share)
SELECT uuidv7(), s.policy_id, each.party ->> 'role', f.id, each.party ->> 'name',
       (each.party ->> 'share')::numeric
FROM said s
CROSS JOIN jsonb_array_elements(nullif(s.value, 'null')) WITH ORDINALITY AS each (party, n)
LEFT JOIN file f ON f.was = (each.party ->> 'customer_id')::uuid AND f.merged_into IS NULL
WHERE s.key = 'parties'
ORDER BY s.policy_id, each.n;
