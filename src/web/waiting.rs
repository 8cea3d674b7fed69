//! The request that a page belongs to.
//!
//! Each page, form and link of a journey names its request in its own address (`?request=…`). So two tabs with two services
//! stay apart: the service that a page names is the service that its form goes on with.
//!
//! An address says which request is meant, and opens nothing. That the request waits for this browser is proved by a cookie
//! of its own, which the browser got when the request arrived. The cookie is apart from the session: a session may expire, get
//! a new secret or another person, and the request still waits for the hour that it has.
//!
//! What the journey of the request comes to is decided in [`saml`](super::saml).

use std::fmt;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration as CookieAge};
use time::Duration;

use super::page::Asking;
use super::refusal::{Refusal, RefusedService};
use crate::accounts::WaitingRequest;
use crate::accounts::site::Site;
use crate::address::{self, Address};
use crate::authentication::session::{SessionIdHash, SessionSecret};
use crate::federation::registry::ServiceProvider;
use crate::refusal::RefusalKind;
use crate::saml::EntityId;
use crate::storage::{PendingRequest, PendingRequestId};

/// How long a request waits for its person.
pub const REQUEST_WAITS: Duration = Duration::hours(1);

/// For how many requests one browser may have cookies at a time. A site that sends people here again and again must not fill their
/// cookies until no request of theirs is taken any more.
const MOST_COOKIES: usize = 12;

/// What the names of their cookies begin with.
const COOKIE_PREFIX: &str = "__Host-signet-request-";

/// The name of the parameter that carries a [`RequestAddress`].
pub const PARAMETER: &str = "request";

/// Which request, as addresses name it: 48 hexadecimal digits.
///
/// The first 16 octets are the request's own name. The other 8 are the beginning of a hash of the service's entityID, so that a
/// page can lead back to the service when the request itself is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestAddress {
    id: PendingRequestId,
    service: [u8; 8],
}

impl RequestAddress {
    /// The address of a request from this service.
    #[must_use]
    pub fn new(id: PendingRequestId, service: &str) -> Self {
        Self { id, service: tag_of(service) }
    }

    /// Reads the 48 digits; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut octets = [0_u8; 24];
        hex::decode_to_slice(text, &mut octets).ok()?;
        let (id, service) = octets.split_at(16);
        Some(Self { id: PendingRequestId::try_from(id).ok()?, service: service.try_into().ok()? })
    }

    /// What the address of a page says; `None` when it names no request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Option<Self> {
        // An address that has its place for a request names that one or none.
        let places = [address::SAML_CONTINUE, address::SAML_CONSENT, address::SAML_DECLINE];
        if let Some(id) = places.iter().find_map(|place| place.name_in(request.path())) {
            return Self::parse(id);
        }
        let mut query = url::form_urlencoded::parse(request.query_string().as_bytes());
        query.find(|(name, _)| name == PARAMETER).and_then(|(_, value)| Self::parse(&value))
    }

    /// By which the request is stored.
    #[must_use]
    pub const fn id(&self) -> &PendingRequestId {
        &self.id
    }

    /// Where the request goes on.
    #[must_use]
    pub fn path(&self) -> Address {
        address::SAML_CONTINUE.of(self)
    }

    /// The address of a page of ours, for this request.
    #[must_use]
    pub fn on(&self, page: impl Into<Address>) -> Address {
        page.into().with(PARAMETER, self)
    }

    /// The service that the address says to come from, where one of that name is registered and switched on. It is a hint: the
    /// request itself may be gone or never have been there.
    #[must_use]
    pub fn service(&self, site: &Site) -> Option<Arc<ServiceProvider>> {
        let services = site.services.load();
        services
            .services()
            .find(|service| tag_of(service.entity_id().as_str()) == self.service)
            .and_then(|service| services.admit(service.entity_id()).ok())
            .cloned()
    }

    /// The service, as a refusal's page names it and leads back to it.
    #[must_use]
    pub fn refused_service(&self, site: &Site) -> Option<RefusedService> {
        self.service(site).map(|service| RefusedService::of(&service))
    }
}

impl fmt::Display for RequestAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.id, hex::encode(self.service))
    }
}

/// The beginning of a hash of a service's name: tells the registered services apart, and says nothing else.
fn tag_of(service: &str) -> [u8; 8] {
    let mut hash = openssl::sha::Sha256::new();
    hash.update(b"signet/request-address/v1");
    hash.update(service.as_bytes());
    let mut tag = [0; 8];
    tag.iter_mut().zip(hash.finish()).for_each(|(to, from)| *to = from);
    tag
}

/// The cookie that proves that a request waits for this browser.
#[derive(Clone)]
pub struct RequestCookie(SessionSecret);

impl RequestCookie {
    /// A new one.
    #[must_use]
    pub fn random(site: &Site) -> Self {
        Self(SessionSecret::random(&*site.entropy))
    }

