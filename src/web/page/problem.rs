//! What a page says is wrong with its form: one enum a page, from which handler, text and sample are drawn. A page cannot be
//! given a problem that it has no words for, since the samples draw every variant of every page.

/// Makes the enum of a page's problems; each has the end of its key in the locale files.
macro_rules! problems {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident => $key:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$about])* $variant,)+
        }

        impl $name {
            /// Every problem of the page.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The end of its key in the locale files.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)+
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.key())
            }
        }
    };
}
pub(crate) use problems;
