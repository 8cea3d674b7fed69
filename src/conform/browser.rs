//! A browser without script: it keeps Signet's cookies, follows Signet's redirects, and stops where another site begins.

use std::{collections::BTreeMap, net::SocketAddr};

use reqwest::{
    Client, Method, StatusCode,
    header::{CONTENT_TYPE, COOKIE, HeaderMap, IF_NONE_MATCH, LOCATION, SET_COOKIE},
    redirect,
};
use url::Url;

use super::html::{self, Form};

/// More redirects than this in a row lead nowhere.
const MOST_REDIRECTS: usize = 10;

/// One person's browser at one identity provider.
#[derive(Debug)]
pub(super) struct Browser {
    client: Client,
    home: Url,
    cookies: BTreeMap<String, String>,
}

/// Where the browser came to.
#[derive(Debug)]
pub(super) enum Landed {
    /// A page of the identity provider.
    Page(Page),
    /// The identity provider sent it to another site.
    Elsewhere(Url),
}

/// A page of the identity provider.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Page {
    pub(super) fn forms(&self) -> Vec<Form> {
        html::forms(&self.url, &self.body)
    }

    /// The form that carries a message to another site, if this is the page of one.
    pub(super) fn carrier(&self) -> Option<Form> {
        self.forms().into_iter().find(|form| form.value("SAMLResponse").or(form.value("SAMLRequest")).is_some())
    }

    pub(super) fn text(&self) -> String {
        html::text(&self.body)
    }
}

impl Browser {
    /// A browser without cookies.
    ///
    /// # Errors
    /// There is no HTTP client to be had.
    pub(super) fn new(home: &Url) -> reqwest::Result<Self> {
        // Browsers take every name below localhost for this machine; the resolver of a bare machine does not.
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .resolve("localhost", SocketAddr::from(([127, 0, 0, 1], 0)))
            .build()?;
        Ok(Self { client, home: home.clone(), cookies: BTreeMap::new() })
    }

    /// Follows an address.
    ///
    /// # Errors
    /// No answer came.
    pub(super) async fn get(&mut self, url: Url) -> reqwest::Result<Landed> {
        self.go(Method::GET, url, None).await
    }

    /// Follows a path of the identity provider.
    ///
    /// # Errors
    /// No answer came.
    pub(super) async fn visit(&mut self, path: &str) -> reqwest::Result<Landed> {
        let mut url = self.home.clone();
        url.set_path(path);
        self.get(url).await
    }

    /// Sends a form.
    ///
    /// # Errors
    /// No answer came.
    pub(super) async fn submit(&mut self, form: &Form) -> reqwest::Result<Landed> {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        if form.by_post {
            return self.go(Method::POST, form.action.clone(), Some(encoded)).await;
        }
        let mut url = form.action.clone();
        url.set_query(Some(&encoded));
        self.get(url).await
    }

    /// The status of the answer to whoever has this copy already.
    ///
    /// # Errors
    /// No answer came.
    pub(super) async fn status_if_unchanged(&self, path: &str, tag: &str) -> reqwest::Result<u16> {
        let mut url = self.home.clone();
        url.set_path(path);
        let answer = self.client.get(url).header(IF_NONE_MATCH, tag).send().await?;
        Ok(answer.status().as_u16())
    }

    async fn go(&mut self, method: Method, url: Url, body: Option<String>) -> reqwest::Result<Landed> {
        let (mut method, mut url, mut body) = (method, url, body);
        for _ in 0..MOST_REDIRECTS {
            if url.origin() != self.home.origin() {
                return Ok(Landed::Elsewhere(url));
            }
            let page = self.once(method, &url, body.take()).await?;
            let to = page.headers.get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok());
            match to.filter(|_| page.status.is_redirection()) {
                Some(to) => (method, url) = (Method::GET, to),
                None => return Ok(Landed::Page(page)),
            }
        }
        Ok(Landed::Elsewhere(url))
    }

    async fn once(&mut self, method: Method, url: &Url, body: Option<String>) -> reqwest::Result<Page> {
        let jar: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.client.request(method, url.clone()).header(COOKIE, jar.join("; "));
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        for line in headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            let pair = line.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            if value.is_empty() || line.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = String::from_utf8_lossy(&answer.bytes().await?).into_owned();
        Ok(Page { url: url.clone(), status, headers, body })
    }
}
