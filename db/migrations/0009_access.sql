-- Access: invited users, one-time links, the second factor, roles and scopes, identities of other
-- providers, and the letters of a development system.

-- migrate:up
CREATE TABLE roles (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{1,39}$'),
    permissions text[],                                    -- null: built in, the program says
    version     integer     NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO roles (name) VALUES ('admin'), ('supervisor'), ('agent'), ('adjuster'), ('customer');

ALTER TABLE users DROP CONSTRAINT users_role_check;
ALTER TABLE users ADD CONSTRAINT users_role FOREIGN KEY (role) REFERENCES roles (name);
ALTER TABLE users DROP CONSTRAINT users_status_check;
ALTER TABLE users ADD CONSTRAINT users_status
    CHECK (status IN ('active', 'invited', 'disabled', 'erased'));
ALTER TABLE users ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER TABLE users ADD COLUMN password_changed_at timestamptz;
CREATE INDEX users_role_idx ON users (role);
ALTER INDEX users_email RENAME TO idx_users_email;
ALTER INDEX sessions_user RENAME TO idx_sessions_user;

CREATE TABLE teams (
    key        text PRIMARY KEY CHECK (key ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    name       text        NOT NULL,
    created_at timestamptz NOT NULL
);
ALTER TABLE agents ADD COLUMN team text REFERENCES teams (key);

-- What a user's rights are limited to. No row of a kind: no limit of that kind.
CREATE TABLE user_scopes (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind    text NOT NULL CHECK (kind IN ('queue', 'team')),
    key     text NOT NULL,
    PRIMARY KEY (user_id, kind, key)
);

-- Links in letters and the step between password and code: of each only its hash.
CREATE TABLE one_time_tokens (
    token_hash bytea PRIMARY KEY,
    purpose    text        NOT NULL CHECK (purpose IN ('verify', 'reset', 'invite', 'second_step')),
    user_id    uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, purpose);

CREATE TABLE two_factor (
    user_id      uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret       bytea  NOT NULL,                          -- sealed (core.vault)
    confirmed_at timestamptz,                              -- null: set up, not yet confirmed
    last_step    bigint NOT NULL DEFAULT 0                 -- of the last code that was accepted
);
CREATE TABLE recovery_codes (
    user_id   uuid  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash bytea NOT NULL,                              -- SHA-256 of 75 random bits
    used_at   timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

-- Who a user is elsewhere. Providers' tokens are not kept: nothing needs them after the sign-in.
CREATE TABLE oauth_identities (
    id               uuid PRIMARY KEY,
    user_id          uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider         text        NOT NULL,
    provider_user_id text        NOT NULL,
    email            text,                                 -- as the provider has it
    created_at       timestamptz NOT NULL,
    last_used_at     timestamptz NOT NULL,
    UNIQUE (provider, provider_user_id),
    UNIQUE (user_id, provider)
);
CREATE INDEX idx_oauth_provider ON oauth_identities (provider, provider_user_id);

-- A sign-in that is at the provider now.
CREATE TABLE oauth_flows (
    state_hash bytea PRIMARY KEY,
    provider   text        NOT NULL,
    sealed     bytea       NOT NULL,                       -- nonce, PKCE verifier, where to go on
    user_id    uuid REFERENCES users (id) ON DELETE CASCADE,  -- null: sign in; else: link
    expires_at timestamptz NOT NULL
);

CREATE TABLE mailbox (
    id         text PRIMARY KEY,
    address    text        NOT NULL,
    subject    text        NOT NULL,
    body       text        NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX mailbox_created ON mailbox (created_at);

-- migrate:down
DROP TABLE mailbox;
DROP TABLE oauth_flows;
DROP TABLE oauth_identities;
DROP TABLE recovery_codes;
DROP TABLE two_factor;
DROP TABLE one_time_tokens;
DROP TABLE user_scopes;
ALTER TABLE agents DROP COLUMN team;
DROP TABLE teams;
ALTER INDEX idx_sessions_user RENAME TO sessions_user;
ALTER INDEX idx_users_email RENAME TO users_email;
DROP INDEX users_role_idx;
ALTER TABLE users DROP COLUMN password_changed_at;
ALTER TABLE users DROP COLUMN version;
ALTER TABLE users DROP CONSTRAINT users_status;
UPDATE users SET status = 'disabled' WHERE status <> 'active';
ALTER TABLE users ADD CONSTRAINT users_status_check CHECK (status IN ('active', 'disabled'));
ALTER TABLE users DROP CONSTRAINT users_role;
UPDATE users SET role = 'customer'
WHERE role NOT IN ('admin', 'supervisor', 'agent', 'adjuster', 'customer');
ALTER TABLE users ADD CONSTRAINT users_role_check
    CHECK (role IN ('admin', 'supervisor', 'agent', 'adjuster', 'customer'));
DROP TABLE roles;
