-- How far something outside was read, by name: the realm's login events.

-- +goose Up
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    at   BIGINT NOT NULL
);
CREATE INDEX people_account_id ON people (account_id);
