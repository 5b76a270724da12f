-- migrate:up
-- A subject is unique at its issuer alone (OpenID Connect Core 1.0, 2); a provider's settings can
-- come to name another one. Of older rows only Google's issuer is known; the others open nothing
-- until their owner links them anew.
ALTER TABLE oauth_identities ADD COLUMN issuer text NOT NULL DEFAULT '';
UPDATE oauth_identities SET issuer = 'https://accounts.google.com' WHERE provider = 'google';
ALTER TABLE oauth_identities ALTER COLUMN issuer DROP DEFAULT;
ALTER TABLE oauth_identities DROP CONSTRAINT oauth_identities_provider_provider_user_id_key;
DROP INDEX idx_oauth_provider;
CREATE UNIQUE INDEX oauth_identities_subject ON oauth_identities (issuer, provider_user_id)
    WHERE issuer <> '';

-- migrate:down
DROP INDEX oauth_identities_subject;
ALTER TABLE oauth_identities ADD UNIQUE (provider, provider_user_id);
CREATE INDEX idx_oauth_provider ON oauth_identities (provider, provider_user_id);
ALTER TABLE oauth_identities DROP COLUMN issuer;
