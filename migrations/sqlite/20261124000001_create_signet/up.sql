-- Accounts.

CREATE TABLE subscriber (
    id BLOB NOT NULL PRIMARY KEY,                 -- sensitive: no
    status TEXT NOT NULL,                         -- sensitive: no
    vault TEXT NOT NULL,                          -- sensitive: no
    created_at BIGINT NOT NULL,                   -- sensitive: no
    rules_accepted_at BIGINT NOT NULL,            -- sensitive: no
    mac BLOB NOT NULL,                        -- sensitive: keyed
    failures_in_a_row INTEGER NOT NULL DEFAULT 0, -- sensitive: no
    locked_until BIGINT                           -- sensitive: no
);

CREATE TABLE email_address (
    id BLOB NOT NULL PRIMARY KEY,         -- sensitive: no
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    fingerprint BLOB NOT NULL UNIQUE,     -- sensitive: keyed
    sealed BLOB NOT NULL,                 -- sensitive: sealed
    confirmed_at BIGINT NOT NULL,         -- sensitive: no
    last_sign_in_at BIGINT                -- sensitive: no
);
CREATE INDEX email_address_of ON email_address (subscriber);

CREATE TABLE email_link (
    token_hash BLOB NOT NULL PRIMARY KEY, -- sensitive: keyed
    purpose TEXT NOT NULL,                -- sensitive: no
    sealed BLOB NOT NULL,                 -- sensitive: sealed
    made_at BIGINT NOT NULL,              -- sensitive: no
    expires_at BIGINT NOT NULL,           -- sensitive: no
    used_at BIGINT                        -- sensitive: no
);
CREATE INDEX email_link_expiry ON email_link (expires_at);

CREATE TABLE password_credential (
    subscriber BLOB NOT NULL PRIMARY KEY REFERENCES subscriber (id), -- sensitive: no
    verifier BLOB NOT NULL,               -- sensitive: keyed
    set_at BIGINT NOT NULL,               -- sensitive: no
    mac BLOB NOT NULL                     -- sensitive: keyed
);

CREATE TABLE authenticator (
    id BLOB NOT NULL PRIMARY KEY,         -- sensitive: no
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    kind TEXT NOT NULL,                   -- sensitive: no
    name_sealed BLOB NOT NULL,            -- sensitive: sealed
    sealed BLOB NOT NULL,                 -- sensitive: sealed
    fingerprint BLOB UNIQUE,              -- sensitive: keyed
    counter BIGINT NOT NULL,              -- sensitive: no
    failures_in_a_row INTEGER NOT NULL DEFAULT 0, -- sensitive: no
    locked_until BIGINT,                  -- sensitive: no
    created_at BIGINT NOT NULL,           -- sensitive: no
    last_used_at BIGINT,                  -- sensitive: no
    disabled_at BIGINT                    -- sensitive: no
);
CREATE INDEX authenticator_of ON authenticator (subscriber);

CREATE TABLE out_of_band_code (
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    purpose TEXT NOT NULL,                -- sensitive: no
    mac BLOB NOT NULL,                    -- sensitive: keyed
    expires_at BIGINT NOT NULL,           -- sensitive: no
    consumed_at BIGINT,                   -- sensitive: no
    PRIMARY KEY (subscriber, purpose)
);

-- The vault.

CREATE TABLE vault_slot (
    id BLOB NOT NULL PRIMARY KEY,         -- sensitive: no
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    kind TEXT NOT NULL,                   -- sensitive: no
    authenticator BLOB,                   -- sensitive: no
    sealed BLOB NOT NULL,                 -- sensitive: twice
    created_at BIGINT NOT NULL            -- sensitive: no
);
CREATE INDEX vault_slot_of ON vault_slot (subscriber);

CREATE TABLE vault_attribute (
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    attribute TEXT NOT NULL,              -- sensitive: no
    version INTEGER NOT NULL,             -- sensitive: no
    sealed BLOB NOT NULL,                 -- sensitive: twice
    created_at BIGINT NOT NULL,           -- sensitive: no
    PRIMARY KEY (subscriber, attribute, version)
);

CREATE TABLE proofed_profile (
    subscriber BLOB NOT NULL PRIMARY KEY REFERENCES subscriber (id), -- sensitive: no
    ial INTEGER NOT NULL,                 -- sensitive: no
    verified_at BIGINT NOT NULL,          -- sensitive: no
    expires_at BIGINT,                    -- sensitive: no
    mac BLOB NOT NULL                     -- sensitive: keyed
);

-- Sessions and what is waiting.

CREATE TABLE session (
    id_hash BLOB NOT NULL PRIMARY KEY,    -- sensitive: keyed
    subscriber BLOB,                      -- sensitive: no
    created_at BIGINT NOT NULL,           -- sensitive: no
    idle_until BIGINT NOT NULL,           -- sensitive: no
    absolute_until BIGINT NOT NULL,       -- sensitive: no
    revoked_at BIGINT,                    -- sensitive: no
    sealed BLOB NOT NULL                  -- sensitive: twice
);
CREATE INDEX session_of ON session (subscriber);
CREATE INDEX session_expiry ON session (absolute_until);

