//! What keys are used for: each purpose has keys of its own.

/// What a key is used for. A purpose is part of how its keys are derived, so labels never change once in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// By which addresses a service knows people: fingerprints only.
    AddressName,
    /// Whether an account can be used: a keyed digest, so that nobody changes it in the database.
    Account,
    /// What a person calls an authenticator.
    AuthenticatorName,
    /// What a person agreed to: a keyed digest, so that nobody makes a consent in the database.
    Consent,
    /// Digests over what a consent page showed, where no value of the vault is in it.
    ContentDigest,
    /// A private key that opens what services encrypt for us.
    DecryptionKey,
    /// An address of a person, sealed so that we can write to it while the person is away.
    EmailAddress,
    /// The link of a mail: the record behind it.
    EmailLink,
    /// Which browsers are known to an account: keyed hashes and digests only.
    KnownBrowser,
    /// The record of what was disclosed: keyed hashes, so that nobody makes or rewrites a record in the database.
    Ledger,
    /// The address at which one service fetches our metadata, so that nobody guesses another's.
    MetadataAddress,
    /// A mail or a text message that waits in the outbox.
    Outbox,
    /// By which name a service knows a person in one session, for telling it that the session has ended.
    NameId,
    /// One-time codes sent by text message: kept as a keyed hash only.
    OutOfBandCode,
    /// By which name an agency knows a person: a keyed digest, so that nobody gives it to somebody else in the database.
    PairwiseId,
    /// Verifiers of passwords: the keyed step that makes a stolen database useless for guessing.
    Password,
    /// A request that waits while its person visits pages.
    PendingRequest,
    /// A person's phone number.
    PhoneNumber,
    /// To which level a person was proofed: a keyed digest, so that nobody raises it in the database.
    ProofedProfile,
    /// Which address a service gets: a keyed digest, so that nobody chooses it in the database.
    ServiceAddress,
    /// The stored record of a service: a keyed digest, so that nobody changes its keys, addresses and ceiling in the database.
    ServiceRecord,
    /// The browser's session record.
    Session,
    /// A private key that signs assertions.
    SigningKey,
    /// Which signing key is published, and which signs for whom: a keyed digest, so that nobody chooses it in the database.
    SigningPlan,
    /// Who is being throttled: addresses and contact points, as fingerprints only.
    Throttle,
    /// The secret that an authenticator app shares with us.
    TotpSecret,
    /// The outer wrapping around each opener of a vault.
    VaultSlot,
    /// A response that waits to be fetched by its service.
    WaitingResponse,
    /// A registered WebAuthn credential.
    WebauthnCredential,
}

/// What becomes of what a purpose's keys made, once a newer root key has come and the older one is to go. Each purpose has to
/// say it, so that no table can be sealed or vouched for without an end for its old key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterRotation {
    /// The person's next sign-in makes it anew; what is not made anew by a deadline ends with the old key.
    AtSignIn,
    /// It ends by itself, within a day or so; until then the old key stays.
    Ends,
    /// What it made stays as it is: the derived key of this purpose, and no other, is kept when its root is retired.
    Kept,
    /// `signet keys reseal` makes it anew.
    Resealed,
}

impl Purpose {
    /// What becomes of what its keys made when the root key is replaced.
    #[must_use]
    pub const fn after_rotation(self) -> AfterRotation {
        match self {
            Self::Account
            | Self::AuthenticatorName
            | Self::Consent
            | Self::DecryptionKey
            | Self::EmailAddress
            | Self::PairwiseId
            | Self::PhoneNumber
            | Self::ProofedProfile
            | Self::ServiceAddress
            | Self::ServiceRecord
            | Self::SigningKey
            | Self::SigningPlan
            | Self::TotpSecret
            | Self::VaultSlot
            | Self::WebauthnCredential => AfterRotation::Resealed,
            // The row is vouched for anew; the verifier in it needs the password.
            // A known browser gets a new secret at each sign-in.
            Self::Password => AfterRotation::AtSignIn,
            Self::EmailLink
            | Self::KnownBrowser
            | Self::NameId
            | Self::OutOfBandCode
            | Self::Outbox
            | Self::PendingRequest
            | Self::Session
            | Self::Throttle
            | Self::WaitingResponse => AfterRotation::Ends,
            // Records are never changed; digests of contents prove what was sent; services keep the address that they
            // were given; an address that named somebody at a service names nobody else there, even when it left its account.
            Self::AddressName | Self::ContentDigest | Self::Ledger | Self::MetadataAddress => AfterRotation::Kept,
        }
    }

    /// The label that enters key derivation and every sealed value's context.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::AddressName => "address-name",
            Self::Account => "account",
            Self::AuthenticatorName => "authenticator-name",
            Self::Consent => "consent",
            Self::ContentDigest => "content-digest",
            Self::DecryptionKey => "decryption-key",
            Self::EmailAddress => "email-address",
            Self::EmailLink => "email-link",
            Self::KnownBrowser => "known-browser",
            Self::Ledger => "ledger",
            Self::MetadataAddress => "metadata-address",
            Self::NameId => "name-id",
            Self::Outbox => "outbox",
            Self::OutOfBandCode => "out-of-band-code",
            Self::PairwiseId => "pairwise-id",
            Self::Password => "password",
            Self::PendingRequest => "pending-request",
            Self::PhoneNumber => "phone-number",
            Self::ProofedProfile => "proofed-profile",
            Self::ServiceAddress => "service-address",
            Self::ServiceRecord => "service-record",
            Self::Session => "session",
            Self::SigningKey => "signing-key",
            Self::SigningPlan => "signing-plan",
            Self::Throttle => "throttle",
            Self::TotpSecret => "totp-secret",
            Self::VaultSlot => "vault-slot",
            Self::WaitingResponse => "waiting-response",
            Self::WebauthnCredential => "webauthn-credential",
        }
    }
}
