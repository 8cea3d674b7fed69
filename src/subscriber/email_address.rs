//! An e-mail address: checked, with the one form by which it is found.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// A checked e-mail address.
///
/// Accepted is what can be delivered everywhere: a dot-atom of ASCII before the `@` (RFC 5321, 4.1.2, at most 64
/// characters) and a host name with at least one dot after it (at most 254 characters in all). An internationalised
/// domain is taken and kept in its ASCII form.
///
/// `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    address: String,
    at: usize,
}

impl EmailAddress {
    /// Checks an address as a person typed it; spaces around it are dropped.
    ///
    /// # Errors
    /// Why it is not an address that we can write to.
    pub fn parse(text: &str) -> Result<Self, EmailAddressError> {
        // NFKC first, so that full-width letters and the like are the same address.
        let text: String = text.trim().nfkc().collect();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailAddressError::NoAt)?;
        if local.is_empty() || local.len() > 64 || !local.split('.').all(is_atom) {
            return Err(EmailAddressError::LocalPart);
        }
        let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else {
            return Err(EmailAddressError::Domain);
        };
        let labels = domain.split('.').collect::<Vec<_>>();
        let numeric_end = labels.last().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
        if labels.len() < 2 || numeric_end || !labels.iter().all(|label| is_label(label)) {
            return Err(EmailAddressError::Domain);
        }
        let address = format!("{local}@{domain}");
        if address.len() > 254 {
            return Err(EmailAddressError::TooLong);
        }
        Ok(Self { at: local.len(), address })
    }

    /// The address as its person writes it, with the domain in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// What stands after the `@`, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.address.get(self.at + 1..).unwrap_or_default()
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.address.get(..self.at).unwrap_or_default()
    }

    /// The form by which an address is found and by which two are one: all in lower case. No mail service in use
    /// tells apart addresses that differ in case only, and people do not either.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.address.to_ascii_lowercase()
    }

    /// The address with most of its local part hidden, for a page or a mail that another may see.
    #[must_use]
    pub fn masked(&self) -> String {
        let first = self.local_part().chars().next().unwrap_or('*');
        format!("{first}***@{}", self.domain())
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

/// RFC 5322, 3.2.3: an atom.
fn is_atom(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
}

/// RFC 1123, 2.1: a label of a host name.
fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Why a text is not an e-mail address that we can write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailAddressError {
    /// What stands after the `@` is not a host name.
    #[error("what stands after the @ is not the name of a mail domain")]
    Domain,
    /// What stands before the `@` is empty, too long, or has characters that not every mail service takes.
    #[error("what stands before the @ cannot be used")]
    LocalPart,
    /// There is no `@`.
    #[error("an e-mail address has an @")]
    NoAt,
    /// More than 254 characters.
    #[error("an e-mail address has at most 254 characters")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_addresses_are_taken() {
        for address in ["ada@example.gov", "a.d+a@mail.example.com", "o'neil@example.co.uk", " ada@example.gov\n"] {
            assert!(EmailAddress::parse(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn what_cannot_be_delivered_is_refused() {
        for (address, error) in [
            ("ada", EmailAddressError::NoAt),
            ("@example.gov", EmailAddressError::LocalPart),
            (".ada@example.gov", EmailAddressError::LocalPart),
            ("a..da@example.gov", EmailAddressError::LocalPart),
            ("ad a@example.gov", EmailAddressError::LocalPart),
            ("\"ada\"@example.gov", EmailAddressError::LocalPart),
            ("ada@ben@example.gov", EmailAddressError::LocalPart),
            ("ädа@example.gov", EmailAddressError::LocalPart),
            ("ada@localhost", EmailAddressError::Domain),
            ("ada@127.0.0.1", EmailAddressError::Domain),
            ("ada@[::1]", EmailAddressError::Domain),
            ("ada@example.gov\r\nBcc: x@y.zz", EmailAddressError::LocalPart),
            ("ada@-example.gov", EmailAddressError::Domain),
            ("ada@example..gov", EmailAddressError::Domain),
            ("ada@exa_mple.gov", EmailAddressError::Domain),
        ] {
            assert_eq!(EmailAddress::parse(address).err(), Some(error), "{address}");
        }
        let long = format!("{}@{}.gov", "a".repeat(64), "b.".repeat(100));
        assert!(EmailAddress::parse(&long).is_err());
    }

    #[test]
    fn one_mailbox_has_one_canonical_form() {
        let canonical = |text| EmailAddress::parse(text).unwrap().canonical();
        assert_eq!(canonical("Ada@Example.GOV"), canonical("ada@example.gov"));
        assert_eq!(canonical("ａｄａ@example.gov"), canonical("ada@example.gov"));
        assert_eq!(canonical("ada@bücher.example"), canonical("ada@xn--bcher-kva.example"));
        assert_ne!(canonical("ada@example.gov"), canonical("a.da@example.gov"));
    }

    #[test]
    fn debug_and_mask_hide_the_person() {
        let address = EmailAddress::parse("ada.lovelace@example.gov").unwrap();
        assert!(!format!("{address:?}").contains("ada"));
        assert_eq!(address.masked(), "a***@example.gov");
    }

    proptest! {
        #[test]
        fn an_accepted_address_is_accepted_again_and_stays_the_same(text in ".{0,20}@.{0,20}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(address.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), address.as_str());
                prop_assert!(address.as_str().is_ascii());
                prop_assert!(!address.as_str().contains(|c: char| c.is_ascii_whitespace() || c.is_ascii_control()));
            }
        }
    }
}
