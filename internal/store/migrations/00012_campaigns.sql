-- +goose Up
CREATE TABLE campaigns (
    id         TEXT PRIMARY KEY,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    doc        TEXT NOT NULL
);

-- One mail to one person in one round, and never two.
CREATE TABLE campaign_mails (
    campaign_id TEXT NOT NULL REFERENCES campaigns (id),
    person_id   TEXT NOT NULL,
    round       BIGINT NOT NULL,
    job_id      TEXT NOT NULL,
    state       TEXT NOT NULL,
    why         TEXT NOT NULL,
    at          BIGINT NOT NULL,
    sent_at     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign_id, person_id, round)
);
CREATE INDEX campaign_mails_job ON campaign_mails (job_id);
CREATE INDEX campaign_mails_person ON campaign_mails (person_id, sent_at);
CREATE INDEX campaign_mails_state ON campaign_mails (campaign_id, state, round, at);

-- The address that was found wrong. It counts while it is the person's own.
ALTER TABLE people ADD COLUMN wrong_address TEXT NOT NULL DEFAULT '';
ALTER TABLE people ADD COLUMN wrong_why TEXT NOT NULL DEFAULT '';
ALTER TABLE people ADD COLUMN wrong_since BIGINT NOT NULL DEFAULT 0;
CREATE INDEX people_wrong ON people (wrong_since) WHERE wrong_address <> '';
CREATE INDEX people_segment ON people (profile, cohort);
