//! The person's own pages.

use super::*;
use crate::web::account::pages as account;

fn addresses(count: usize) -> Vec<account::AddressLine> {
    (0..count)
        .map(|number| account::AddressLine {
            id: format!("0{number}"),
            address: format!("person{number}@example.com"),
            confirmed_at: "2026-11-24 12:00".to_owned(),
            removable: count > 1,
        })
        .collect()
}

fn method_lines(removable: bool) -> Vec<account::MethodLine> {
    ["passkey", "security_key", "totp", "out_of_band"]
        .map(|kind| account::MethodLine {
            id: format!("01{kind}"),
            kind,
            name: "My phone".to_owned(),
            masked: (kind == "out_of_band").then(|| "…0123".to_owned()),
            created_at: "2026-11-24 12:00".to_owned(),
            last_used_at: (kind != "totp").then(|| "2026-11-25 09:30".to_owned()),
            ended: kind == "totp",
            removable,
        })
        .into()
}

pub(super) fn the_account(album: &mut Album) {
    album.add(
        true,
        &account::AccountPage {
            addresses: addresses(1),
            methods: method_lines(true),
            vault_sealed: true,
            recovery_key_made_at: None,
            services: 0,
            other_sessions: 0,
            history: Vec::new(),
        },
    );
    for count in [1, 3] {
        album.add(
            true,
            &account::AccountPage {
                addresses: addresses(2),
                methods: method_lines(true),
                vault_sealed: false,
                recovery_key_made_at: Some("2026-11-24 12:00".to_owned()),
                services: count,
                other_sessions: count,
                history: Event::REMEMBERED
                    .iter()
                    .map(|kind| account::HistoryLine { at: "2026-11-24 12:00".to_owned(), kind: (*kind).to_owned() })
                    .collect(),
            },
        );
    }
    let waiting = account::AccountPage {
        addresses: addresses(1),
        methods: method_lines(true),
        vault_sealed: false,
        recovery_key_made_at: None,
        services: 1,
        other_sessions: 0,
        history: Vec::new(),
    };
    album.add_in(&Layout { signed_in: true, ..asked() }, &waiting);
    for sent in [false, true] {
        album.with_problems(true, account::EmailProblem::ALL, |problem| account::EmailPage {
            addresses: addresses(if sent { 2 } else { 1 }),
            email: String::new(),
            sent,
            problem,
        });
    }
    let (email, action) = ("new@example.com".to_owned(), at("/account/email/confirm/sample"));
    album.add(true, &account::ConfirmEmailPage { email, action });
    album.with_problems(true, account::MethodsProblem::ALL, |problem| account::MethodsPage {
        methods: method_lines(problem.is_none()),
        problem,
    });
    let service = |connected| account::ServiceLine {
        entity_id: "https://benefits.example.gov/sp".to_owned(),
        name: words(if connected { "Benefits Portal" } else { "Tax Office" }),
        connected,
        disclosures: vec![account::DisclosureLine {
            at: "2026-11-24 12:00".to_owned(),
            attributes: AttributeName::ALL.map(|name| name.as_str().to_owned()).into(),
        }],
    };
    album.add(true, &account::ServicesPage { services: Vec::new() });
    album.add(true, &account::ServicesPage { services: vec![service(true), service(false)] });
}
