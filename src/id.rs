//! Identifiers of Signet's own records: 16 random bytes, a type of its own for each kind, shown as 32 hex digits.
//!
//! What an identifier means belongs to the room of its noun; this file only makes the types alike.

/// Declares an identifier type: 16 bytes, `Display` and `FromStr` as 32 lower-case hex digits.
macro_rules! define_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The identifier made of these 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// A new identifier from the source of randomness.
            #[must_use]
            pub fn random(entropy: &dyn $crate::entropy::Entropy) -> Self {
                let mut bytes = [0_u8; 16];
                entropy.fill(&mut bytes);
                Self(bytes)
            }

            /// The 16 bytes, as they are stored.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl From<[u8; 16]> for $name {
            fn from(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl From<$name> for [u8; 16] {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::MalformedId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0_u8; 16];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| $crate::id::MalformedId)?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = $crate::id::MalformedId;

            fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
                <[u8; 16]>::try_from(bytes).map(Self).map_err(|_| $crate::id::MalformedId)
            }
        }
    };
}
pub(crate) use define_id;

/// The text or the bytes are not an identifier: 32 hex digits, or 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of 32 hex digits")]
pub struct MalformedId;

/// An identifier in a stored text as its octets, for `#[serde(with = "…")]`.
pub(crate) mod octets {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(crate) fn serialize<T: Into<[u8; 16]> + Copy, S: Serializer>(id: &T, to: S) -> Result<S::Ok, S::Error> {
        (*id).into().serialize(to)
    }

    pub(crate) fn deserialize<'de, T: From<[u8; 16]>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        <[u8; 16]>::deserialize(from).map(T::from)
    }
}

/// The same where there may be none.
pub(crate) mod maybe_octets {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(crate) fn serialize<T: Into<[u8; 16]> + Copy, S: Serializer>(id: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        id.map(Into::into).serialize(to)
    }

    pub(crate) fn deserialize<'de, T: From<[u8; 16]>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        Ok(<Option<[u8; 16]>>::deserialize(from)?.map(T::from))
    }
}
