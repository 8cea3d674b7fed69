//! A person's browser as far as the front door cares: it keeps cookies, follows redirects, reads pages and submits their
//! forms with every hidden field. No script runs, so what works here works without script.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, StatusCode, Url, redirect};
use scraper::{ElementRef, Html, Selector};

/// One browser: a cookie jar and where it is. A clone shares the jar, as a second tab does.
pub struct Browser {
    client: Client,
    base: Url,
    /// By host: `localhost` and `demo-agency.localhost` are different sites.
    cookies: Arc<Mutex<BTreeMap<(String, String), String>>>,
    /// The names of those that have an age of their own.
    lasting: Arc<Mutex<BTreeSet<String>>>,
    /// The address of the page that lies open.
    open: Mutex<Option<Url>>,
}

impl Clone for Browser {
    fn clone(&self) -> Self {
        let (client, base, cookies) = (self.client.clone(), self.base.clone(), Arc::clone(&self.cookies));
        Self { client, base, cookies, lasting: Arc::clone(&self.lasting), open: Mutex::default() }
    }
}

/// What came back, after redirects within the same origin.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where the browser ended up.
    pub url: Url,
    /// The status of the last answer.
    pub status: StatusCode,
    /// The headers of the last answer.
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
    /// Each URL that was visited on the way, the last one included.
    pub visited: Vec<Url>,
}

/// A form on a page: where it goes, and what it would send.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it is submitted to.
    pub action: Url,
    /// `GET` or `POST`.
    pub method: Method,
    /// Every field with the value that it has on the page.
    pub fields: Vec<(String, String)>,
}

impl Browser {
    /// A browser without cookies whose relative addresses start at `base`.
    pub fn new(base: &str) -> Self {
        Self::coming_from(base, None)
    }

    /// The same, from one of the many addresses of loopback, so that what one address may do is counted apart.
    pub fn coming_from(base: &str, address: Option<std::net::Ipv4Addr>) -> Self {
        // Real browsers take every name below localhost for this machine; the resolver of a bare machine does not.
        let this_machine = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            // A real browser asks again when a kept connection is closed under its request; this one keeps none.
            .pool_max_idle_per_host(0)
            .local_address(address.map(std::net::IpAddr::V4))
            .resolve("localhost", this_machine)
            .resolve("demo-agency.localhost", this_machine)
            .build()
            .expect("a client");
        Self {
            client,
            base: base.parse().expect("a base URL"),
            cookies: Arc::default(),
            lasting: Arc::default(),
            open: Mutex::default(),
        }
    }

    /// The address of a page of ours for the request that the open page is about, as the links of that page have it.
    pub fn onward(&self, path: &str) -> String {
        let open = self.open.lock().expect("the page").clone();
        let named = |url: &Url| {
            let in_query = url.query_pairs().find(|(name, _)| name == "request").map(|(_, value)| value.into_owned());
            let mut parts = url.path_segments().into_iter().flatten();
            let in_path = (parts.next() == Some("saml")).then(|| parts.nth(1)).flatten().map(str::to_owned);
            in_query.or(in_path.filter(|id| id.len() == 48))
        };
        match open.as_ref().and_then(named) {
            Some(request) if !path.contains("request=") => {
                format!("{path}{}request={request}", if path.contains('?') { '&' } else { '?' })
            }
            _ => path.to_owned(),
        }
    }

    /// Goes to a page of ours as the links of the open page do: for the request that it is about.
    pub async fn go(&self, path: &str) -> Page {
        self.get(&self.onward(path)).await
    }

    /// Follows an address, absolute or from the base.
    pub async fn get(&self, address: &str) -> Page {
        self.send(Method::GET, self.base.join(address).expect("an address"), None).await
    }

