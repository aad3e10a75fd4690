-- What came in from where, and when. A person belongs to the source that
-- brought them last; gone_at says since when that source has not known them.

-- +goose Up
ALTER TABLE people ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE people ADD COLUMN imported_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE people ADD COLUMN gone_at BIGINT NOT NULL DEFAULT 0;

CREATE TABLE imports (
    id        TEXT PRIMARY KEY,
    source    TEXT NOT NULL,
    file      TEXT NOT NULL,
    sha256    TEXT NOT NULL,
    operator  TEXT NOT NULL,
    state     TEXT NOT NULL,
    begun_at  BIGINT NOT NULL,
    ended_at  BIGINT NOT NULL DEFAULT 0,
    added     BIGINT NOT NULL DEFAULT 0,
    changed   BIGINT NOT NULL DEFAULT 0,
    unchanged BIGINT NOT NULL DEFAULT 0,
    gone      BIGINT NOT NULL DEFAULT 0,
    refused   BIGINT NOT NULL DEFAULT 0,
    error     TEXT NOT NULL DEFAULT ''
);
CREATE INDEX imports_begun ON imports (begun_at);

-- When each scheduled source is due: whoever moves it on runs it, so that of
-- several instances one does.
CREATE TABLE schedule (
    name   TEXT PRIMARY KEY,
    due_at BIGINT NOT NULL
);
