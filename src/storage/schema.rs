//! The tables, for Diesel. The migrations say what each column is for and whether it is sensitive.

diesel::table! {
    subscriber (id) {
        id -> Binary,
        status -> Text,
        vault -> Text,
        created_at -> BigInt,
        rules_accepted_at -> BigInt,
        mac -> Binary,
        failures_in_a_row -> Integer,
        locked_until -> Nullable<BigInt>,
        language -> Nullable<Text>,
    }
}

diesel::table! {
    email_address (id) {
        id -> Binary,
        subscriber -> Binary,
        fingerprint -> Binary,
        sealed -> Binary,
        confirmed_at -> BigInt,
        last_sign_in_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    email_link (token_hash) {
        token_hash -> Binary,
        purpose -> Text,
        sealed -> Binary,
        made_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    password_credential (subscriber) {
        subscriber -> Binary,
        verifier -> Binary,
        set_at -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    authenticator (id) {
        id -> Binary,
        subscriber -> Binary,
        kind -> Text,
        name_sealed -> Binary,
        sealed -> Binary,
        fingerprint -> Nullable<Binary>,
        counter -> BigInt,
        failures_in_a_row -> Integer,
        locked_until -> Nullable<BigInt>,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        disabled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    out_of_band_code (subscriber, purpose) {
        subscriber -> Binary,
        purpose -> Text,
        mac -> Binary,
        expires_at -> BigInt,
        consumed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    known_browser (id) {
        id -> Binary,
        subscriber -> Binary,
        made_at -> BigInt,
        expires_at -> BigInt,
        failures_in_a_row -> Integer,
        mac -> Binary,
    }
}

diesel::table! {
    vault_slot (id) {
        id -> Binary,
        subscriber -> Binary,
        kind -> Text,
        authenticator -> Nullable<Binary>,
        sealed -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    vault_attribute (subscriber, attribute, version) {
        subscriber -> Binary,
        attribute -> Text,
        version -> Integer,
        sealed -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    proofed_profile (subscriber) {
        subscriber -> Binary,
        ial -> Integer,
        verified_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        mac -> Binary,
        face_was_matched -> Integer,
    }
}

diesel::table! {
    session (id_hash) {
        id_hash -> Binary,
        subscriber -> Nullable<Binary>,
        created_at -> BigInt,
        idle_until -> BigInt,
        absolute_until -> BigInt,
        revoked_at -> Nullable<BigInt>,
        sealed -> Binary,
    }
}

diesel::table! {
    session_participant (session, entity_id, assertion_id) {
        session -> Binary,
        subscriber -> Binary,
        entity_id -> Text,
        assertion_id -> Text,
        session_index -> Text,
        name_id_sealed -> Binary,
        joined_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    logout (id) {
        id -> Binary,
        asked_by -> Nullable<Text>,
        request_id -> Nullable<Text>,
        relay_state_sealed -> Nullable<Binary>,
        started_at -> BigInt,
        expires_at -> BigInt,
        extent -> Text,
        answered_at -> Nullable<BigInt>,
        redirects -> Integer,
    }
}

diesel::table! {
    logout_session (logout, session, assertion_id) {
        logout -> Binary,
        session -> Binary,
        subscriber -> Binary,
        assertion_id -> Text,
    }
}

diesel::table! {
    logout_step (logout, position) {
        logout -> Binary,
        subscriber -> Binary,
        position -> Integer,
        entity_id -> Text,
        assertion_id -> Text,
        session_index -> Text,
        name_id_sealed -> Binary,
        request_id -> Nullable<Text>,
        outcome -> Text,
    }
}

diesel::table! {
    pending_request (id) {
        id -> Binary,
        session -> Binary,
        entity_id -> Text,
        request_id -> Text,
        received_sealed -> Binary,
        received_at -> BigInt,
        expires_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    artifact (digest) {
        digest -> Binary,
        entity_id -> Text,
        response_sealed -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    seen_request (entity_id, request_id) {
        entity_id -> Text,
        request_id -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    throttle (key_hash) {
        key_hash -> Binary,
        tries -> Integer,
        ends_at -> BigInt,
    }
}

diesel::table! {
    sp_revision (entity_id, sha256, applied_at) {
        sha256 -> Binary,
        entity_id -> Text,
        agency_id -> Text,
        folder -> Text,
        metadata -> Binary,
        agreement -> Binary,
        applied_at -> BigInt,
        applied_by -> Text,
        sequence -> BigInt,
        superseded_at -> Nullable<BigInt>,
        mac -> Binary,
    }
}

diesel::table! {
    signing_plan (version) {
        version -> BigInt,
        document -> Text,
        mac -> Binary,
        made_at -> BigInt,
        made_by -> Text,
    }
}

diesel::table! {
    signing_node (node) {
        node -> Text,
        plan_version -> BigInt,
        seen_at -> BigInt,
    }
}

diesel::table! {
    metadata_fetch (entity_id) {
        entity_id -> Text,
        fetched_at -> BigInt,
        plan_version -> BigInt,
    }
}

diesel::table! {
    pairwise_identifier (subscriber, agency_id) {
        subscriber -> Binary,
        agency_id -> Text,
        value -> Binary,
        created_at -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    service_address (subscriber, entity_id) {
        id -> Binary,
        subscriber -> Binary,
        entity_id -> Text,
        contact -> Binary,
        chosen_at -> BigInt,
        mac -> Binary,
    }
}

diesel::table! {
    address_name (entity_id, fingerprint) {
        entity_id -> Text,
        fingerprint -> Binary,
        subscriber -> Binary,
        first_sent_at -> BigInt,
    }
}

diesel::table! {
    consent (id) {
        id -> Binary,
        subscriber -> Binary,
        entity_id -> Text,
        scope -> Binary,
        given_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        mac -> Binary,
    }
}

diesel::table! {
    disclosure (chain, seq) {
        chain -> Binary,
        seq -> BigInt,
        prev_hash -> Binary,
        hash -> Binary,
        hash_key -> Nullable<BigInt>,
        id -> Binary,
        at -> BigInt,
        subscriber -> Binary,
        entity_id -> Text,
        agency_id -> Text,
        sp_revision -> Binary,
        consent -> Binary,
        scope_digest -> Binary,
        content_digest -> Binary,
        content_key_id -> Text,
        names -> Text,
        ial -> Integer,
        aal -> Integer,
        class_ref -> Text,
        name_id_format -> Text,
        assertion_id -> Text,
        session_index -> Text,
        in_response_to -> Text,
        assertion_digest -> Binary,
        signing_key_id -> Text,
    }
}

diesel::table! {
    adopted_chain (chain) {
        chain -> Binary,
        seq -> BigInt,
        hash -> Binary,
        mac -> Binary,
    }
}

diesel::table! {
    outbox (id) {
        id -> Binary,
        kind -> Text,
        sealed -> Nullable<Binary>,
        run_at -> BigInt,
        lease_until -> Nullable<BigInt>,
        attempts -> Integer,
        expires_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    history (id) {
        id -> Binary,
        subscriber -> Binary,
        at -> BigInt,
        kind -> Text,
        told -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    subscriber,
    email_address,
    email_link,
    password_credential,
    authenticator,
    out_of_band_code,
    known_browser,
    vault_slot,
    vault_attribute,
    proofed_profile,
    session,
    session_participant,
    logout,
    logout_session,
    logout_step,
    pending_request,
    artifact,
    seen_request,
    throttle,
    sp_revision,
    signing_plan,
    signing_node,
    metadata_fetch,
    pairwise_identifier,
    service_address,
    address_name,
    consent,
    disclosure,
    adopted_chain,
    outbox,
    history
);
