//! What the pages of this folder show. What can be wrong with their forms stands in [`super::problems`].

use serde::Serialize;

use super::problems::{
    AddressProblem, ChoosePasswordProblem, OldPasswordProblem, PhoneCodeProblem, PhoneSetUpProblem, RecoveryKeyProblem,
    SignInProblem, SignUpProblem, SmsProblem, TotpProblem, TotpSetUpProblem, UnlockProblem,
};
use crate::accounts::codes::Locked;
use crate::accounts::site::Site;
use crate::address::Address;
use crate::federation::agreement::LocalizedText;
use crate::locale::Locale;
use crate::texts;
use crate::web::page::Page;

macro_rules! page {
    ($page:ty, $template:literal) => {
        impl Page for $page {
            const TEMPLATE: &'static str = $template;
        }
    };
}
pub(crate) use page;

/// `/sign-up`: asks for an e-mail address.
#[derive(Debug, Default, Serialize)]
pub struct SignUpPage {
    /// What was typed before.
    pub email: String,
    /// What was wrong with the form.
    pub problem: Option<SignUpProblem>,
}
page!(SignUpPage, "pages/sign_up/start.html");

/// A mail is on its way, if it is. The same whether or not the address is known.
#[derive(Debug, Serialize)]
pub struct CheckMailPage {
    /// The address, as it was typed.
    pub email: String,
    /// `sign_up` or `forgot_password`: what the link will do.
    pub purpose: &'static str,
}
page!(CheckMailPage, "pages/sign_up/check_mail.html");

/// `/sign-up/confirm/{token}`, `/forgot-password/{token}`: the request that came with the link waits for another browser.
#[derive(Debug, Serialize)]
pub struct LinkQuestionPage {
    /// The address that the link was sent to.
    pub email: String,
    /// Who asks.
    pub service_name: LocalizedText,
    /// Of which agency.
    pub agency_name: LocalizedText,
    /// `sign_up` or `forgotten_password`: what the link is for in any case.
    pub purpose: &'static str,
    /// Where both answers go.
    pub action: Address,
}
page!(LinkQuestionPage, "pages/sign_up/link_question.html");

/// `/sign-up/confirm/{token}` and `/forgot-password/{token}`: chooses a password.
#[derive(Debug, Default, Serialize)]
pub struct ChoosePasswordPage {
    /// The address that was confirmed.
    pub email: String,
    /// Where the form goes.
    pub action: Address,
    /// Whether it replaces a forgotten one; then the page says what happens to the profile.
    pub forgotten: bool,
    /// Where somebody goes who still knows the password that has ended, where that is possible.
    pub old_path: Option<Address>,
    /// The request that came with the link, where it waits no longer.
    pub over: Option<RequestOver>,
    /// What was wrong with the form.
    pub problem: Option<ChoosePasswordProblem>,
}
page!(ChoosePasswordPage, "pages/sign_up/password.html");

/// A request that waits no longer.
#[derive(Debug, Serialize)]
pub struct RequestOver {
    /// The service's name, where that is known still.
    pub service: Option<LocalizedText>,
}

/// A method that can be chosen.
#[derive(Debug, Clone, Serialize)]
pub struct MethodChoice {
    /// `passkey`, `security_key`, `totp`, `out_of_band`.
    pub kind: &'static str,
    /// Where it is set up or used.
    pub path: Address,
    /// What its person calls it, when it is there already.
    pub name: Option<String>,
    /// Text messages only: they are restricted, and the page says so.
    pub restricted: bool,
}

/// `/sign-up/methods`, `/account/methods/add`: chooses a second factor to set up.
#[derive(Debug, Serialize)]
pub struct ChooseMethodPage {
    /// What there is to choose from, the strongest first.
    pub choices: Vec<MethodChoice>,
    /// Whether the account has none yet, so that one must be chosen.
    pub first: bool,
}
page!(ChooseMethodPage, "pages/methods/choose.html");

