-- Baseline of the PostgreSQL schema. Nothing is released yet: until the first release
-- a change edits this file and its twin in ../sqlite, followed by `make schema`.
-- After the release this file is frozen and changes are new numbered files.
--
-- All times are microseconds since 1970 in UTC; 0 means "not set". Columns have
-- the same names and meanings on both databases.

-- +goose Up
CREATE TABLE people (
    id                 TEXT PRIMARY KEY,
    profile            TEXT NOT NULL,
    number             TEXT NOT NULL,
    -- The national student number, by which claims also find the person.
    ine                TEXT NOT NULL DEFAULT '',
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
    -- domain.Stage: progress of the activation.
    stage              BIGINT NOT NULL DEFAULT 0,
    -- When the data will be erased; 0: never. Until then it can be taken back.
    erase_at           BIGINT NOT NULL DEFAULT 0,
    -- The row of an erased person remains so that no import adds the person again.
    erased_at          BIGINT NOT NULL DEFAULT 0,
    -- Folded words of names, number, login and addresses, for search and sorting
    -- (searchText in search.go).
    search             TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- The job of the newest password chosen in a recovery; an older job does nothing.
    password_job       TEXT NOT NULL DEFAULT '',
    -- Since when the recovery of the account is stopped; 0: it is not.
    recovery_frozen_at BIGINT NOT NULL DEFAULT 0,
    -- The operator's reason for holding the person; empty if not held.
    hold               TEXT NOT NULL DEFAULT '',
    -- 'open' while an account of the realm may belong to the person, and the first
    -- pass over the realm's accounts that included the person.
    matching           TEXT NOT NULL DEFAULT '',
    matched_at         BIGINT NOT NULL DEFAULT 0,
    -- The source that imported the person last, and since when the source no
    -- longer contains the person.
    source             TEXT NOT NULL DEFAULT '',
    imported_at        BIGINT NOT NULL DEFAULT 0,
    gone_at            BIGINT NOT NULL DEFAULT 0,
    -- The address that bounced. It counts only while it equals email or second_email.
    wrong_address      TEXT NOT NULL DEFAULT '',
    wrong_why          TEXT NOT NULL DEFAULT '',
    wrong_since        BIGINT NOT NULL DEFAULT 0,
    -- The bounce rule that marked the address, and the mail provider.
    wrong_rule         TEXT NOT NULL DEFAULT '',
    wrong_provider     TEXT NOT NULL DEFAULT '',
    -- The address that the student or an operator set, which counts only while it
    -- equals email; the address of the source is then in source_email.
    chosen_email       TEXT NOT NULL DEFAULT '',
    source_email       TEXT NOT NULL DEFAULT '',
    -- The mobile number of the source, and the one that the student proved or 'none'.
    phone              TEXT NOT NULL DEFAULT '',
    chosen_phone       TEXT NOT NULL DEFAULT '',
    -- A second personal address that the student proved, which counts only while it
    -- differs from email.
    second_email       TEXT NOT NULL DEFAULT '',
    UNIQUE (profile, number)
);
CREATE INDEX people_ine ON people (ine) WHERE ine <> '';
CREATE INDEX people_email ON people (email);
CREATE INDEX people_second ON people (second_email) WHERE second_email <> '';
CREATE INDEX people_login ON people (login) WHERE login <> '';
-- One account belongs to one person.
CREATE UNIQUE INDEX people_account_id ON people (account_id) WHERE account_id <> '';
-- The accounts whose id in Keycloak is not known yet.
CREATE INDEX people_entry ON people (id) WHERE substr(account_id, 1, 6) = 'entry:';
CREATE INDEX people_parked ON people (id) WHERE account = 'parked';
CREATE INDEX people_erase ON people (erase_at) WHERE erase_at <> 0;
CREATE INDEX people_wrong ON people (wrong_since) WHERE wrong_address <> '';
CREATE INDEX people_chosen ON people (profile, number) WHERE chosen_email <> '';
CREATE INDEX people_search ON people (substr(search, 1, 40), id);
CREATE INDEX people_number ON people (number, id);
CREATE INDEX people_number_case ON people (profile, upper(number)) WHERE upper(number) <> lower(number);
CREATE INDEX people_activated ON people (activated_at, id);
CREATE INDEX people_cohort ON people (cohort, profile, stage);
-- The expression must equal stateColumn in search.go.
CREATE INDEX people_state ON people ((CASE WHEN account = 'parked' THEN 'parked' WHEN account = 'creating' THEN 'creating'
	WHEN account = 'active' AND first_login_at = 0 THEN 'unused' WHEN account = 'active' THEN 'active'
	WHEN hold <> '' OR readiness = 'held' OR erase_at <> 0 THEN 'held' WHEN readiness = 'ready' THEN 'ready' ELSE 'not_ready' END), cohort, profile);

