-- How far each person came (activation.Stage): the index alone answers how
-- many stand where.

-- +goose Up
ALTER TABLE people ADD COLUMN stage BIGINT NOT NULL DEFAULT 0;
UPDATE people SET stage = CASE
    WHEN first_login_at > 0 THEN 6
    WHEN account = 'active' THEN 5
    WHEN EXISTS (SELECT 1 FROM acceptances a WHERE a.person_id = people.id) THEN 4
    WHEN EXISTS (SELECT 1 FROM events e WHERE e.person_id = people.id AND e.kind IN ('code.proven', 'identity.verified')) THEN 3
    ELSE 0 END;
CREATE INDEX people_stage ON people (profile, cohort, stage);
CREATE INDEX people_parked ON people (id) WHERE account = 'parked';
CREATE INDEX events_kind ON events (kind, at);

-- Who was erased on request: the row keeps what must be kept, and no import
-- fills it again.
ALTER TABLE people ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0;
