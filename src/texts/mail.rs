//! The HTML part of a mail: drawn from the very words of its text part, so that the two never say different things.

use std::sync::LazyLock;

use serde::Serialize;
use tera::{Context, Tera, TeraResult};

use super::{TextPart, Unrenderable, for_templates, linked};
use crate::locale::Locale;

const TEMPLATE: &str = "mail/letter.html";

static TEMPLATES: LazyLock<Result<Tera, String>> = LazyLock::new(|| load().map_err(|error| error.to_string()));

fn load() -> TeraResult<Tera> {
    let mut tera = Tera::default();
    tera.register_function("t", for_templates);
    tera.add_raw_template(TEMPLATE, include_str!("../../templates/mail/letter.html"))?;
    Ok(tera)
}

/// What the template is given.
#[derive(Serialize)]
struct MailPage<'a> {
    /// In which language it is written, and in which direction.
    language: &'static str,
    direction: &'static str,
    service: &'a str,
    subject: &'a str,
    /// The words on the button.
    action: &'a str,
    paragraphs: Vec<Paragraph>,
}

#[derive(Serialize)]
struct Paragraph {
    lines: Vec<Vec<TextPart>>,
    /// The address of the paragraph, when it is an address and nothing else: what the mail is about. It stands there in
    /// letters too, for people who would rather type it.
    button: Option<String>,
}

