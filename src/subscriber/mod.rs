//! The person's account and data. The vault is `vault.rs`; what is stored is `storage`'s.

use crate::id::define_id;

define_id! {
    /// One person's account.
    SubscriberId
}
