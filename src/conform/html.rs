//! The forms of a page, as a browser without script sees them: where each goes, and what it would send.

use url::Url;

/// A form: where it goes, and what it would send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it is sent to.
    pub(super) action: Url,
    /// Whether by POST.
    pub(super) by_post: bool,
    /// Every field with the value that it has on the page.
    pub(super) fields: Vec<(String, String)>,
}

impl Form {
    /// The value of a field.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The same form with this value in a field.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }
}

/// The forms of a page that came from `base`.
pub(super) fn forms(base: &Url, html: &str) -> Vec<Form> {
    let mut found: Vec<Form> = Vec::new();
    let mut open = false;
    for tag in tags(html) {
        match tag.name.as_str() {
            "form" => {
                let action = tag.value("action").filter(|action| !action.is_empty());
                let Ok(action) = base.join(action.unwrap_or_default()) else { continue };
                let by_post = tag.value("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                found.push(Form { action, by_post, fields: Vec::new() });
                open = true;
            }
            "/form" => open = false,
            // A button sends its value only when it is the one that is pressed.
            "input" if open && !matches!(tag.value("type"), Some("submit" | "button" | "checkbox" | "radio")) => {
                if let (Some(form), Some(name)) = (found.last_mut(), tag.value("name")) {
                    form.fields.push((name.to_owned(), tag.value("value").unwrap_or_default().to_owned()));
                }
            }
            _ => {}
        }
    }
    found
}

/// What people read on a page: its text without markup, each run of white space as one space.
pub(super) fn text(html: &str) -> String {
    let body = html.find("<main").and_then(|at| html.get(at..)).unwrap_or(html);
    let mut out = String::new();
    for (at, piece) in body.split('<').enumerate() {
        let shown = if at == 0 { piece } else { piece.split_once('>').map_or("", |(_, shown)| shown) };
        out.push_str(&unescape(shown));
        out.push(' ');
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An opening tag with its attributes, or a closing one (`/form`).
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(attribute, _)| attribute == name).map(|(_, value)| value.as_str())
    }
}

fn tags(html: &str) -> impl Iterator<Item = Tag> + '_ {
    let mut rest = html;
    std::iter::from_fn(move || {
        let (_, from) = rest.split_once('<')?;
        let (tag, after) = read_tag(from);
        rest = after;
        Some(tag)
    })
}

fn read_tag(from: &str) -> (Tag, &str) {
    let end = from.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(from.len());
    let (name, mut rest) = from.split_at(end);
    let mut tag = Tag { name: name.to_ascii_lowercase(), attributes: Vec::new() };
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (tag, rest);
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>')).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => attribute_value(after),
            None => ("", after),
        };
        // Something that is no attribute must not hold us up.
        rest = if after.len() == rest.len() { after.get(1..).unwrap_or("") } else { after };
        tag.attributes.push((name.to_ascii_lowercase(), unescape(value)));
    }
}

fn attribute_value(after: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = after.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len()))
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, behind) = after.split_once(';').unwrap_or(("", after));
        match character(entity) {
            Some(c) => {
                out.push(c);
                rest = behind;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "nbsp" => Some(' '),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_with_every_hidden_field() {
        let base: Url = "http://localhost:1/a/b".parse().unwrap();
        let page = r#"<!doctype html><input name=outside value=1>
            <form method="post" action="https:&#x2F;&#x2F;sp.example/acs?a=1&amp;b=2" data-post>
              <input type="hidden" name="SAMLResponse" value="PD94&#x2F;bWw=">
              <input type='hidden' name='RelayState' value='a "quoted" &lt;b&gt;'><button name="x">Go</button>
            </form><form><input name="q"></form>"#;
        let found = forms(&base, page);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].action.as_str(), "https://sp.example/acs?a=1&b=2");
        assert!(found[0].by_post);
        assert_eq!(found[0].value("SAMLResponse"), Some("PD94/bWw="));
        assert_eq!(found[0].value("RelayState"), Some("a \"quoted\" <b>"));
        assert_eq!((found[1].action.as_str(), found[1].by_post), ("http://localhost:1/a/b", false));
        assert_eq!(found[1].value("q"), Some(""));
    }

    #[test]
    fn text_is_what_people_read() {
        assert_eq!(text("<head>x</head><main id=a><p>Tea &amp;  cake</p> <b>now</b>"), "Tea & cake now");
    }
}