    /// The name of the cookie of this request. Each request has its own, so that two tabs do not take each other's.
    #[must_use]
    pub fn name(id: &PendingRequestId) -> String {
        format!("{COOKIE_PREFIX}{id}")
    }

    /// Reads a cookie's value; `None` when it is none of ours.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        SessionSecret::from_cookie(value).map(Self)
    }

    /// The cookie's value.
    #[must_use]
    pub fn to_value(&self) -> String {
        self.0.to_cookie()
    }

    /// What the stored request is bound to.
    #[must_use]
    pub fn id_hash(&self) -> SessionIdHash {
        self.0.id_hash()
    }

    /// The cookie, for the answer. It lives as long as its request, even when the browser is closed meanwhile.
    #[must_use]
    pub fn cookie(&self, id: &PendingRequestId) -> Cookie<'static> {
        Cookie::build(Self::name(id), self.to_value())
            .path("/")
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(CookieAge::seconds(REQUEST_WAITS.whole_seconds()))
            .finish()
    }

    /// What takes the cookie away again.
    #[must_use]
    pub fn removal(id: &PendingRequestId) -> Cookie<'static> {
        removal_of(Self::name(id))
    }

    /// What takes away the cookies of other requests than `of` that the browser has too many of, the oldest first: browsers send
    /// the older ones before the newer ones (RFC 6265 §5.4).
    #[must_use]
    pub fn removal_of_too_many(request: &HttpRequest, of: &PendingRequestId) -> Vec<Cookie<'static>> {
        let own = Self::name(of);
        let Ok(cookies) = request.cookies() else {
            return Vec::new();
        };
        let others: Vec<&str> =
            cookies.iter().map(Cookie::name).filter(|name| name.starts_with(COOKIE_PREFIX) && *name != own).collect();
        let too_many = (others.len() + 1).saturating_sub(MOST_COOKIES);
        others.into_iter().take(too_many).map(|name| removal_of(name.to_owned())).collect()
    }
}

fn removal_of(name: String) -> Cookie<'static> {
    let mut cookie = Cookie::build(name, "").path("/").secure(true).http_only(true).finish();
    cookie.make_removal();
    cookie
}

/// A request that waits for this browser: found, not answered yet, its cookie shown. [`NamedRequest::of`] alone makes it.
#[derive(Clone)]
pub struct Waiting {
    address: RequestAddress,
    cookie: RequestCookie,
    pending: PendingRequest,
}

impl Waiting {
    /// The request that an address names, as it was found.
    ///
    /// # Errors
    /// Why it does not wait for this browser.
    fn of(request: &HttpRequest, address: RequestAddress, found: Option<PendingRequest>) -> Result<Self, NotWaiting> {
        let pending = found.ok_or(NotWaiting::Gone)?;
        if pending.finished_at.is_some() {
            return Err(NotWaiting::AnsweredBefore);
        }
        let shown = request.cookie(&RequestCookie::name(&address.id));
        match shown
            .and_then(|one| RequestCookie::from_value(one.value()))
            .filter(|one| one.id_hash() == pending.session)
        {
            Some(cookie) => Ok(Self { address, cookie, pending }),
            None => Err(NotWaiting::CookieMissing),
        }
    }

    /// As addresses name it.
    #[must_use]
    pub const fn address(&self) -> RequestAddress {
        self.address
    }

    /// As it is stored.
    #[must_use]
    pub const fn pending(&self) -> &PendingRequest {
        &self.pending
    }

    /// The service that asks, for the pages on the way; `None` when it was switched off or removed meanwhile.
    #[must_use]
    pub fn asking(&self, site: &Site) -> Option<Asking> {
        Asking::by(site, &self.pending.entity_id, &self.address)
    }

    /// What a mailed link takes along, so that its person comes back to the request in whichever browser opens the link.
    #[must_use]
    pub fn to_take_along(&self) -> WaitingRequest {
        WaitingRequest {
            id: self.address.id,
            service: self.pending.entity_id.clone(),
            cookie: Some(self.cookie.to_value()),
        }
    }
}

/// What the address of a page says of the request that the page is about.
#[derive(Clone)]
pub enum NamedRequest {
    /// It names none.
    Nothing,
    /// It names one that does not wait for this browser.
    Over(RequestAddress, NotWaiting),
    /// It names one that waits.
    Waits(Arc<Waiting>),
}

impl NamedRequest {
    /// The request of a page's address, as it was found.
    #[must_use]
    pub fn of(request: &HttpRequest, address: Option<RequestAddress>, found: Option<PendingRequest>) -> Self {
        match address.map(|address| (address, Waiting::of(request, address, found))) {
            None => Self::Nothing,
            Some((_, Ok(waiting))) => Self::Waits(Arc::new(waiting)),
            Some((address, Err(why))) => Self::Over(address, why),
        }
    }

