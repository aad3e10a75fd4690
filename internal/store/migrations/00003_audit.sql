-- What operators did, each entry chained to the one before (package audit).
-- The details stand apart, since those about a person go with the person: the
-- chain holds a salted digest of them.

-- +goose Up
CREATE TABLE audit (
    seq     BIGINT PRIMARY KEY,
    at      BIGINT NOT NULL,
    subject TEXT NOT NULL,
    name    TEXT NOT NULL,
    role    TEXT NOT NULL,
    act     TEXT NOT NULL,
    whom    TEXT NOT NULL,
    client  TEXT NOT NULL,
    digest  TEXT NOT NULL,
    prev    TEXT NOT NULL,
    hash    TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_whom ON audit (whom, seq);
CREATE INDEX audit_act ON audit (act, seq);
CREATE INDEX audit_subject ON audit (subject, seq);

CREATE TABLE audit_details (
    seq  BIGINT PRIMARY KEY,
    salt TEXT NOT NULL,
    what TEXT NOT NULL
);

-- One row: the end of the chain, which whoever appends holds; up to where
-- events are sealed; up to where both were cut off, which is what may be
-- removed.
CREATE TABLE audit_head (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    seq        BIGINT NOT NULL,
    hash       TEXT NOT NULL,
    events     TEXT NOT NULL,
    cut        BIGINT NOT NULL,
    events_cut TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, hash, events, cut, events_cut) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', '', 0, '');
