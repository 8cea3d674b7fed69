//! Templates become HTML: Tera 2 over the files under `templates/`, which lie in the binary, with the texts of the locale
//! files behind the function `t(key=…, …)`.

use std::sync::LazyLock;

use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult};

use super::{Layout, Page};

use crate::address::{self, Address};
use crate::texts::{self, LANGUAGE, Unrenderable};
use crate::web::assets;
use crate::web::waiting::PARAMETER;

#[derive(RustEmbed)]
#[folder = "templates/"]
#[include = "layouts/*.html"]
#[include = "components/*.html"]
#[include = "pages/**/*.html"]
#[include = "saml/*.html"]
struct Files;

static TEMPLATES: LazyLock<Result<Tera, String>> = LazyLock::new(|| load().map_err(|error| error.to_string()));

fn load() -> TeraResult<Tera> {
    let mut tera = Tera::default();
    tera.register_function("t", texts::for_templates);
    tera.register_function("said", texts::said);
    tera.register_function("language_said", texts::language_said);
    tera.register_function("asset", asset);
    tera.register_function("to", to);
    tera.register_function("on", on);
    let files = Files::iter().filter_map(|path| {
        let file = Files::get(&path)?;
        Some((path.into_owned(), String::from_utf8_lossy(&file.data).into_owned()))
    });
    tera.add_raw_templates(files)?;
    Ok(tera)
}

/// `asset(path="…")`: the address of a static file, with its content's hash in the name.
#[expect(clippy::needless_pass_by_value, reason = "as Tera calls it")]
fn asset(arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    Ok(assets::address(arguments.must_get("path")?))
}

/// `to(path="…")`: the address of a page of ours by its path, for the request that this page is about.
#[expect(clippy::needless_pass_by_value, reason = "as Tera calls it")]
fn to(arguments: Kwargs, state: &State<'_>) -> TeraResult<String> {
    let path: &str = arguments.must_get("path")?;
    let (page, kind) = path.split_once("?kind=").map_or((path, None), |(page, kind)| (page, Some(kind)));
    let page = address::named(page).ok_or_else(|| tera::Error::message(format!("there is no page `{path}`")))?;
    about_request(kind.map_or_else(|| Address::from(page), |kind| page.with("kind", kind)), state)
}

/// `on(address=…)`: an address that the page holds, for the request that this page is about.
#[expect(clippy::needless_pass_by_value, reason = "as Tera calls it")]
fn on(arguments: Kwargs, state: &State<'_>) -> TeraResult<String> {
    about_request(Address::of_request(arguments.must_get("address")?), state)
}

fn about_request(page: Address, state: &State<'_>) -> TeraResult<String> {
    let layout: Option<tera::Map> = state.get("layout")?;
    let request = layout.as_ref().and_then(|layout| layout.get(&"request".into()));
    Ok(match request.and_then(|request| request.as_str()) {
        Some(request) => page.with(PARAMETER, request),
        None => page,
    }
    .to_string())
}

/// Draws a page.
///
/// # Errors
/// [`Unrenderable`], when the page's template, or a text or static file that it names, is missing or wrong.
pub fn render<P: Page>(page: &P, layout: &Layout) -> Result<String, Unrenderable> {
    draw(P::TEMPLATE, page, |context| {
        context.insert("layout", layout);
        context.insert(LANGUAGE, layout.locale.tag());
        context.insert("direction", layout.locale.direction());
    })
}

fn draw(
    template: &'static str,
    content: &impl Serialize,
    also: impl FnOnce(&mut Context),
) -> Result<String, Unrenderable> {
    let wrong = |reason: String| Unrenderable { template, reason };
    let tera = TEMPLATES.as_ref().map_err(|reason| wrong(reason.clone()))?;
    let mut context = Context::from_serialize(content).map_err(|error| wrong(error.to_string()))?;
    also(&mut context);
    tera.render(template, &context).map_err(|error| wrong(error.to_string()))
}