/// `…/methods/totp`: sets an app up.
#[derive(Debug, Serialize)]
pub struct TotpSetUpPage {
    /// The picture, an SVG element.
    pub picture: String,
    /// The secret, for typing.
    pub secret: String,
    /// Where the form goes.
    pub action: Address,
    /// What was wrong with the form.
    pub problem: Option<TotpSetUpProblem>,
}
page!(TotpSetUpPage, "pages/methods/totp.html");

/// `…/methods/webauthn`: sets a passkey or a security key up, by script.
#[derive(Debug, Serialize)]
pub struct WebauthnSetUpPage {
    /// `passkey` or `security_key`.
    pub kind: &'static str,
    /// POST here for the options, as JSON.
    pub options_path: Address,
    /// POST the answer here, as JSON `{"name", "answer"}`.
    pub result_path: Address,
}
page!(WebauthnSetUpPage, "pages/methods/webauthn.html");

/// `…/methods/sms`: asks for a phone number.
#[derive(Debug, Default, Serialize)]
pub struct PhoneSetUpPage {
    /// What was typed before.
    pub phone: String,
    /// Two letters.
    pub region: String,
    /// Whose phones can be set up.
    pub regions: Vec<PhoneRegion>,
    /// Where the form goes.
    pub action: Address,
    /// What was wrong with the form.
    pub problem: Option<PhoneSetUpProblem>,
}
page!(PhoneSetUpPage, "pages/methods/sms.html");

/// A country or territory whose phones can be set up.
#[derive(Debug, Clone, Serialize)]
pub struct PhoneRegion {
    /// Two letters.
    pub code: String,
    /// Whether the locale files have its name, `region-…`; else its letters are shown.
    pub named: bool,
}

impl PhoneRegion {
    /// All that the settings name, in their order.
    #[must_use]
    pub fn all(site: &Site) -> Vec<Self> {
        site.text_messages.terms().countries.iter().map(|country| Self::of(country.as_str())).collect()
    }

    pub(crate) fn of(code: &str) -> Self {
        let named = texts::lookup(Locale::DEFAULT, &format!("region-{code}"), []).is_some();
        Self { code: code.to_owned(), named }
    }
}

/// `…/methods/sms/code`: asks for the code that was sent to a phone that is being added.
#[derive(Debug, Serialize)]
pub struct PhoneCodePage {
    /// The number, as people read it.
    pub phone: String,
    /// Where the form goes.
    pub action: Address,
    /// Where the button to send again goes.
    pub again_path: Address,
    /// What was wrong with the form.
    pub problem: Option<PhoneCodeProblem>,
    /// Tries left before a lock, when there are three or fewer.
    pub tries_left: Option<u32>,
}
page!(PhoneCodePage, "pages/methods/sms_code.html");

/// `/sign-up/recovery-key`: shows the recovery key, once.
#[derive(Serialize)]
pub struct RecoveryKeyPage {
    /// Seven groups of four.
    pub key: String,
    /// What was wrong with the form.
    pub problem: Option<RecoveryKeyProblem>,
}
page!(RecoveryKeyPage, "pages/sign_up/recovery_key.html");

/// `/sign-in`: address and password.
#[derive(Debug, Default, Serialize)]
pub struct SignInPage {
    /// What was typed before.
    pub email: String,
    /// What was wrong with the form.
    pub problem: Option<SignInProblem>,
    /// Whether somebody is signed in and must show again that it is them.
    pub again: bool,
}
page!(SignInPage, "pages/sign_in/password.html");

/// `/sign-in/second-factor`: chooses among several.
#[derive(Debug, Serialize)]
pub struct SecondFactorPage {
    /// What the account has, the strongest first.
    pub choices: Vec<MethodChoice>,
    /// The service demands a passkey or a security key, and the account has none: one is set up afterwards.
    pub then_enrol: bool,
}
page!(SecondFactorPage, "pages/sign_in/second_factor.html");

/// `/sign-in/second-factor`: the service demands a passkey or a security key, and the account has none yet.
#[derive(Debug, Serialize)]
pub struct EnrolPage {}
page!(EnrolPage, "pages/sign_in/enrol.html");

