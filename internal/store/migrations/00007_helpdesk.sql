-- Codes of the desk, and journeys that are found by whom they are for.

-- +goose Up
CREATE TABLE desk_codes (
    person_id  TEXT PRIMARY KEY,
    mac        TEXT NOT NULL UNIQUE,
    operator   TEXT NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX desk_codes_expires ON desk_codes (expires_at);

-- What began before this stands with neither, and ends within hours.
ALTER TABLE journeys ADD COLUMN person_id TEXT NOT NULL DEFAULT '';
ALTER TABLE journeys ADD COLUMN address TEXT NOT NULL DEFAULT '';
CREATE INDEX journeys_person ON journeys (person_id);
CREATE INDEX journeys_address ON journeys (address);
