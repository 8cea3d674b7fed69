//! What a session knows: how far its person has come, what belongs to that stage, and what is being set up right now.

use std::fmt;

use time::UtcDateTime;
use zeroize::Zeroizing;

use crate::authentication::look_up_secret::RecoveryKey;
use crate::authentication::recovery::LinkHash;
use crate::authentication::totp::TotpSecret;
use crate::authentication::{AuthenticationEvent, AuthenticatorId};
use crate::entropy::{Entropy, random_bytes};
use crate::id::define_id;
use crate::subscriber::SubscriberId;
use crate::subscriber::vault::{SlotKey, SlotKind, VaultKey};

define_id! {
    /// A logout: what services a person signs out of, and how it goes.
    LogoutId
}

/// How far the person at the browser has come. What belongs to one stage alone stands in it, and goes with it.
#[derive(Clone)]
pub enum SessionStage {
    /// Nothing is known.
    Visitor,
    /// Signing up: the password is chosen; a second factor is to be set up.
    ChoosingMethods {
        /// Whose account it will be.
        subscriber: SubscriberId,
        /// Their vault, which is empty.
        vault: SessionVault,
    },
    /// The password was right; the second factor is to follow.
    PasswordProved {
        /// Whose password.
        subscriber: SubscriberId,
        /// What the password opened.
        vault: SessionVault,
    },
    /// Signed in with two factors.
    SignedIn(SignedIn),
    /// Came by a mailed link to take up a password that has ended: the second factor is to follow, then that password.
    TakingUp(TakingUp),
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct SignedIn {
    /// Who it is.
    pub subscriber: SubscriberId,
    /// Their vault, as far as this session can open it.
    pub vault: SessionVault,
    /// The recovery key that was just made, until its person says that it is written down.
    pub new_recovery_key: Option<RecoveryKey>,
}

impl SignedIn {
    /// Somebody to whom no recovery key is to be shown.
    #[must_use]
    pub const fn new(subscriber: SubscriberId, vault: SessionVault) -> Self {
        Self { subscriber, vault, new_recovery_key: None }
    }
}

/// Somebody who takes up a password that has ended.
#[derive(Clone)]
pub struct TakingUp {
    /// Whose password.
    pub subscriber: SubscriberId,
    /// The hash of the link's token. The link is used up when the password was right.
    pub link: LinkHash,
    /// The second factor, once it was right.
    pub second_factor: Option<AuthenticationEvent>,
}

/// A person's vault in one session.
#[derive(Clone)]
pub enum SessionVault {
    /// It is open.
    Open(VaultKey),
    /// It is closed here. The openers, at most one of a kind, are keys that this session has seen while the account's vault was
    /// sealed: once the recovery key opens it, they open it from then on.
    Closed(Vec<SlotKey>),
}

impl SessionVault {
    /// A vault that this session has nothing for.
    #[must_use]
    pub const fn closed() -> Self {
        Self::Closed(Vec::new())
    }

    /// What an opener gave: the vault's key, or nothing. Where `sealed` says that no opener opens the account's vault now, this one
    /// waits for the recovery key.
    #[must_use]
    pub fn after(opened: Option<VaultKey>, opener: SlotKey, sealed: bool) -> Self {
        match opened {
            Some(key) => Self::Open(key),
            None if sealed => Self::Closed(vec![opener]),
            None => Self::closed(),
        }
    }

    /// The vault's key, when it is open.
    #[must_use]
    pub const fn key(&self) -> Option<&VaultKey> {
        match self {
            Self::Open(key) => Some(key),
            Self::Closed(_) => None,
        }
    }

    /// The key of an opener that waits.
    #[must_use]
    pub fn waiting(&self, kind: SlotKind) -> Option<&SlotKey> {
        match self {
            Self::Open(_) => None,
            Self::Closed(openers) => openers.iter().find(|opener| opener.kind() == kind),
        }
    }

    /// Stays as open as it was before.
    #[must_use]
    pub fn or_as_before(self, before: Self) -> Self {
        match (self, before) {
            (Self::Closed(_), open @ Self::Open(_)) => open,
            (now, _) => now,
        }
    }
}

/// What a session knows, sealed in its record.
#[derive(Clone)]
pub struct SessionState {
    /// How far the person has come.
    pub stage: SessionStage,
    /// What was proved in this session, oldest first.
    pub events: Vec<AuthenticationEvent>,
    /// The secret behind the tokens of this session's forms.
    pub csrf: Zeroizing<[u8; 32]>,
    /// What is being set up or asked right now.
    pub pending: Pending,
    /// Shown once on the next page, then forgotten.
    pub notice: Option<Notice>,
    /// The logout that this browser is in the middle of, since its session before this one ended by it.
    pub logout: Option<LogoutId>,
    /// What a newer version of this service wrote beside these. It is kept as it is.
    pub(super) unknown: serde_json::Map<String, serde_json::Value>,
}

impl SessionState {
    /// The state of a browser that was never here.
    #[must_use]
    pub fn visitor(entropy: &dyn Entropy) -> Self {
        Self {
            stage: SessionStage::Visitor,
            events: Vec::new(),
            csrf: Zeroizing::new(random_bytes(entropy)),
            pending: Pending::default(),
            notice: None,
            logout: None,
            unknown: serde_json::Map::new(),
        }
    }

    /// Whose session it is, from the chosen or the right password on.
    #[must_use]
    pub const fn subscriber(&self) -> Option<SubscriberId> {
        match &self.stage {
            SessionStage::Visitor => None,
            SessionStage::ChoosingMethods { subscriber, .. }
            | SessionStage::PasswordProved { subscriber, .. }
            | SessionStage::SignedIn(SignedIn { subscriber, .. })
            | SessionStage::TakingUp(TakingUp { subscriber, .. }) => Some(*subscriber),
        }
    }

