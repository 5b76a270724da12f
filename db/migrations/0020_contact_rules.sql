-- How whoever calls or writes is routed: rules over what is known of them, and what else is known.

-- migrate:up
-- The first rule whose conditions all hold decides (crm.desk.model).
CREATE TABLE contact_rules (
    name       text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{1,39}$'),
    ordinal    integer NOT NULL UNIQUE,
    conditions jsonb   NOT NULL,                             -- fact → {min, max, is}
    effects    jsonb   NOT NULL                              -- what the routing is told
);
INSERT INTO contact_rules (name, ordinal, conditions, effects) VALUES
    ('injured', 10,
     '{"key": {"is": "injured"}}',
     '{"queue": "SA", "band": 1, "base": 100, "skill": "SA", "skill_level": 3,
      "greeting": "emergency_112", "banner": "injured", "skill_s": 30}'),
    ('leak_verified', 20,
     '{"key": {"is": "leak"}, "open": {"is": false}, "verified": {"is": true}}',
     '{"queue": "assistance", "band": 1, "base": 90, "greeting": "assistance",
      "banner": "passed_on", "task_for": "handler"}'),
    ('leak_unknown', 30,
     '{"key": {"is": "leak"}, "open": {"is": false}}',
     '{"queue": "assistance_menu", "band": 1, "base": 90, "banner": "passed_on",
      "task_for": "SH"}'),
    ('flood', 40,
     '{"peril": {"is": "flood"}, "key": {"is": "claim"}}',
     '{"queue": "SH", "base": 60, "greeting": "consorcio", "banner": "consorcio"}'),
    ('hail', 50,
     '{"peril": {"is": "hail"}, "claims_near": {"min": 15}, "key": {"is": "claim"}}',
     '{"queue": "SH", "base": 60, "fifo": true, "greeting": "hail", "banner": "hail",
      "overflow": [{"SA": 1}, {"PR": 1, "SH": 2}], "overflow_s": 60}'),
    ('crash_unpaid', 60,
     '{"key": {"is": "claim"}, "suspended": {"is": true}}',
     '{"queue": "SA", "base": 60, "banner": "suspended_promise_nothing"}'),
    ('complaint', 70,
     '{"complaint_day": {"min": 0}}',
     '{"queue": "RE", "base": 80, "preferred": "complaint", "preferred_s": 60,
      "then": "supervisor", "human_only": true, "banner": "complaint"}'),
    ('authorisation', 80,
     '{"health_authorisation": {"is": true}}',
     '{"queue": "SV", "base": 75, "preferred": "manager", "preferred_s": 20,
      "permission": "health", "banner": "authorisation"}'),
    ('professional', 90,
     '{"professional": {"is": true}}',
     '{"queue": "SA", "base": 45, "preferred": "handler", "preferred_s": 30,
      "banner": "professional_no_client_data"}'),
    ('claim_repeat', 100,
     '{"claim_line": {"is": "SA"}, "claim_contacts": {"min": 3}}',
     '{"queue": "SA", "base": 75, "preferred": "handler", "preferred_s": 20,
      "then": "supervisor", "banner": "repeat"}'),
    ('claim_repeat_home', 110,
     '{"claim_line": {"is": "SH"}, "claim_contacts": {"min": 3}}',
     '{"queue": "SH", "base": 75, "preferred": "handler", "preferred_s": 20,
      "then": "supervisor", "banner": "repeat"}'),
    ('claim_motor', 120,
     '{"claim_line": {"is": "SA"}}',
     '{"queue": "SA", "base": 60, "preferred": "handler", "preferred_s": 30, "banner": "claim"}'),
    ('claim_home', 130,
     '{"claim_line": {"is": "SH"}}',
     '{"queue": "SH", "base": 60, "preferred": "handler", "preferred_s": 30, "banner": "claim"}'),
    ('claim_health', 140,
     '{"claim_line": {"is": "SV"}}',
     '{"queue": "SV", "base": 60, "preferred": "handler", "preferred_s": 30, "banner": "claim"}'),
    ('first_receipt', 150,
     '{"first_receipt": {"is": true}}',
     '{"queue": "PR", "base": 70, "preferred": "issuer", "preferred_s": 15,
      "banner": "insurer_may_be_free"}'),
    ('later_receipt', 160,
     '{"receipt_days": {"min": 0}}',
     '{"queue": "PR", "base": 60, "banner": "covered_until"}'),
    ('renewal', 170,
     '{"renewal_days": {"min": 0, "max": 75}, "renewal_open": {"is": true}}',
     '{"queue": "PR", "base": 65, "skill": "retention", "skill_level": 3, "skill_s": 60,
      "preferred": "manager", "preferred_s": 20, "banner": "last_safe_day"}'),
    ('renewal_late', 180,
     '{"renewal_days": {"min": 0, "max": 75}}',
     '{"queue": "PR", "base": 55, "preferred": "manager", "preferred_s": 20,
      "banner": "period_passed_ask_insurer"}'),
    ('fleet', 190,
     '{"company": {"is": true}}',
     '{"queue": "CO", "base": 65, "preferred": "manager", "preferred_s": 30,
      "banner": "ambiguous_number"}'),
    ('vip', 200,
     '{"segment": {"is": "vip"}}',
     '{"base": 65, "preferred": "manager", "preferred_s": 20, "banner": "vip"}'),
    ('catalan', 210,
     '{"language": {"is": "ca"}, "identified": {"is": false}, "key": {"is": "new"}}',
     '{"queue": "CO", "base": 40, "skill": "ca", "skill_level": 3, "skill_s": 60}'),
    ('catalan_known', 220,
     '{"language": {"is": "ca"}}',
     '{"skill": "ca", "skill_level": 3, "skill_s": 60}'),
    ('unknown', 230,
     '{"identified": {"is": false}, "key": {"is": "new"}}',
     '{"base": 40}');

CREATE TABLE catastrophes (
    id           uuid PRIMARY KEY,
    peril        text        NOT NULL
                 CHECK (peril IN ('hail', 'flood', 'extraordinary_wind', 'earthquake', 'volcano',
                                  'terrorism')),
    postal_codes text[]      NOT NULL DEFAULT '{}',          -- how they begin; none: everywhere
    note         text        NOT NULL DEFAULT '',
    began_at     timestamptz NOT NULL,
    ended_at     timestamptz CHECK (ended_at >= began_at),
    declared_by  text        NOT NULL
);
CREATE INDEX catastrophes_on ON catastrophes (began_at) WHERE ended_at IS NULL;

CREATE TABLE professionals (                                 -- workshops and experts, no customers
    id         uuid PRIMARY KEY,
    phone      text        NOT NULL UNIQUE,                  -- E.164
    name       text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('workshop', 'perito')),
    created_at timestamptz NOT NULL
);
CREATE INDEX claims_perito ON claims (right(regexp_replace(perito_phone, '\D', '', 'g'), 9))
    WHERE perito_phone IS NOT NULL AND status NOT IN ('denied', 'paid');

-- migrate:down
DROP INDEX claims_perito;
DROP TABLE professionals;
DROP TABLE catastrophes;
DROP TABLE contact_rules;
