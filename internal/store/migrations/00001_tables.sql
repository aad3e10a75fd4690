-- One text for SQLite and PostgreSQL. Times are microseconds since 1970, UTC,
-- 0 for none: one integer sorts and compares alike on both.

-- +goose Up
CREATE TABLE people (
    id                 TEXT PRIMARY KEY,
    profile            TEXT NOT NULL,
    number             TEXT NOT NULL,
    given_name         TEXT NOT NULL,
    family_name        TEXT NOT NULL,
    birth_date         TEXT NOT NULL,
    email              TEXT NOT NULL,
    cohort             TEXT NOT NULL,
    readiness          TEXT NOT NULL,
    login              TEXT NOT NULL DEFAULT '',
    university_address TEXT NOT NULL DEFAULT '',
    account            TEXT NOT NULL DEFAULT '',
    activation_id      TEXT NOT NULL DEFAULT '',
    account_id         TEXT NOT NULL DEFAULT '',
    activated_at       BIGINT NOT NULL DEFAULT 0,
    first_login_at     BIGINT NOT NULL DEFAULT 0,
    import_id          TEXT NOT NULL DEFAULT '',
    UNIQUE (profile, number)
);
CREATE INDEX people_email ON people (email);
CREATE INDEX people_login ON people (login);

-- Names that were given, for ever: a row is never changed or removed.
CREATE TABLE names (
    kind      TEXT NOT NULL,
    value     TEXT NOT NULL,
    person_id TEXT NOT NULL,
    PRIMARY KEY (kind, value),
    UNIQUE (kind, person_id)
);

CREATE TABLE journeys (
    id         TEXT PRIMARY KEY,
    version    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    doc        TEXT NOT NULL
);
CREATE INDEX journeys_expires ON journeys (expires_at);

CREATE TABLE charters (
    sha256       TEXT PRIMARY KEY,
    profile      TEXT NOT NULL,
    lang         TEXT NOT NULL,
    version      TEXT NOT NULL,
    title        TEXT NOT NULL,
    text         TEXT NOT NULL,
    published_at BIGINT NOT NULL
);

CREATE TABLE acceptances (
    person_id  TEXT NOT NULL,
    journey_id TEXT NOT NULL,
    profile    TEXT NOT NULL,
    lang       TEXT NOT NULL,
    version    TEXT NOT NULL,
    sha256     TEXT NOT NULL REFERENCES charters (sha256),
    at         BIGINT NOT NULL,
    PRIMARY KEY (person_id, journey_id, sha256)
);

CREATE TABLE events (
    id         TEXT PRIMARY KEY,
    at         BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    person_id  TEXT NOT NULL,
    journey_id TEXT NOT NULL,
    details    TEXT NOT NULL
);
CREATE INDEX events_person ON events (person_id, at);
CREATE INDEX events_at ON events (at);

CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    person_id   TEXT NOT NULL,
    journey_id  TEXT NOT NULL,
    payload     BYTEA,
    attempts    BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    run_at      BIGINT NOT NULL,
    deadline    BIGINT NOT NULL,
    lease       TEXT NOT NULL DEFAULT '',
    lease_until BIGINT NOT NULL DEFAULT 0,
    given_up_at BIGINT NOT NULL DEFAULT 0,
    reason      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX jobs_due ON jobs (given_up_at, kind, run_at);

CREATE TABLE limits (
    key     TEXT PRIMARY KEY,
    arrival BIGINT NOT NULL,
    granted BIGINT NOT NULL
);
CREATE INDEX limits_arrival ON limits (arrival);

CREATE TABLE sessions (
    id_hash    TEXT PRIMARY KEY,
    data       BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires_at);