-- The full-text index of people.search.
-- New rows wait in a pending list (4 MB by default), which each search compares with some
-- hundred spellings: up to a second. 64 kB, the least possible, keep it short.
CREATE INDEX people_words ON people USING gin ((cast(search AS tsvector))) WITH (gin_pending_list_limit = 64);

-- The trigrams of the number, login, addresses and joined names, which follow # in
-- people.search. The extension pg_trgm may be missing; a piece of a number is not
-- found then, all other searches work.
-- +goose StatementBegin
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX people_parts ON people USING gin (substr(search, strpos(search, '#')) gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'no index people_parts: %', SQLERRM;
END $$;
-- +goose StatementEnd

-- Logins and university addresses ever assigned. Append-only: a value is never
-- assigned to a second person.
CREATE TABLE names (
    kind      TEXT NOT NULL,
    value     TEXT NOT NULL,
    person_id TEXT NOT NULL,
    PRIMARY KEY (kind, value)
);

CREATE TABLE journeys (
    id         TEXT PRIMARY KEY,
    version    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    doc        TEXT NOT NULL,
    person_id  TEXT NOT NULL DEFAULT '',
    address    TEXT NOT NULL DEFAULT '',
    -- A journey never expires before it begins. expires_at changes at each step and has
    -- no index for that reason.
    begun_at   BIGINT NOT NULL
) WITH (fillfactor = 60); -- room for the next steps on the same page
CREATE INDEX journeys_begun ON journeys (begun_at);
CREATE INDEX journeys_person ON journeys (person_id);
CREATE INDEX journeys_address ON journeys (address);

-- Charter texts by their hash. Append-only.
CREATE TABLE charters (
    sha256       TEXT PRIMARY KEY,
    profile      TEXT NOT NULL,
    lang         TEXT NOT NULL,
    version      TEXT NOT NULL,
    title        TEXT NOT NULL,
    text         TEXT NOT NULL,
    published_at BIGINT NOT NULL
);

-- Published versions. Append-only.
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

-- Versions cancelled before from_at. Append-only.
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

-- Append-only. mac is a MAC of the row and of the person's number (record.go);
-- empty if written without the secret.
CREATE TABLE acceptances (
    person_id  TEXT NOT NULL,
    journey_id TEXT NOT NULL,
    profile    TEXT NOT NULL,
    lang       TEXT NOT NULL,
    version    TEXT NOT NULL,
    sha256     TEXT NOT NULL REFERENCES charters (sha256),
    at         BIGINT NOT NULL,
    mac        TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (person_id, journey_id, sha256)
);
CREATE INDEX acceptances_at ON acceptances (at);

-- What happened to people and journeys. Rows can be deleted only up to
-- audit_head.events_cut.
CREATE TABLE events (
    id         TEXT PRIMARY KEY,
    at         BIGINT NOT NULL,
    kind       TEXT NOT NULL,
    person_id  TEXT NOT NULL,
    journey_id TEXT NOT NULL,
    details    TEXT NOT NULL
);
CREATE INDEX events_person ON events (person_id, at);
CREATE INDEX events_kind ON events (kind, at);

-- The outbox: work for Keycloak, the mail server and webhooks.
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

-- Rate limits (GCRA): the theoretical arrival time per key. arrival changes with each
-- act and has no index for that reason.
CREATE TABLE limits (
    key     TEXT PRIMARY KEY,
    arrival BIGINT NOT NULL,
    granted BIGINT NOT NULL
);

CREATE TABLE sessions (
    id_hash    TEXT PRIMARY KEY,
    data       BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    journey_id TEXT NOT NULL -- read together with the session; empty if it has none
);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Codes issued by the help desk in place of a mailed code.
CREATE TABLE desk_codes (
    person_id  TEXT PRIMARY KEY,
    mac        TEXT NOT NULL UNIQUE,
    operator   TEXT NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX desk_codes_expires ON desk_codes (expires_at);

-- Long codes sent by mail where six digits may not be enough.
CREATE TABLE long_codes (
    mac        TEXT PRIMARY KEY,
    purpose    TEXT NOT NULL,
    profile    TEXT NOT NULL,
    address    TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX long_codes_expires ON long_codes (expires_at);
CREATE INDEX long_codes_address ON long_codes (address);

-- Changes of personal addresses by students. Until until_at the old address can take
-- the change back. closed is empty, 'taken_back' or 'by_operator'.
CREATE TABLE contact_changes (
    id          TEXT PRIMARY KEY,
    person_id   TEXT NOT NULL,
    old_address TEXT NOT NULL,
    new_address TEXT NOT NULL,
    at          BIGINT NOT NULL,
    until_at    BIGINT NOT NULL,
    closed_at   BIGINT NOT NULL DEFAULT 0,
    closed      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX contact_changes_person ON contact_changes (person_id, at);
CREATE INDEX contact_changes_at ON contact_changes (at);

-- Claims of people who cannot reach the address of the registry, with what they typed.
-- person_id is empty if no person has the number.
CREATE TABLE address_claims (
    id          TEXT PRIMARY KEY,
    journey_id  TEXT NOT NULL UNIQUE,
    person_id   TEXT NOT NULL,
    profile     TEXT NOT NULL,
    number      TEXT NOT NULL,
    given_name  TEXT NOT NULL,
    family_name TEXT NOT NULL,
    birth_date  TEXT NOT NULL,
    address     TEXT NOT NULL,
    lang        TEXT NOT NULL,
    client      TEXT NOT NULL,
    asked_at    BIGINT NOT NULL,
    proven_at   BIGINT NOT NULL,
    state       TEXT NOT NULL,
    decided_at  BIGINT NOT NULL,
    -- The first decision, with the subject of the operator's login, and the one
    -- after 'agreed'.
    operator      TEXT NOT NULL DEFAULT '',
    operator_id   TEXT NOT NULL DEFAULT '',
    reason        TEXT NOT NULL DEFAULT '',
    second        TEXT NOT NULL DEFAULT '',
    second_reason TEXT NOT NULL DEFAULT '',
    card_seen     BIGINT NOT NULL DEFAULT 0,
    opens_at      BIGINT NOT NULL,
    -- The address that the claim replaced, once it is done.
    old_address   TEXT NOT NULL DEFAULT '',
    -- Folded words of number, names and address, for search.
    search        TEXT NOT NULL
);
CREATE INDEX address_claims_state ON address_claims (state, asked_at);
CREATE INDEX address_claims_client ON address_claims (client);
CREATE INDEX address_claims_number ON address_claims (profile, number);
CREATE INDEX address_claims_person ON address_claims (person_id);

-- Requests of operators to remove lost second factors. ended_at is 0 while the removal
-- is to come.
CREATE TABLE factor_removals (
    id          TEXT PRIMARY KEY,
    person_id   TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    asked_by_id TEXT NOT NULL,
    reason      TEXT NOT NULL,
    asked_at    BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    state       TEXT NOT NULL,
    agreed_by   TEXT NOT NULL DEFAULT '',
    ended_at    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX factor_removals_open ON factor_removals (person_id) WHERE ended_at = 0;
CREATE INDEX factor_removals_person ON factor_removals (person_id, asked_at);

-- The kinds of passkeys and second factors that accounts have, since when the portal
-- knows. The kind 'later' says that a second factor was offered and declined.
CREATE TABLE factors (
    person_id TEXT NOT NULL,
    kind      TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (person_id, kind)
);

-- The changes of factors of the last days, by their keys, so that each is told once.
CREATE TABLE factor_changes (
    key       TEXT PRIMARY KEY,
    person_id TEXT NOT NULL,
    kind      TEXT NOT NULL,
    removed   BIGINT NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX factor_changes_person ON factor_changes (person_id, kind, at);
CREATE INDEX factor_changes_at ON factor_changes (at);

-- How often an event with the same journey and kind happened in its minute. The
-- key is a hash of the three.
CREATE TABLE event_tallies (
    key      TEXT PRIMARY KEY,
    event_id TEXT NOT NULL,
    kind     TEXT NOT NULL,
    at       BIGINT NOT NULL,
    n        BIGINT NOT NULL
);
CREATE INDEX event_tallies_event ON event_tallies (event_id);

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

-- When each scheduled source is due. The instance that advances due_at runs it.
CREATE TABLE schedule (
    name   TEXT PRIMARY KEY,
    due_at BIGINT NOT NULL
);

-- Comparisons of the realm's accounts with the people who have none. doc holds
-- the counts.
CREATE TABLE match_passes (
    id       TEXT PRIMARY KEY,
    begun_at BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL,
    ended_at BIGINT NOT NULL DEFAULT 0,
    state    TEXT NOT NULL,
    doc      TEXT NOT NULL
);
CREATE INDEX match_passes_begun ON match_passes (begun_at);

-- The index of the realm's accounts, empty except while a pass runs.
CREATE TABLE match_accounts (
    id  TEXT PRIMARY KEY,
    doc BYTEA NOT NULL
);
CREATE TABLE match_keys (
    key        TEXT NOT NULL,
    account_id TEXT NOT NULL,
    PRIMARY KEY (key, account_id)
);

-- Accounts that may belong to a person.
CREATE TABLE matches (
    person_id  TEXT NOT NULL,
    account_id TEXT NOT NULL,
    pass_id    TEXT NOT NULL,
    login      TEXT NOT NULL,
    address    TEXT NOT NULL,
    class      TEXT NOT NULL,
    evidence   TEXT NOT NULL,
    state      TEXT NOT NULL,
    PRIMARY KEY (person_id, account_id)
);
CREATE INDEX matches_account ON matches (account_id);
CREATE INDEX matches_class ON matches (class, person_id, account_id);

CREATE TABLE campaigns (
    id         TEXT PRIMARY KEY,
    version    BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    doc        TEXT NOT NULL
);

-- One mail per person and round of a campaign.
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

-- Refusals of our mails by a provider whatever the recipient, since the first
-- one after a day without any. words are those of the last refusal.
CREATE TABLE mail_refusals (
    provider TEXT NOT NULL,
    reason   TEXT NOT NULL,
    since_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    count    BIGINT NOT NULL,
    words    TEXT NOT NULL,
    PRIMARY KEY (provider, reason)
);

-- The mails that mail_refusals counts, by the id of their job, so that a bounce
-- that is read twice counts once.
CREATE TABLE refused_mails (
    job_id TEXT PRIMARY KEY,
    at     BIGINT NOT NULL
);
CREATE INDEX refused_mails_at ON refused_mails (at);

-- Named points in time, such as the last login event read from the realm.
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    at   BIGINT NOT NULL
);

-- Acts of operators, each entry chained to the previous one (package audit).
-- Rows can be deleted only up to audit_head.cut.
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
    hash    TEXT NOT NULL,
    mac     TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_whom ON audit (whom, seq);
CREATE INDEX audit_act ON audit (act, seq);
CREATE INDEX audit_subject ON audit (subject, seq);

-- The details of audit entries, outside the chain, which holds a salted digest
-- of them: details about a person are deleted when the person is erased.
CREATE TABLE audit_details (
    seq  BIGINT PRIMARY KEY,
    salt TEXT NOT NULL,
    what TEXT NOT NULL
);

-- One row: the last entry of the chain, the last sealed event, and the last
-- entry and event that were pruned. Appending locks this row.
CREATE TABLE audit_head (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    seq        BIGINT NOT NULL,
    hash       TEXT NOT NULL,
    events     TEXT NOT NULL,
    cut        BIGINT NOT NULL,
    events_cut TEXT NOT NULL,
    mac        TEXT NOT NULL DEFAULT ''
);
INSERT INTO audit_head (id, seq, hash, events, cut, events_cut) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', '', 0, '');

-- Keys of the MACs above whose master key was removed from the secret, sealed
-- under the master key whose id is sealed_by.
CREATE TABLE record_keys (
    id        TEXT NOT NULL,
    sealed_by TEXT NOT NULL,
    box       BYTEA NOT NULL,
    PRIMARY KEY (id, sealed_by)
);

-- Append-only tables reject every change; events and audit allow pruning.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
-- +goose StatementEnd
CREATE TRIGGER names_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON names FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER charters_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charters FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER charter_versions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charter_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER charters_called_off_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON charters_called_off FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER acceptances_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON acceptances FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_no_change BEFORE UPDATE OR TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- +goose StatementBegin
CREATE FUNCTION events_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.id > (SELECT events_cut FROM audit_head) THEN RAISE EXCEPTION 'events is append-only'; END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_no_delete BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_no_delete();
CREATE TRIGGER audit_no_change BEFORE UPDATE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- +goose StatementBegin
CREATE FUNCTION audit_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.seq > (SELECT cut FROM audit_head) THEN RAISE EXCEPTION 'audit is append-only'; END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_no_delete();