CREATE TABLE session_participant (
    session BLOB NOT NULL,                -- sensitive: keyed
    subscriber BLOB NOT NULL,             -- sensitive: no
    entity_id TEXT NOT NULL,              -- sensitive: no
    assertion_id TEXT NOT NULL,           -- sensitive: no
    session_index TEXT NOT NULL,          -- sensitive: no
    name_id_sealed BLOB NOT NULL,         -- sensitive: sealed
    joined_at BIGINT NOT NULL,            -- sensitive: no
    PRIMARY KEY (session, entity_id, assertion_id)
);
CREATE INDEX session_participant_by_index ON session_participant (entity_id, session_index);

CREATE TABLE logout (
    id BLOB NOT NULL PRIMARY KEY,         -- sensitive: no
    asked_by TEXT,                        -- sensitive: no
    request_id TEXT,                      -- sensitive: no
    relay_state_sealed BLOB,              -- sensitive: sealed
    started_at BIGINT NOT NULL,           -- sensitive: no
    expires_at BIGINT NOT NULL,           -- sensitive: no
    extent TEXT NOT NULL,                 -- sensitive: no
    answered_at BIGINT                    -- sensitive: no
);
CREATE INDEX logout_expiry ON logout (expires_at);

CREATE TABLE logout_session (
    logout BLOB NOT NULL,                 -- sensitive: no
    session BLOB NOT NULL,                -- sensitive: keyed
    subscriber BLOB NOT NULL,             -- sensitive: no
    assertion_id TEXT NOT NULL,           -- sensitive: no
    PRIMARY KEY (logout, session, assertion_id)
);

CREATE TABLE logout_step (
    logout BLOB NOT NULL,                 -- sensitive: no
    subscriber BLOB NOT NULL,             -- sensitive: no
    position INTEGER NOT NULL,            -- sensitive: no
    entity_id TEXT NOT NULL,              -- sensitive: no
    assertion_id TEXT NOT NULL,           -- sensitive: no
    session_index TEXT NOT NULL,          -- sensitive: no
    name_id_sealed BLOB NOT NULL,         -- sensitive: sealed
    request_id TEXT,                      -- sensitive: no
    outcome TEXT NOT NULL,                -- sensitive: no
    PRIMARY KEY (logout, position)
);
CREATE UNIQUE INDEX logout_step_by_request ON logout_step (request_id);

CREATE TABLE pending_request (
    id BLOB NOT NULL PRIMARY KEY,         -- sensitive: no
    session BLOB NOT NULL,                -- sensitive: keyed
    entity_id TEXT NOT NULL,              -- sensitive: no
    request_id TEXT NOT NULL,             -- sensitive: no
    received_sealed BLOB NOT NULL,        -- sensitive: sealed
    received_at BIGINT NOT NULL,          -- sensitive: no
    expires_at BIGINT NOT NULL,           -- sensitive: no
    finished_at BIGINT                    -- sensitive: no
);
CREATE INDEX pending_request_expiry ON pending_request (expires_at);

CREATE TABLE seen_request (
    entity_id TEXT NOT NULL,              -- sensitive: no
    request_id TEXT NOT NULL,             -- sensitive: no
    expires_at BIGINT NOT NULL,           -- sensitive: no
    PRIMARY KEY (entity_id, request_id)
);
CREATE INDEX seen_request_expiry ON seen_request (expires_at);

CREATE TABLE artifact (
    digest BLOB NOT NULL PRIMARY KEY,     -- sensitive: no
    entity_id TEXT NOT NULL,              -- sensitive: no
    response_sealed BLOB NOT NULL,        -- sensitive: sealed
    expires_at BIGINT NOT NULL            -- sensitive: no
);
CREATE INDEX artifact_expiry ON artifact (expires_at);

CREATE TABLE throttle (
    key_hash BLOB NOT NULL PRIMARY KEY,   -- sensitive: keyed
    tries INTEGER NOT NULL,               -- sensitive: no
    ends_at BIGINT NOT NULL               -- sensitive: no
);
CREATE INDEX throttle_expiry ON throttle (ends_at);

-- Federation.

-- A row that was found altered has an empty mac from then on, and counts for nothing whatever is done to it.
CREATE TABLE sp_revision (
    sha256 BLOB NOT NULL,                 -- sensitive: no
    entity_id TEXT NOT NULL,              -- sensitive: no
    agency_id TEXT NOT NULL,              -- sensitive: no
    folder TEXT NOT NULL,                 -- sensitive: no
    metadata BLOB NOT NULL,               -- sensitive: no
    agreement BLOB NOT NULL,              -- sensitive: no
    applied_at BIGINT NOT NULL,           -- sensitive: no
    applied_by TEXT NOT NULL,             -- sensitive: no
    sequence BIGINT NOT NULL,             -- sensitive: no
    superseded_at BIGINT,                 -- sensitive: no
    mac BLOB NOT NULL,                    -- sensitive: keyed
    PRIMARY KEY (entity_id, sha256, applied_at)
);

