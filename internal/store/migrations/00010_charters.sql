-- +goose Up
-- What was published, and what was called off before its time: rows are only
-- ever added, as in charters, which holds the texts by their hashes.
CREATE TABLE charter_versions (
    id           TEXT PRIMARY KEY,
    profile      TEXT NOT NULL,
    name         TEXT NOT NULL,
    title_fr     TEXT NOT NULL,
    title_en     TEXT NOT NULL,
    sha256_fr    TEXT NOT NULL REFERENCES charters (sha256),
    sha256_en    TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    published_by TEXT NOT NULL,
    from_at      BIGINT NOT NULL,
    UNIQUE (profile, name)
);

CREATE TABLE charters_called_off (
    version_id TEXT PRIMARY KEY REFERENCES charter_versions (id),
    at         BIGINT NOT NULL,
    by_whom    TEXT NOT NULL
);

CREATE TABLE charter_drafts (
    id        TEXT PRIMARY KEY,
    profile   TEXT NOT NULL,
    name      TEXT NOT NULL,
    title_fr  TEXT NOT NULL,
    title_en  TEXT NOT NULL,
    text_fr   TEXT NOT NULL,
    text_en   TEXT NOT NULL,
    revision  BIGINT NOT NULL,
    edited_at BIGINT NOT NULL,
    edited_by TEXT NOT NULL
);
