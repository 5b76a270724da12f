-- The times that the law gives, each from a day on. The youngest row of a kind and line holds.

-- migrate:up
CREATE TABLE legal_periods (
    kind       text     NOT NULL,                            -- crm.law.Kind; its end is the unit
    line       text     NOT NULL DEFAULT '*',                -- a policy type, or all
    valid_from date     NOT NULL,
    amount     smallint NOT NULL CHECK (amount > 0),
    source     text     NOT NULL,
    PRIMARY KEY (kind, line, valid_from)
);
INSERT INTO legal_periods (kind, line, valid_from, amount, source) VALUES
    ('insurer_notice_months', '*', '1981-04-17', 2, 'Ley 50/1980, art. 22.2 y 22.3'),
    ('tacit_term_months', '*', '1981-04-17', 12, 'Ley 50/1980, art. 22.1'),
    ('grace_months', '*', '1981-04-17', 1, 'Ley 50/1980, art. 15.2'),
    ('premium_claim_months', '*', '1981-04-17', 6, 'Ley 50/1980, art. 15.2'),
    ('withdrawal_days', '*', '2007-07-13', 14, 'Ley 22/2007, art. 10.1'),
    ('withdrawal_days', 'life', '2007-07-13', 30, 'Ley 22/2007, art. 10.1'),
    ('claim_report_days', '*', '1981-04-17', 7, 'Ley 50/1980, art. 16'),
    ('minimum_payment_days', '*', '1981-04-17', 40, 'Ley 50/1980, art. 18'),
    ('default_interest_months', '*', '1981-04-17', 3, 'Ley 50/1980, art. 20.3'),
    ('complaint_sector_months', '*', '2004-07-24', 1, 'Orden ECO/734/2004; RDL 3/2020'),
    ('complaint_service_days', '*', '2004-07-24', 15, 'Ley 10/2025; the stricter default before');

-- migrate:down
DROP TABLE legal_periods;
