//! The pages of signing up, signing in and recovery.

use super::*;
use crate::web::sign_in::pages as sign_in;
use crate::web::sign_in::problems::{
    AddressProblem, ChoosePasswordProblem, OldPasswordProblem, PhoneCodeProblem, PhoneSetUpProblem, RecoveryKeyProblem,
    SignInProblem, SignUpProblem, SmsProblem, TotpProblem, TotpSetUpProblem, UnlockProblem,
};

fn choices() -> Vec<sign_in::MethodChoice> {
    ["passkey", "security_key", "totp", "out_of_band"]
        .map(|kind| sign_in::MethodChoice {
            kind,
            path: at(&format!("/sign-in/second-factor/{kind}")),
            name: (kind == "totp").then(|| "My phone".to_owned()),
            restricted: kind == "out_of_band",
        })
        .into()
}

pub(super) fn signing_up(album: &mut Album) {
    album.with_problems(false, SignUpProblem::ALL, |problem| sign_in::SignUpPage {
        email: "person@example.com".to_owned(),
        problem,
    });
    for purpose in ["sign_up", "forgot_password"] {
        album.add(false, &sign_in::CheckMailPage { email: "person@example.com".to_owned(), purpose });
    }
    for forgotten in [false, true] {
        album.with_problems(false, ChoosePasswordProblem::ALL, |problem| sign_in::ChoosePasswordPage {
            email: "person@example.com".to_owned(),
            action: at("/sign-up/confirm/sample"),
            forgotten,
            old_path: forgotten.then(|| at("/forgot-password/sample/old")),
            over: None,
            problem,
        });
    }
    for service in [None, Some(words("Benefits <b>Portal</b>"))] {
        album.add_in(
            &asked(),
            &sign_in::ChoosePasswordPage {
                over: Some(sign_in::RequestOver { service }),
                ..sign_in::ChoosePasswordPage::default()
            },
        );
    }
    for purpose in ["sign_up", "forgotten_password"] {
        album.add(
            false,
            &sign_in::LinkQuestionPage {
                email: "person@example.com".to_owned(),
                service_name: words("Benefits Portal"),
                agency_name: words("Department of Examples"),
                purpose,
                action: at("/sign-up/confirm/sample/request"),
            },
        );
    }
    album.with_problems(false, RecoveryKeyProblem::ALL, |problem| sign_in::RecoveryKeyPage {
        key: "7QK4 M2XP 9F0R HT6C 3WZA E8YN 51JD".to_owned(),
        problem,
    });
    for again_path in [at("/sign-up"), at("/forgot-password")] {
        album.add(false, &sign_in::LinkUnusablePage { again_path });
    }
}

pub(super) fn methods(album: &mut Album) {
    for first in [true, false] {
        album.add(!first, &sign_in::ChooseMethodPage { choices: choices(), first });
    }
    let picture = concat!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29" width="232" height="232">"#,
        r##"<rect width="29" height="29" fill="#fff"/><path d="M4 4h7v7H4zM18 4h7v7h-7zM4 18h7v7H4z"/></svg>"##
    );
    album.with_problems(false, TotpSetUpProblem::ALL, |problem| sign_in::TotpSetUpPage {
        picture: picture.to_owned(),
        secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".to_owned(),
        action: at("/sign-up/methods/totp"),
        problem,
    });
    for kind in ["passkey", "security_key"] {
        album.add(
            true,
            &sign_in::WebauthnSetUpPage {
                kind,
                options_path: at("/account/methods/add/webauthn/options"),
                result_path: at("/account/methods/add/webauthn"),
            },
        );
    }
    let named = texts::keys().filter_map(|key| key.strip_prefix("region-")).filter(|code| code.len() == 2);
    let regions: Vec<_> = named.chain(["NZ"]).map(sign_in::PhoneRegion::of).collect();
    album.with_problems(false, PhoneSetUpProblem::ALL, |problem| sign_in::PhoneSetUpPage {
        phone: "202-555-0123".to_owned(),
        region: "US".to_owned(),
        regions: regions.clone(),
        action: at("/sign-up/methods/sms"),
        problem,
    });
    for tries_left in [None, Some(1), Some(3)] {
        album.with_problems(false, PhoneCodeProblem::ALL, |problem| sign_in::PhoneCodePage {
            phone: "(202) 555-0123".to_owned(),
            action: at("/sign-up/methods/sms/code"),
            again_path: at("/sign-up/methods/sms/again"),
            problem,
            tries_left,
        });
    }
}

pub(super) fn signing_in(album: &mut Album) {
    for again in [false, true] {
        album.with_problems(again, SignInProblem::ALL, |problem| sign_in::SignInPage {
            email: "person@example.com".to_owned(),
            problem,
            again,
        });
    }
    album.add_in(&asked(), &sign_in::SignInPage::default());
    for then_enrol in [false, true] {
        album.add(false, &sign_in::SecondFactorPage { choices: choices(), then_enrol });
        album.add_in(&asked(), &sign_in::SecondFactorPage { choices: choices(), then_enrol });
    }
    album.add(true, &sign_in::EnrolPage {});
    album.add_in(&asked(), &sign_in::EnrolPage {});
    album.add_in(&Layout { late: true, ..asked() }, &sign_in::SignInPage::default());
    for others in [false, true] {
        album.with_problems(false, TotpProblem::ALL, |problem| sign_in::TotpPage {
            problem,
            tries_left: others.then_some(2),
            others,
        });
    }
    for kind in ["passkey", "security_key"] {
        album.add(
            false,
            &sign_in::WebauthnPage {
                kind,
                options_path: at("/sign-in/second-factor/webauthn/options"),
                result_path: at("/sign-in/second-factor/webauthn"),
                others: kind == "passkey",
            },
        );
    }
    for sent_to in [None, Some("…0123".to_owned())] {
        album.with_problems(false, SmsProblem::ALL, |problem| sign_in::SmsPage {
            phones: [("01", "Work"), ("02", "Home")]
                .map(|(id, name)| sign_in::PhoneChoice {
                    id: id.to_owned(),
                    name: name.to_owned(),
                    masked: format!("…{id}23"),
                })
                .into(),
            sent_to: sent_to.clone(),
            problem,
            tries_left: None,
            others: true,
        });
    }
    for minutes in [None, Some(1), Some(10)] {
        album.add(false, &sign_in::LockedPage { minutes });
    }
    album.add(false, &sign_in::SuspendedPage {});
}

pub(super) fn recovery(album: &mut Album) {
    album.with_problems(false, AddressProblem::ALL, |problem| sign_in::ForgottenPasswordPage {
        email: "person@example.com".to_owned(),
        problem,
    });
    for tries_left in [0, 1, 5] {
        album.with_problems(false, OldPasswordProblem::ALL, |problem| sign_in::OldPasswordPage { tries_left, problem });
    }
    for by_password in [true, false] {
        album.with_problems(true, UnlockProblem::ALL, |problem| sign_in::UnlockPage {
            by_password,
            action: at("/unlock"),
            skip_path: (!by_password).then(|| at("/account")),
            problem,
        });
    }
}
