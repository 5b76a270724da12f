-- CRM: a catastrophe that is declared is enough, all that the Consorcio pays has its rule, suspended
-- cover is told from cover that goes on, and a fleet from any company. Rules that the centre has
-- changed stay as they are.

-- migrate:up
UPDATE contact_rules SET conditions = conditions - 'claims_near'
WHERE name = 'hail' AND conditions -> 'claims_near' = '{"min": 15}';
UPDATE contact_rules SET conditions = '{"segment": {"is": "fleet"}}'
WHERE name = 'fleet' AND conditions = '{"company": {"is": true}}';
UPDATE contact_rules SET conditions = '{"receipt_days": {"min": 0}, "suspended": {"is": false}}'
WHERE name = 'later_receipt' AND conditions = '{"receipt_days": {"min": 0}}';
UPDATE contact_rules SET ordinal = -10 * ordinal;  -- room between them
UPDATE contact_rules SET ordinal = -ordinal;
INSERT INTO contact_rules (name, ordinal, conditions, effects)
SELECT peril, f.ordinal + n,
       jsonb_build_object('peril', jsonb_build_object('is', peril), 'key',
                          '{"is": "claim"}'::jsonb),
       f.effects
FROM contact_rules f,
     unnest(ARRAY['extraordinary_wind', 'earthquake', 'volcano', 'terrorism'])
     WITH ORDINALITY AS perils (peril, n)
WHERE f.name = 'flood'
ON CONFLICT (name) DO NOTHING;
INSERT INTO contact_rules (name, ordinal, conditions, effects)
SELECT more.name, r.ordinal - 3 + more.n, more.conditions, more.effects
FROM contact_rules r,
     (VALUES ('extinct', 1, '{"extinct": {"is": true}}'::jsonb,
              '{"queue": "PR", "base": 60, "banner": "extinct_ask_insurer"}'::jsonb),
             ('suspended', 2, '{"suspended": {"is": true}}',
              '{"queue": "PR", "base": 60, "banner": "suspended"}'))
     AS more (name, n, conditions, effects)
WHERE r.name = 'later_receipt'
ON CONFLICT (name) DO NOTHING;

-- migrate:down
DELETE FROM contact_rules
WHERE name IN ('extraordinary_wind', 'earthquake', 'volcano', 'terrorism', 'extinct', 'suspended');
UPDATE contact_rules SET conditions = '{"receipt_days": {"min": 0}}'
WHERE name = 'later_receipt'
  AND conditions = '{"receipt_days": {"min": 0}, "suspended": {"is": false}}';
UPDATE contact_rules SET conditions = '{"company": {"is": true}}'
WHERE name = 'fleet' AND conditions = '{"segment": {"is": "fleet"}}';
UPDATE contact_rules
SET conditions = '{"peril": {"is": "hail"}, "claims_near": {"min": 15}, "key": {"is": "claim"}}'
WHERE name = 'hail' AND conditions = '{"peril": {"is": "hail"}, "key": {"is": "claim"}}';