    /// The signed-in person, if there is one.
    #[must_use]
    pub const fn signed_in(&self) -> Option<SubscriberId> {
        match &self.stage {
            SessionStage::SignedIn(SignedIn { subscriber, .. }) => Some(*subscriber),
            _ => None,
        }
    }

    /// The person who is signing up and sets up a second factor.
    #[must_use]
    pub const fn choosing_methods(&self) -> Option<SubscriberId> {
        match &self.stage {
            SessionStage::ChoosingMethods { subscriber, .. } => Some(*subscriber),
            _ => None,
        }
    }

    /// The person whose second factor may be asked for: the password was right, more is asked of somebody who is signed in, or an
    /// ended password is taken up again.
    #[must_use]
    pub const fn before_second_factor(&self) -> Option<SubscriberId> {
        match &self.stage {
            SessionStage::Visitor | SessionStage::ChoosingMethods { .. } => None,
            SessionStage::PasswordProved { subscriber, .. }
            | SessionStage::SignedIn(SignedIn { subscriber, .. })
            | SessionStage::TakingUp(TakingUp { subscriber, .. }) => Some(*subscriber),
        }
    }

    /// Somebody who takes up a password that has ended.
    #[must_use]
    pub const fn taking_up(&self) -> Option<&TakingUp> {
        match &self.stage {
            SessionStage::TakingUp(taking_up) => Some(taking_up),
            _ => None,
        }
    }

    /// The person's vault, at the stages that know one.
    #[must_use]
    pub const fn vault(&self) -> Option<&SessionVault> {
        match &self.stage {
            SessionStage::Visitor | SessionStage::TakingUp(_) => None,
            SessionStage::ChoosingMethods { vault, .. }
            | SessionStage::PasswordProved { vault, .. }
            | SessionStage::SignedIn(SignedIn { vault, .. }) => Some(vault),
        }
    }

    /// The vault's key, when it was opened.
    #[must_use]
    pub fn vault_key(&self) -> Option<&VaultKey> {
        self.vault().and_then(SessionVault::key)
    }

    /// The recovery key that is to be shown.
    #[must_use]
    pub const fn new_recovery_key(&self) -> Option<&RecoveryKey> {
        match &self.stage {
            SessionStage::SignedIn(SignedIn { new_recovery_key, .. }) => new_recovery_key.as_ref(),
            _ => None,
        }
    }

    /// What belongs to the signed-in person, to be changed.
    pub const fn signed_in_mut(&mut self) -> Option<&mut SignedIn> {
        match &mut self.stage {
            SessionStage::SignedIn(signed_in) => Some(signed_in),
            _ => None,
        }
    }

    /// The second factor was right: a person who had shown the password, or was signing up, is signed in. A stage that a second
    /// factor does not complete stays.
    pub fn sign_in(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, SessionStage::Visitor) {
            SessionStage::ChoosingMethods { subscriber, vault }
            | SessionStage::PasswordProved { subscriber, vault } => {
                SessionStage::SignedIn(SignedIn::new(subscriber, vault))
            }
            stage => stage,
        };
    }
}

impl fmt::Debug for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            SessionStage::Visitor => "Visitor",
            SessionStage::ChoosingMethods { .. } => "ChoosingMethods",
            SessionStage::PasswordProved { .. } => "PasswordProved",
            SessionStage::SignedIn(_) => "SignedIn",
            SessionStage::TakingUp(_) => "TakingUp",
        };
        write!(f, "SessionState({stage}, {:?}, {} events)", self.subscriber(), self.events.len())
    }
}

/// What is being set up or asked: kept here, on the server, and never in a form.
#[derive(Clone, Default)]
pub struct Pending {
    /// The secret of an app that is being added, until its first code is right.
    pub totp_secret: Option<TotpSecret>,
    /// The state of a WebAuthn ceremony, as the library keeps it: valid once, for five minutes.
    pub webauthn: Option<PendingCeremony>,
    /// A phone that is being added, until its code is right.
    pub new_phone: Option<PendingPhone>,
    /// The phone of the account that a code for signing in was sent to.
    pub texted: Option<AuthenticatorId>,
}

/// A WebAuthn ceremony that waits for the browser's answer.
#[derive(Clone)]
pub struct PendingCeremony {
    /// The library's state, and what we keep beside it.
    pub state: String,
    /// The answer is refused from this moment on.
    pub expires_at: UtcDateTime,
}

/// A phone that is being added.
#[derive(Clone)]
pub struct PendingPhone {
    /// E.164.
    pub e164: String,
    /// What its person calls it.
    pub name: String,
}

/// Makes [`Notice`] out of its table.
macro_rules! notices {
    ($( $(#[doc = $doc:literal])* $variant:ident = $code:literal; )+) => {
        /// What the next page says once, above everything else.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Notice {
            $( $(#[doc = $doc])* $variant, )+
        }

        impl Notice {
            /// All of them.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// Its name in the record, and the end of its key in the locale files.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $( Self::$variant => $code, )+ }
            }
        }
    };
}

notices! {
    /// An e-mail address was added.
    AddressAdded = "address_added";
    /// An e-mail address was removed.
    AddressRemoved = "address_removed";
    /// A sign-in method was added.
    MethodAdded = "method_added";
    /// A sign-in method was removed.
    MethodRemoved = "method_removed";
    /// A sign-in method has another name.
    MethodRenamed = "method_renamed";
    /// The password was changed.
    PasswordChanged = "password_changed";
    /// A service was disconnected.
    ServiceDisconnected = "service_disconnected";
    /// All other browsers are signed out.
    SessionsEnded = "sessions_ended";
    /// This browser is signed out.
    SignedOut = "signed_out";
}