    /// As addresses name it, whether or not it waits.
    #[must_use]
    pub fn address(&self) -> Option<RequestAddress> {
        match self {
            Self::Nothing => None,
            Self::Over(address, _) => Some(*address),
            Self::Waits(waiting) => Some(waiting.address),
        }
    }

    /// The request, while it waits for this browser.
    #[must_use]
    pub fn waiting(&self) -> Option<&Waiting> {
        match self {
            Self::Nothing | Self::Over(..) => None,
            Self::Waits(waiting) => Some(waiting),
        }
    }

    /// The request that waits.
    ///
    /// # Errors
    /// The refusal that says why none waits for this browser.
    pub fn waits(&self, site: &Site) -> Result<Arc<Waiting>, Refusal> {
        match self {
            Self::Nothing => Err(RefusalKind::RequestGone.into()),
            Self::Over(address, why) => Err(why.refusal(address, site)),
            Self::Waits(waiting) => Ok(Arc::clone(waiting)),
        }
    }
}

/// Why a request does not wait for this browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWaiting {
    /// It was answered.
    #[error("the request was answered before")]
    AnsweredBefore,
    /// The browser does not show its cookie: it waits for another browser, or this one lost its cookies.
    #[error("the browser does not show the request's cookie")]
    CookieMissing,
    /// Its hour is over, or there never was one of this name.
    #[error("no request of this name waits")]
    Gone,
}

impl NotWaiting {
    /// The refusal, with the service that the address names.
    #[must_use]
    pub fn refusal(self, address: &RequestAddress, site: &Site) -> Refusal {
        let kind = match self {
            Self::AnsweredBefore => RefusalKind::AnsweredBefore,
            Self::CookieMissing => RefusalKind::CookieMissing,
            Self::Gone => RefusalKind::RequestGone,
        };
        let refusal = Refusal::from(kind);
        match address.refused_service(site) {
            Some(service) => refusal.about(service),
            None => refusal,
        }
    }
}

/// The request of a mailed link, as its address.
#[must_use]
pub fn address_of(taken: &WaitingRequest) -> RequestAddress {
    RequestAddress::new(taken.id, &taken.service)
}

/// The entityID of a stored request. It was verified before it was stored.
#[must_use]
pub fn service_named(site: &Site, entity_id: &str) -> Option<Arc<ServiceProvider>> {
    let entity_id = EntityId::parse(entity_id).ok()?;
    site.services.load().admit(&entity_id).ok().cloned()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn address() -> RequestAddress {
        RequestAddress::new(PendingRequestId::from_bytes([7; 16]), "https://permits.example.gov/sp")
    }

    fn of(uri: &str) -> Option<RequestAddress> {
        RequestAddress::of(&TestRequest::get().uri(uri).to_http_request())
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        assert_eq!(RequestAddress::parse(&address().to_string()), Some(address()));
        let text = address().to_string();
        for other in ["", "07", &text[..32], &text[1..], &format!("{text}00"), &text.replacen('0', "g", 1)] {
            assert_eq!(RequestAddress::parse(other), None, "{other}");
        }
    }

    #[test]
    fn each_page_says_which_request_it_is_about() {
        assert_eq!(of(address().on(address::SIGN_IN).as_str()), Some(address()));
        assert_eq!(of(address().on(address::SECOND_FACTOR_WEBAUTHN.with("kind", "passkey")).as_str()), Some(address()));
        assert_eq!(of(address().path().as_str()), Some(address()));
        assert_eq!(of(&format!("/saml/consent/{}?without=profile", address())), Some(address()));
        assert_eq!(of(&format!("/saml/consent/garbage?request={}", address())), None);
        assert_eq!(of("/sign-in"), None);
        assert_eq!(of("/sign-in?request=x"), None);
    }

    #[test]
    fn a_browser_keeps_the_newest_cookies_and_its_own() {
        let id = |of: u8| RequestCookie::name(&PendingRequestId::from_bytes([of; 16]));
        let header: Vec<String> = (0..40).map(|of| format!("{}=x", id(of))).collect();
        let header = format!("__Host-signet=s; {}", header.join("; "));
        let request = TestRequest::get().insert_header(("cookie", header)).to_http_request();
        let removed: Vec<String> = RequestCookie::removal_of_too_many(&request, &PendingRequestId::from_bytes([0; 16]))
            .iter()
            .map(|cookie| cookie.name().to_owned())
            .collect();
        assert_eq!(removed, (1..29).map(id).collect::<Vec<_>>(), "the oldest but its own, so that twelve are left");
        let few = TestRequest::get().insert_header(("cookie", format!("{}=x; {}=y", id(1), id(2)))).to_http_request();
        assert!(RequestCookie::removal_of_too_many(&few, &PendingRequestId::from_bytes([1; 16])).is_empty());
    }

    #[test]
    fn two_services_are_told_apart() {
        let other = RequestAddress::new(PendingRequestId::from_bytes([7; 16]), "https://taxes.example.gov/sp");
        assert_ne!(address().service, other.service);
    }
}
