-- Users, their sessions and refresh tokens.

-- migrate:up
CREATE TABLE users (
    id                 uuid PRIMARY KEY,
    email              text        NOT NULL,
    password_hash      text,
    first_name         text        NOT NULL DEFAULT '',
    last_name          text        NOT NULL DEFAULT '',
    phone              text,
    role               text        NOT NULL DEFAULT 'customer'
                       CHECK (role IN ('admin', 'supervisor', 'agent', 'adjuster', 'customer')),
    status             text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
    email_verified     boolean     NOT NULL DEFAULT false,
    two_factor_enabled boolean     NOT NULL DEFAULT false,
    locale             text        NOT NULL DEFAULT 'es',
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    last_login_at      timestamptz
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

CREATE TABLE sessions (
    id               uuid PRIMARY KEY,
    user_id          uuid        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    ip_address       text,
    user_agent       text,
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    last_activity_at timestamptz NOT NULL,
    ended_at         timestamptz,
    end_cause        text
);
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE refresh_tokens (
    id         uuid PRIMARY KEY,
    session_id uuid        NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    token_hash bytea       NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    rotated_at timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- migrate:down
DROP TABLE refresh_tokens;
DROP TABLE sessions;
DROP TABLE users;