CREATE TABLE signing_plan (
    version BIGINT NOT NULL PRIMARY KEY,  -- sensitive: no
    document TEXT NOT NULL,               -- sensitive: no
    mac BLOB NOT NULL,                    -- sensitive: keyed
    made_at BIGINT NOT NULL,              -- sensitive: no
    made_by TEXT NOT NULL                 -- sensitive: no
);

CREATE TABLE signing_node (
    node TEXT NOT NULL PRIMARY KEY,       -- sensitive: no
    plan_version BIGINT NOT NULL,         -- sensitive: no
    seen_at BIGINT NOT NULL               -- sensitive: no
);

CREATE TABLE metadata_fetch (
    entity_id TEXT NOT NULL PRIMARY KEY,  -- sensitive: no
    fetched_at BIGINT NOT NULL,           -- sensitive: no
    plan_version BIGINT NOT NULL          -- sensitive: no
);

CREATE TABLE pairwise_identifier (
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    agency_id TEXT NOT NULL,              -- sensitive: no
    value BLOB NOT NULL UNIQUE,           -- sensitive: no
    created_at BIGINT NOT NULL,           -- sensitive: no
    mac BLOB NOT NULL,                    -- sensitive: keyed
    PRIMARY KEY (subscriber, agency_id)
);

-- Taking a consent back empties its mac, so that it counts for nothing whatever is done to the row.
CREATE TABLE consent (
    id BLOB NOT NULL PRIMARY KEY,         -- sensitive: no
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    entity_id TEXT NOT NULL,              -- sensitive: no
    scope BLOB NOT NULL,                  -- sensitive: no
    given_at BIGINT NOT NULL,             -- sensitive: no
    revoked_at BIGINT,                    -- sensitive: no
    mac BLOB NOT NULL                     -- sensitive: keyed
);
CREATE INDEX consent_of ON consent (subscriber, entity_id, given_at);

CREATE TABLE disclosure (
    chain BLOB NOT NULL,                  -- sensitive: no
    seq BIGINT NOT NULL,                  -- sensitive: no
    prev_hash BLOB NOT NULL,              -- sensitive: no
    hash BLOB NOT NULL,                   -- sensitive: no
    id BLOB NOT NULL UNIQUE,              -- sensitive: no
    at BIGINT NOT NULL,                   -- sensitive: no
    subscriber BLOB NOT NULL,             -- sensitive: no
    entity_id TEXT NOT NULL,              -- sensitive: no
    agency_id TEXT NOT NULL,              -- sensitive: no
    sp_revision BLOB NOT NULL,            -- sensitive: no
    consent BLOB NOT NULL,                -- sensitive: no
    scope_digest BLOB NOT NULL,           -- sensitive: no
    content_digest BLOB NOT NULL,         -- sensitive: keyed
    content_key_id TEXT NOT NULL,         -- sensitive: no
    names TEXT NOT NULL,                  -- sensitive: no
    ial INTEGER NOT NULL,                 -- sensitive: no
    aal INTEGER NOT NULL,                 -- sensitive: no
    class_ref TEXT NOT NULL,              -- sensitive: no
    name_id_format TEXT NOT NULL,         -- sensitive: no
    assertion_id TEXT NOT NULL,           -- sensitive: no
    session_index TEXT NOT NULL,          -- sensitive: no
    in_response_to TEXT NOT NULL,         -- sensitive: no
    assertion_digest BLOB NOT NULL,       -- sensitive: keyed
    signing_key_id TEXT NOT NULL,         -- sensitive: no
    PRIMARY KEY (chain, seq)
);
CREATE INDEX disclosure_about ON disclosure (subscriber, at);
CREATE INDEX disclosure_to ON disclosure (entity_id, at);

-- Work and history.

CREATE TABLE outbox (
    id BLOB NOT NULL PRIMARY KEY,         -- sensitive: no
    kind TEXT NOT NULL,                   -- sensitive: no
    sealed BLOB,                          -- sensitive: sealed
    run_at BIGINT NOT NULL,               -- sensitive: no
    lease_until BIGINT,                   -- sensitive: no
    attempts INTEGER NOT NULL,            -- sensitive: no
    expires_at BIGINT NOT NULL,           -- sensitive: no
    finished_at BIGINT,                   -- sensitive: no
    outcome TEXT                          -- sensitive: no
);
CREATE INDEX outbox_due ON outbox (finished_at, run_at);

CREATE TABLE history (
    id BLOB NOT NULL PRIMARY KEY,         -- sensitive: no
    subscriber BLOB NOT NULL,             -- sensitive: no
    at BIGINT NOT NULL,                   -- sensitive: no
    kind TEXT NOT NULL,                   -- sensitive: no
    told TEXT NOT NULL                    -- sensitive: no
);
CREATE INDEX history_of ON history (subscriber, at);