/// Draws the HTML part, in the language of its words. `text` is the text part; only addresses that begin with `ours` become links. `action` is what
/// following the mail's one link does.
///
/// # Errors
/// [`Unrenderable`], when the template is wrong.
pub fn mail_html(
    locale: Locale,
    service: &str,
    subject: &str,
    text: &str,
    action: Option<&str>,
    ours: &str,
) -> Result<String, Unrenderable> {
    let paragraph = |text: &str| {
        let lines: Vec<Vec<TextPart>> = text.lines().map(|line| linked(line, &[ours])).collect();
        let alone = match lines.as_slice() {
            [line] => match line.as_slice() {
                [TextPart { href: Some(href), .. }] => Some(href.clone()),
                _ => None,
            },
            _ => None,
        };
        Paragraph { lines, button: alone.filter(|_| action.is_some()) }
    };
    let paragraphs = text.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).map(paragraph).collect();
    let (language, direction) = (locale.tag(), locale.direction());
    let page = MailPage { language, direction, service, subject, action: action.unwrap_or_default(), paragraphs };
    let wrong = |reason: String| Unrenderable { template: TEMPLATE, reason };
    let tera = TEMPLATES.as_ref().map_err(|reason| wrong(reason.clone()))?;
    let context = Context::from_serialize(&page).map_err(|error| wrong(error.to_string()))?;
    tera.render(TEMPLATE, &context).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts;

    const OURS: &str = "https://signet.example";

    #[test]
    fn words_that_would_like_to_be_markup_are_text() {
        let hostile = "Parks <b>&\" </p><script>alert(1)</script>";
        let html = mail_html(Locale::DEFAULT, hostile, hostile, &format!("Welcome to {hostile}."), Some(hostile), OURS)
            .unwrap();
        for markup in ["<b>", "<script", "</p><script", "&\" "] {
            assert!(!html.contains(markup), "{markup}: {html}");
        }
        let document = scraper::Html::parse_document(&html);
        let shown: String = document.root_element().text().collect();
        assert_eq!(shown.matches(hostile).count(), 4, "title, name, heading, text: {shown}");
    }

    /// A letter of the locale files with something in every place.
    fn letter(locale: Locale, key: &str) -> (String, String, Option<String>) {
        let arguments = [
            ("code", "123456".to_owned()),
            ("host", "signet.example".to_owned()),
            ("service", "Signet".to_owned()),
            ("time", "2026-11-24 12:00 UTC".to_owned()),
            ("sign_in", format!("{OURS}/sign-in")),
            ("forgotten", format!("{OURS}/forgot-password")),
            ("sign_up", format!("{OURS}/sign-up")),
            ("help", format!("{OURS}/help")),
            ("link", format!("{OURS}/link/m53Q0UAX07I6uZyhn6KCOMuC6qmmvL8JZwcbHEQVsTc")),
            ("address", "a…@example.org".to_owned()),
            ("method", "Security key".to_owned()),
        ];
        let subject = texts::text(locale, &format!("{key}-subject"), &arguments);
        (subject, texts::text(locale, key, &arguments), texts::lookup(locale, &format!("{key}-action"), []))
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    fn every_mail_says_the_same_twice_and_fetches_nothing() {
        let letters: Vec<&str> = texts::keys()
            .filter(|key| key.starts_with("mail-") && !key.ends_with("-subject") && !key.ends_with("-action"))
            .collect();
        assert_eq!(letters.len(), 20, "{letters:?}");
        for key in letters {
            let (subject, body, action) = letter(Locale::DEFAULT, key);
            let html = mail_html(Locale::DEFAULT, "Signet", &subject, &body, action.as_deref(), OURS).unwrap();
            if let Ok(folder) = std::env::var("SIGNET_PAGES") {
                std::fs::write(std::path::Path::new(&folder).join(format!("{key}.html")), &html).unwrap();
            }
            let document = scraper::Html::parse_document(&html);
            let all = |css: &str| -> Vec<scraper::ElementRef<'_>> {
                document.select(&scraper::Selector::parse(css).unwrap()).collect()
            };
            let shown: Vec<String> = all("body p, body h1").iter().map(|part| part.text().collect()).collect();
            // The button stands above the address that it leads to.
            let link = body.lines().find(|line| line.contains("/link/")).unwrap_or_default();
            let body_with_button = match &action {
                Some(action) => body.replacen(link, &format!("{action} {link}"), 1),
                None => body.clone(),
            };
            let squeezed = |text: &str| text.replace(char::is_whitespace, "");
            let expected = format!("Signet {subject} {body_with_button}");
            assert_eq!(squeezed(&shown.join(" ")), squeezed(&expected), "{key}");
            assert_eq!(action.is_some(), !link.is_empty(), "{key}: what its link does");
            assert_eq!(all("html")[0].attr("lang"), Some("en"), "{key}");
            assert!(
                all("img, link, script, style, iframe, form, [src], [onclick]").is_empty(),
                "{key}: nothing active"
            );
            assert!(all("a").iter().all(|link| link.attr("href").unwrap().starts_with(OURS)), "{key}: our links");
            assert!(!html.contains("url("), "{key}: nothing is fetched");
            // A line that is no sentence of its own would be broken in the middle.
            for line in body.lines().filter(|line| !line.is_empty()) {
                let whole = line.ends_with(['.', ':']) || line.rsplit(' ').next().unwrap().starts_with(OURS);
                assert!(whole, "{key}: a sentence is broken into lines: {line}");
            }
        }
    }

    #[test]
    fn every_text_of_every_message_comes_from_the_locale_files() {
        let inserted = ["Signet", "UTC", "Security key", "a…@example.org", "signet.example"];
        let foreign = |text: &str| {
            let mut pieces = texts::outside_of_marks(text);
            pieces.retain(|piece| {
                let left = inserted.iter().fold(piece.replace(OURS, ""), |left, data| left.replace(data, ""));
                left.contains(char::is_alphabetic) && !piece.starts_with(OURS)
            });
            pieces
        };
        let messages = |key: &&str| key.starts_with("mail-") || ["sms-code", "sms-phone-removed"].contains(key);
        for key in texts::keys().filter(messages) {
            let (_, body, _) = letter(Locale::PSEUDO, key);
            assert_eq!(foreign(&body), Vec::<String>::new(), "{key}: {body}");
            if texts::keys().any(|other| other == format!("{key}-subject")) {
                let (subject, body, action) = letter(Locale::PSEUDO, key);
                let html = mail_html(Locale::PSEUDO, "Signet", &subject, &body, action.as_deref(), OURS).unwrap();
                let document = scraper::Html::parse_document(&html);
                let shown: Vec<&str> = document.root_element().text().collect();
                assert_eq!(
                    shown.iter().flat_map(|text| foreign(text)).collect::<Vec<_>>(),
                    Vec::<String>::new(),
                    "{key}"
                );
                assert_eq!(document.root_element().attr("lang"), Some("en-XA"), "{key}");
            }
        }
    }

    #[test]
    fn only_our_addresses_become_links_and_each_is_shown() {
        let text = "Follow:\n\nhttps://signet.example/x?y=1&z=2\n\nNot https://evil.example/ nor javascript:alert(1).";
        let html = mail_html(Locale::DEFAULT, "Signet", "Confirm", text, Some("Go on"), OURS).unwrap();
        let document = scraper::Html::parse_document(&html);
        let links: Vec<(String, &str)> = document
            .select(&scraper::Selector::parse("a").unwrap())
            .map(|link| (link.text().collect(), link.attr("href").unwrap()))
            .collect();
        let ours = "https://signet.example/x?y=1&z=2";
        assert_eq!(links, [("Go on".to_owned(), ours), (ours.to_owned(), ours)]);
    }
}
