//! Service keys of a test's own.

use std::path::Path;
use std::sync::Arc;

use signet::entropy::SystemEntropy;
use signet::services::keys::{GenerateKeys, LocalKeys, SealingSecret, SigningKeyKind};
use time::macros::utc_datetime;

/// The passphrase of all of them.
pub fn secret() -> SealingSecret {
    SealingSecret::new("a passphrase of some length").expect("it is long enough")
}

/// New keys in a folder.
pub fn keys_in(folder: &Path) -> LocalKeys {
    let now = utc_datetime!(2026-11-24 12:00);
    let wanted = GenerateKeys { common_name: "signet.test", signing: SigningKeyKind::EcP256, now };
    LocalKeys::generate(folder, &secret(), &wanted, Arc::new(SystemEntropy)).expect("they are made")
}

/// New keys, whose folder is gone at once: they seal and hash, and know no pairs.
pub fn keys() -> LocalKeys {
    keys_in(tempfile::tempdir().expect("a folder").path())
}