    /// Posts fields to an address, as a script or a foreign page would: nothing is added.
    pub async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, self.base.join(address).expect("an address"), Some(body)).await
    }

    /// Posts JSON with a form token in its header, as our script does. No redirect is followed.
    pub async fn post_json(&self, address: &str, token: &str, body: &serde_json::Value) -> Page {
        let url = self.base.join(address).expect("an address");
        let host = url.host_str().expect("a host").to_owned();
        let jar: Vec<String> = self
            .cookies
            .lock()
            .expect("the jar")
            .iter()
            .filter(|((of, _), _)| *of == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let answer = self
            .client
            .post(url.clone())
            .header(COOKIE, jar.join("; "))
            .header("x-csrf", token)
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
            .body(body.to_string())
            .send()
            .await
            .unwrap_or_else(|fault| panic!("{url}: {fault}"));
        let (status, headers) = (answer.status(), answer.headers().clone());
        for line in headers.get_all(SET_COOKIE) {
            self.take_cookie(&host, line.to_str().expect("a cookie line"));
        }
        let body = String::from_utf8_lossy(&answer.bytes().await.expect("a body")).into_owned();
        Page { url: url.clone(), status, headers, body, visited: vec![url] }
    }

    /// Posts a body of this type, as a server would: without cookies. No redirect is followed.
    pub async fn post_body(&self, address: &str, content_type: &str, body: String) -> Page {
        let url = self.base.join(address).expect("an address");
        let request = self.client.post(url.clone()).header("Content-Type", content_type).body(body);
        let answer = request.send().await.unwrap_or_else(|fault| panic!("{url}: {fault}"));
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = String::from_utf8_lossy(&answer.bytes().await.expect("a body")).into_owned();
        Page { url: url.clone(), status, headers, body, visited: vec![url] }
    }

    /// Submits the form of `page` that has all the named fields, with these values in place of what stands there.
    pub async fn submit(&self, page: &Page, values: &[(&str, &str)]) -> Page {
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        let form = page.form_with(&names);
        self.submit_form(&form.with(values)).await
    }

    /// Submits the form whose action ends with `path`, with these values in place of what stands there.
    pub async fn submit_to(&self, page: &Page, path: &str, values: &[(&str, &str)]) -> Page {
        let form = page
            .forms()
            .into_iter()
            .find(|form| form.action.path().ends_with(path))
            .unwrap_or_else(|| panic!("no form to {path} on {}:\n{}", page.url, page.text()));
        self.submit_form(&form.with(values)).await
    }

    /// Sends a form as it is.
    pub async fn submit_form(&self, form: &Form) -> Page {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        if form.method == Method::POST {
            self.send(Method::POST, form.action.clone(), Some(encoded)).await
        } else {
            let mut target = form.action.clone();
            target.set_query(Some(&encoded));
            self.send(Method::GET, target, None).await
        }
    }

    /// The value of a cookie of the base's host.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let host = self.base.host_str().expect("a host").to_owned();
        self.cookies.lock().expect("the jar").get(&(host, name.to_owned())).cloned()
    }

    /// Puts a cookie into the jar, as an attacker who can plant one would.
    pub fn plant_cookie(&self, name: &str, value: &str) {
        let host = self.base.host_str().expect("a host").to_owned();
        self.cookies.lock().expect("the jar").insert((host, name.to_owned()), value.to_owned());
    }

    /// Forgets the cookies that have no age, as a browser does that is closed and opened again.
    pub fn forget_session_cookies(&self) {
        self.cookies
            .lock()
            .expect("the jar")
            .retain(|(_, name), _| self.lasting.lock().expect("the ages").contains(name));
    }

    /// Forgets everything, as a new private window does.
    pub fn forget(&self) {
        self.cookies.lock().expect("the jar").clear();
    }

    /// One request without following redirects.
    pub async fn once(&self, method: Method, url: Url, form: Option<String>) -> Page {
        let shown = url.clone();
        self.try_once(method, url, form).await.unwrap_or_else(|fault| panic!("{shown}: {fault}"))
    }

    /// The same for a request that may be cut off on its way.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn try_once(&self, method: Method, url: Url, form: Option<String>) -> reqwest::Result<Page> {
        self.try_once_with(method, url, form, &[]).await
    }

    /// One request with headers of one's own; a `Cookie` among them takes the place of the jar's.
    pub async fn once_with(
        &self,
        method: Method,
        address: &str,
        form: Option<&[(&str, &str)]>,
        headers: &[(&str, &str)],
    ) -> Page {
        let url = self.base.join(address).expect("an address");
        let form = form.map(|fields| {
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.iter().copied()).finish()
        });
        self.try_once_with(method, url, form, headers).await.unwrap_or_else(|fault| panic!("{address}: {fault}"))
    }

    async fn try_once_with(
        &self,
        method: Method,
        url: Url,
        form: Option<String>,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Page> {
        let host = url.host_str().expect("a host").to_owned();
        let mut request = self.client.request(method, url.clone());
        let jar: Vec<String> = self
            .cookies
            .lock()
            .expect("the jar")
            .iter()
            .filter(|((of, _), _)| *of == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        if !jar.is_empty() && headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("cookie")) {
            request = request.header(COOKIE, jar.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = form {
            request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        for line in headers.get_all(SET_COOKIE) {
            self.take_cookie(&host, line.to_str().expect("a cookie line"));
        }
        let body = String::from_utf8_lossy(&answer.bytes().await?).into_owned();
        Ok(Page { url: url.clone(), status, headers, body, visited: vec![url] })
    }

    async fn send(&self, method: Method, url: Url, form: Option<String>) -> Page {
        let mut visited = Vec::new();
        let mut page = self.navigate(method, url, form).await;
        visited.push(page.url.clone());
        while page.status.is_redirection() {
            assert!(visited.len() < 20, "a loop of redirects: {visited:?}");
            let location = page.headers.get(LOCATION).expect("a Location").to_str().expect("text").to_owned();
            let next = page.url.join(&location).expect("a Location that is a URL");
            page = self.navigate(Method::GET, next, None).await;
            visited.push(page.url.clone());
        }
        page.visited = visited;
        *self.open.lock().expect("the page") = Some(page.url.clone());
        page
    }

    /// One request for what is shown, as browsers say it (Fetch Metadata).
    async fn navigate(&self, method: Method, url: Url, form: Option<String>) -> Page {
        let shown = url.clone();
        let answer = self.try_once_with(method, url, form, &[("sec-fetch-dest", "document")]).await;
        answer.unwrap_or_else(|fault| panic!("{shown}: {fault}"))
    }

    fn take_cookie(&self, host: &str, line: &str) {
        let mut parts = line.split(';');
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("name=value");
        let attributes: Vec<String> = parts.map(|part| part.trim().to_ascii_lowercase()).collect();
        let ended = attributes.iter().any(|a| a == "max-age=0") || value.is_empty();
        if attributes.iter().any(|a| a.starts_with("max-age=")) {
            self.lasting.lock().expect("the ages").insert(name.trim().to_owned());
        }
        let mut jar = self.cookies.lock().expect("the jar");
        let key = (host.to_owned(), name.trim().to_owned());
        if ended {
            jar.remove(&key);
        } else {
            jar.insert(key, value.to_owned());
        }
    }
}

impl Page {
    /// Every form on the page.
    pub fn forms(&self) -> Vec<Form> {
        let html = Html::parse_document(&self.body);
        let all = selector("form");
        html.select(&all).map(|form| self.read_form(form)).collect()
    }

    /// The form that has all the named fields.
    pub fn form_with(&self, names: &[&str]) -> Form {
        self.forms()
            .into_iter()
            .find(|form| names.iter().all(|name| form.fields.iter().any(|(field, _)| field == name)))
            .unwrap_or_else(|| panic!("no form with {names:?} on {} ({}):\n{}", self.url, self.status, self.text()))
    }

    /// What stands on the page, without markup, each run of white space as one space.
    pub fn text(&self) -> String {
        let html = Html::parse_document(&self.body);
        let body = selector("body");
        let words: Vec<String> = html
            .select(&body)
            .flat_map(|element| element.text())
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect();
        words.join(" ")
    }

    /// The text of the first element that the CSS selector finds.
    pub fn find(&self, css: &str) -> Option<String> {
        let html = Html::parse_document(&self.body);
        html.select(&selector(css)).next().map(|element| element.text().collect::<String>().trim().to_owned())
    }

    /// An attribute of the first element that the CSS selector finds.
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let html = Html::parse_document(&self.body);
        html.select(&selector(css)).next().and_then(|element| element.value().attr(name)).map(str::to_owned)
    }

    /// The address of the first link whose text contains these words.
    pub fn link(&self, words: &str) -> Option<String> {
        let html = Html::parse_document(&self.body);
        html.select(&selector("a[href]"))
            .find(|link| link.text().collect::<String>().contains(words))
            .and_then(|link| link.value().attr("href"))
            .map(str::to_owned)
    }

    /// Says what the page is when it is not what the test expects.
    #[track_caller]
    pub fn expect_status(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}:\n{}", self.url, self.text());
        self
    }

    /// The page has these words on it.
    #[track_caller]
    pub fn expect_words(&self, words: &str) -> &Self {
        assert!(self.text().contains(words), "{} ({}) lacks {words:?}:\n{}", self.url, self.status, self.text());
        self
    }

    fn read_form(&self, form: ElementRef<'_>) -> Form {
        let action = form.value().attr("action").filter(|action| !action.is_empty());
        let action = action.map_or_else(|| self.url.clone(), |action| self.url.join(action).expect("an action"));
        let method = match form.value().attr("method").map(str::to_ascii_lowercase).as_deref() {
            Some("post") => Method::POST,
            _ => Method::GET,
        };
        let mut fields = Vec::new();
        for field in form.select(&selector("input[name], select[name], textarea[name]")) {
            let element = field.value();
            let name = element.attr("name").unwrap_or_default().to_owned();
            let value = match (element.name(), element.attr("type")) {
                ("input", Some("checkbox" | "radio")) if element.attr("checked").is_none() => continue,
                ("input", Some("checkbox" | "radio")) => element.attr("value").unwrap_or("on").to_owned(),
                ("input", Some("submit" | "button")) => continue,
                ("select", _) => field
                    .select(&selector("option[selected]"))
                    .next()
                    .or_else(|| field.select(&selector("option")).next())
                    .and_then(|option| option.value().attr("value"))
                    .unwrap_or_default()
                    .to_owned(),
                ("textarea", _) => field.text().collect(),
                _ => element.attr("value").unwrap_or_default().to_owned(),
            };
            fields.push((name, value));
        }
        Form { action, method, fields }
    }
}

impl Form {
    /// The same form with these values; a field that the form does not have (an unchecked box) is added.
    #[must_use]
    pub fn with(mut self, values: &[(&str, &str)]) -> Self {
        for (name, value) in values {
            match self.fields.iter_mut().find(|(field, _)| field == name) {
                Some((_, old)) => (*value).clone_into(old),
                None => self.fields.push(((*name).to_owned(), (*value).to_owned())),
            }
        }
        self
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap_or_else(|fault| panic!("{css}: {fault}"))
}
