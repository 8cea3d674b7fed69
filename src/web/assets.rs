//! Static files: embedded in the binary, served under a name that carries the hash of their content, so that browsers
//! may keep them for ever. What they are and where they come from: `templates/static/README.md`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, ETAG, IF_NONE_MATCH, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::RustEmbed;

use super::head::get;

/// Where they are served.
const PREFIX: &str = "/assets/";
/// A year, which is as good as for ever: a changed file has another name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

#[derive(RustEmbed)]
#[folder = "templates/static/"]
#[include = "css/*.css"]
#[include = "fonts/*.woff2"]
#[include = "img/*.svg"]
#[include = "js/*.js"]
struct Files;

struct Asset {
    hash: String,
    content_type: &'static str,
    plain: Vec<u8>,
    /// Compressed once, when the process starts; nothing for what is compressed already.
    gzip: Option<Vec<u8>>,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    Files::iter()
        .filter_map(|name| {
            let content_type = content_type(&name)?;
            let plain = Files::get(&name)?.data.into_owned();
            let plain = if name.ends_with(".css") { with_hashed_addresses(&plain) } else { plain };
            let gzip = if name.ends_with(".woff2") { None } else { gzip(&plain) };
            Some((name.to_string(), Asset { hash: hash(&plain), content_type, plain, gzip }))
        })
        .collect()
});

/// The address of a static file, for templates: `css/signet.css` gives `/assets/<hash>/css/signet.css`. An unknown name
/// gives an address at which nothing is.
#[must_use]
pub fn address(name: &str) -> String {
    let hash = ASSETS.get(name).map_or("unknown", |asset| asset.hash.as_str());
    format!("{PREFIX}{hash}/{name}")
}

/// The routes of the static files.
pub fn configure(config: &mut web::ServiceConfig) {
    let logo =
        || get().to(|| async { HttpResponse::Found().insert_header(("Location", address("img/signet.svg"))).finish() });
    config
        .route("/assets/{hash}/{name:.*}", get().to(serve))
        .route("/favicon.ico", logo())
        // Published in our metadata, so it must not change its name with the content.
        .route(crate::address::LOGO.as_str(), logo());
}

async fn serve(request: HttpRequest, path: web::Path<(String, String)>) -> HttpResponse {
    let (hash, name) = path.into_inner();
    let Some(asset) = ASSETS.get(&name).filter(|asset| asset.hash == hash) else {
        return HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("No such file.\n");
    };
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let etag = format!("\"{hash}\"");
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((CACHE_CONTROL, FOR_EVER))
        .insert_header((ETAG, etag.clone()))
        .insert_header((VARY, "Accept-Encoding"));
    if header(IF_NONE_MATCH.as_str()) == etag {
        return answer.status(actix_web::http::StatusCode::NOT_MODIFIED).finish();
    }
    answer.content_type(asset.content_type);
    match &asset.gzip {
        Some(gzip) if header("accept-encoding").split(',').any(|one| one.trim().starts_with("gzip")) => {
            answer.insert_header((CONTENT_ENCODING, "gzip")).body(gzip.clone())
        }
        _ => answer.body(asset.plain.clone()),
    }
}

/// Fonts and icons that a stylesheet names by `../fonts/…` become their hashed addresses.
fn with_hashed_addresses(css: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(css);
    let mut out = String::with_capacity(text.len() + 1024);
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once("url(") {
        out.push_str(before);
        out.push_str("url(");
        let (inside, behind) = after.split_once(')').unwrap_or((after, ""));
        let named = inside.trim_matches('"').strip_prefix("../").and_then(|name| Some((name, Files::get(name)?)));
        match named {
            Some((name, file)) => out.push_str(&format!("{PREFIX}{}/{name}", hash(&file.data))),
            None => out.push_str(inside),
        }
        out.push(')');
        rest = behind;
    }
    out.push_str(rest);
    out.into_bytes()
}

fn hash(octets: &[u8]) -> String {
    hex::encode(openssl::sha::sha256(octets).get(..8).unwrap_or_default())
}

fn gzip(octets: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write as _;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(octets).ok()?;
    encoder.finish().ok()
}

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit('.').next()? {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_stylesheet_names_is_there() {
        for (name, asset) in ASSETS.iter().filter(|(name, _)| name.ends_with(".css")) {
            let text = String::from_utf8_lossy(&asset.plain);
            for (_, after) in text.match_indices("url(").map(|(at, _)| text.split_at(at + 4)) {
                let inside = after.split(')').next().unwrap().trim_matches('"');
                assert!(
                    inside.is_empty() || inside.starts_with("data:") || inside.starts_with(PREFIX),
                    "{name}: {inside}"
                );
                assert!(!inside.contains("/unknown/"), "{name}: {inside}");
            }
        }
        assert!(ASSETS.contains_key("css/uswds.css") && ASSETS.contains_key("fonts/PublicSans-Bold.woff2"));
    }

    #[test]
    fn an_address_carries_the_hash_of_the_content() {
        let address = address("css/signet.css");
        assert_eq!(address, format!("/assets/{}/css/signet.css", ASSETS["css/signet.css"].hash));
    }
}
