-- Which of a person's e-mail addresses a service gets. The mac binds the choice to person and service.
CREATE TABLE service_address (
    id BLOB NOT NULL UNIQUE,              -- sensitive: no
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    entity_id TEXT NOT NULL,              -- sensitive: no
    contact BLOB NOT NULL,                -- sensitive: no
    chosen_at BIGINT NOT NULL,            -- sensitive: no
    mac BLOB NOT NULL,                    -- sensitive: keyed
    PRIMARY KEY (subscriber, entity_id)
);

-- By which addresses a service knows people, and whom: no other account is called by one of them there. Rows outlive the address.
CREATE TABLE address_name (
    entity_id TEXT NOT NULL,              -- sensitive: no
    fingerprint BLOB NOT NULL,            -- sensitive: keyed
    subscriber BLOB NOT NULL REFERENCES subscriber (id), -- sensitive: no
    first_sent_at BIGINT NOT NULL,        -- sensitive: no
    PRIMARY KEY (entity_id, fingerprint)
);
