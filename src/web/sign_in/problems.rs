//! What the pages of this folder say is wrong with their forms.

use crate::authentication::look_up_secret::RecoveryKeyError;
use crate::authentication::out_of_band::CodeRefused;
use crate::authentication::password::WeakPassword;
use crate::authentication::totp::TotpError;
use crate::web::page::problems;

problems! {
    /// Of [`SignUpPage`](super::pages::SignUpPage) and [`ForgottenPasswordPage`](super::pages::ForgottenPasswordPage).
    AddressProblem {
        /// It is no address that we can write to.
        Address => "address",
    }
}

problems! {
    /// Of [`SignUpPage`](super::pages::SignUpPage).
    SignUpProblem {
        /// It is no address that we can write to.
        Address => "address",
        /// The rules of use are not accepted.
        Rules => "rules",
    }
}

problems! {
    /// Of [`ChoosePasswordPage`](super::pages::ChoosePasswordPage).
    ChoosePasswordProblem {
        /// Many people use it.
        Common => "common",
        /// The two fields differ.
        Different => "different",
        /// It is guessed with few tries.
        Guessable => "guessable",
        /// It has too many characters.
        TooLong => "too_long",
        /// It has too few characters.
        TooShort => "too_short",
        /// It holds the address or the service's name.
        Yours => "yours",
    }
}

impl From<WeakPassword> for ChoosePasswordProblem {
    fn from(weak: WeakPassword) -> Self {
        match weak {
            WeakPassword::Common => Self::Common,
            WeakPassword::Guessable => Self::Guessable,
            WeakPassword::TooLong => Self::TooLong,
            WeakPassword::TooShort => Self::TooShort,
            WeakPassword::Yours => Self::Yours,
        }
    }
}

problems! {
    /// Of [`TotpSetUpPage`](super::pages::TotpSetUpPage).
    TotpSetUpProblem {
        /// The code is not the app's.
        Wrong => "wrong",
    }
}

problems! {
    /// Of [`PhoneSetUpPage`](super::pages::PhoneSetUpPage).
    PhoneSetUpProblem {
        /// No phones of that country or territory are set up.
        Country => "country",
        /// It is no phone number.
        Number => "number",
        /// No text messages are sent to it.
        NotForText => "not_for_text",
        /// Too many messages were sent.
        TooMany => "too_many",
    }
}

problems! {
    /// Of [`PhoneCodePage`](super::pages::PhoneCodePage).
    PhoneCodeProblem {
        /// The code is too old, or another took its place.
        Expired => "expired",
        /// It has not six digits.
        Malformed => "malformed",
        /// It is another code, as that of an older message.
        Wrong => "wrong_text",
    }
}

impl From<&CodeRefused> for PhoneCodeProblem {
    fn from(refused: &CodeRefused) -> Self {
        match refused {
            CodeRefused::Expired => Self::Expired,
            CodeRefused::Malformed => Self::Malformed,
            CodeRefused::Keys(_) | CodeRefused::Wrong => Self::Wrong,
        }
    }
}

problems! {
    /// Of [`RecoveryKeyPage`](super::pages::RecoveryKeyPage).
    RecoveryKeyProblem {
        /// The box was not ticked.
        NotKept => "not_kept",
    }
}

problems! {
    /// Of [`OldPasswordPage`](super::pages::OldPasswordPage).
    OldPasswordProblem {
        /// It is not the password that ended.
        Wrong => "wrong",
    }
}

problems! {
    /// Of [`SignInPage`](super::pages::SignInPage).
    SignInProblem {
        /// The address or the password is wrong.
        Wrong => "wrong",
    }
}

problems! {
    /// Of [`TotpPage`](super::pages::TotpPage).
    TotpProblem {
        /// It has not six digits.
        Malformed => "malformed",
        /// It was used before.
        Used => "used",
        /// It is another code.
        Wrong => "wrong",
    }
}

impl From<&TotpError> for TotpProblem {
    fn from(error: &TotpError) -> Self {
        match error {
            TotpError::Malformed => Self::Malformed,
            TotpError::Used => Self::Used,
            TotpError::TooLong | TotpError::Wrong => Self::Wrong,
        }
    }
}

problems! {
    /// Of [`SmsPage`](super::pages::SmsPage).
    SmsProblem {
        /// The code is too old, or another took its place.
        Expired => "expired",
        /// It has not six digits.
        Malformed => "malformed",
        /// The phone that a code was asked for is none of the account's any more.
        PhoneGone => "phone_gone",
        /// Too many messages were sent.
        TooMany => "too_many",
        /// It is another code, as that of an older message.
        Wrong => "wrong_text",
    }
}

impl From<&CodeRefused> for SmsProblem {
    fn from(refused: &CodeRefused) -> Self {
        match PhoneCodeProblem::from(refused) {
            PhoneCodeProblem::Expired => Self::Expired,
            PhoneCodeProblem::Malformed => Self::Malformed,
            PhoneCodeProblem::Wrong => Self::Wrong,
        }
    }
}

problems! {
    /// Of [`UnlockPage`](super::pages::UnlockPage).
    UnlockProblem {
        /// The password has ended after a hundred wrong ones in a row.
        Ended => "ended",
        /// It is no recovery key.
        Malformed => "malformed",
        /// A character of the recovery key is mistyped.
        Mistyped => "mistyped",
        /// The vault does not open with it.
        Wrong => "wrong",
    }
}

impl From<RecoveryKeyError> for UnlockProblem {
    fn from(error: RecoveryKeyError) -> Self {
        match error {
            RecoveryKeyError::Malformed => Self::Malformed,
            RecoveryKeyError::Mistyped => Self::Mistyped,
        }
    }
}
