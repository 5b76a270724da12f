-- Identity: the plan's indexes by the plan's names; a user's refresh tokens are found by session.

-- migrate:up
ALTER INDEX refresh_tokens_session RENAME TO idx_refresh_tokens_user;
CREATE INDEX idx_oauth_provider ON oauth_identities (provider, provider_user_id);

-- migrate:down
DROP INDEX idx_oauth_provider;
ALTER INDEX idx_refresh_tokens_user RENAME TO refresh_tokens_session;
