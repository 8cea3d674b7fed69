//! The ways to sign in that the demonstration agency offers.

use super::{page::Choice, service_provider::Ask};

/// The ways to sign in that the start page offers.
pub(super) const CHOICES: [Choice; 6] = [
    Choice {
        slug: "plain",
        label: "Sign in",
        explanation: "Asks for nothing by name: you get what the agreement sends by default, your e-mail address.",
    },
    Choice {
        slug: "proofed",
        label: "Sign in with a proofed identity",
        explanation: "Asks for identity level 2, and for your name and address.",
    },
    Choice {
        slug: "age",
        label: "Sign in and say only that you are 18 or older",
        explanation: "Asks for identity level 2 and for a yes or no. Your date of birth stays where it is.",
    },
    Choice {
        slug: "too-much",
        label: "Ask for more than was agreed",
        explanation: "Asks for your social security number, which this office's agreement does not allow. It is not sent.",
    },
    Choice {
        slug: "passive",
        label: "Sign in without seeing a page",
        explanation: "Works only if you are signed in at Signet and have agreed before; otherwise an error status comes back.",
    },
    Choice {
        slug: "again",
        label: "Prove again that it is you",
        explanation: "Demands a fresh sign-in, even if you are signed in at Signet.",
    },
];

/// The request that a choice makes; nothing for one that is not offered.
pub(super) fn ask_for(choice: &str) -> Option<Ask> {
    let level_2 = || {
        vec![
            "http://idmanagement.gov/ns/assurance/ial/2".to_owned(),
            "http://idmanagement.gov/ns/assurance/aal/2".to_owned(),
        ]
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Some(match choice {
        "plain" => Ask::default(),
        "proofed" => Ask {
            contexts: level_2(),
            attributes: names(&[
                "email",
                "first_name",
                "last_name",
                "address1",
                "address2",
                "city",
                "state",
                "zipcode",
            ]),
            ..Ask::default()
        },
        "age" => Ask { contexts: level_2(), attributes: names(&["age_over_18"]), ..Ask::default() },
        "too-much" => Ask {
            contexts: level_2(),
            attributes: names(&["email", "first_name", "last_name", "ssn"]),
            ..Ask::default()
        },
        "passive" => Ask { is_passive: true, ..Ask::default() },
        "again" => Ask { force_authn: true, ..Ask::default() },
        _ => return None,
    })
}