/// `/sign-in/second-factor/totp`.
#[derive(Debug, Serialize)]
pub struct TotpPage {
    /// What was wrong with the form.
    pub problem: Option<TotpProblem>,
    /// Tries left before a lock, when there are three or fewer.
    pub tries_left: Option<u32>,
    /// Whether there are other methods to choose from.
    pub others: bool,
}
page!(TotpPage, "pages/sign_in/totp.html");

/// `/sign-in/second-factor/webauthn`: asks for a passkey or a security key, by script.
#[derive(Debug, Serialize)]
pub struct WebauthnPage {
    /// `passkey` or `security_key`.
    pub kind: &'static str,
    /// POST here for the options, as JSON.
    pub options_path: Address,
    /// POST the answer here, as JSON `{"answer"}`.
    pub result_path: Address,
    /// Whether there are other methods to choose from.
    pub others: bool,
}
page!(WebauthnPage, "pages/sign_in/webauthn.html");

/// A phone that a code can be sent to.
#[derive(Debug, Serialize)]
pub struct PhoneChoice {
    /// The authenticator's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The end of its number.
    pub masked: String,
}

/// `/sign-in/second-factor/sms`: sends a code, and asks for it.
#[derive(Debug, Serialize)]
pub struct SmsPage {
    /// The account's phones.
    pub phones: Vec<PhoneChoice>,
    /// The end of the number that a code was sent to, once one was.
    pub sent_to: Option<String>,
    /// What was wrong with the form.
    pub problem: Option<SmsProblem>,
    /// Tries left before a lock, when there are three or fewer.
    pub tries_left: Option<u32>,
    /// Whether there are other methods to choose from.
    pub others: bool,
}
page!(SmsPage, "pages/sign_in/sms.html");

/// Too many wrong codes: the account is locked for a while, or the authenticator has ended.
#[derive(Debug, Serialize)]
pub struct LockedPage {
    /// Minutes until the next try; nothing when the authenticator has ended.
    pub minutes: Option<i64>,
}
page!(LockedPage, "pages/sign_in/locked.html");

impl From<Locked> for LockedPage {
    fn from(Locked { minutes }: Locked) -> Self {
        Self { minutes }
    }
}

/// `/forgot-password`: asks for an e-mail address.
#[derive(Debug, Default, Serialize)]
pub struct ForgottenPasswordPage {
    /// What was typed before.
    pub email: String,
    /// What was wrong with the form.
    pub problem: Option<AddressProblem>,
}
page!(ForgottenPasswordPage, "pages/recovery/start.html");

/// `/forgot-password/unlock`, `/unlock`: opens the vault again.
#[derive(Debug, Serialize)]
pub struct UnlockPage {
    /// Whether the password opens it; otherwise only the recovery key does.
    pub by_password: bool,
    /// Where the form goes.
    pub action: Address,
    /// Where the person goes on without opening it, where that is possible.
    pub skip_path: Option<Address>,
    /// What was wrong with the form.
    pub problem: Option<UnlockProblem>,
}
page!(UnlockPage, "pages/recovery/unlock.html");

/// `/forgot-password/old`: asks for a password that has ended, to take it up again.
#[derive(Debug, Serialize)]
pub struct OldPasswordPage {
    /// How often it may still be tried.
    pub tries_left: u32,
    /// What was wrong with the form.
    pub problem: Option<OldPasswordProblem>,
}
page!(OldPasswordPage, "pages/recovery/old_password.html");

/// A link that cannot be used (any more): expired, used, or never there.
#[derive(Debug, Serialize)]
pub struct LinkUnusablePage {
    /// Where a new one is asked for.
    pub again_path: Address,
}
page!(LinkUnusablePage, "pages/sign_up/link_unusable.html");

/// The account was stopped by an administrator. Shown after the right password only.
#[derive(Debug, Serialize)]
pub struct SuspendedPage {}
page!(SuspendedPage, "pages/sign_in/suspended.html");
