//! A mailed link when it is opened: it begins an account, or chooses a new password.
//!
//! People open mail on another device than the one they began at, and programs that look at mails open links too. So
//! opening a link changes nothing: not the session, not the link, not the request that waits. What the link is for
//! happens when its form is sent.
//!
//! A request that waited when the link was asked for travels with it. Where it waits for this very browser, its person
//! goes on with it. Where it waits for another one, somebody else may have begun it there, and sent the link to this
//! address so that its owner signs in to a service that they never went to. Therefore the page names the service and
//! asks, and the request comes to this browser by the answer alone: the answer brings the request's cookie along.

use actix_web::cookie::Cookie;
use actix_web::web::{Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::pages::{ChoosePasswordPage, LinkQuestionPage, LinkUnusablePage, RequestOver};
use super::problems::ChoosePasswordProblem;
use crate::accounts::take_up::account_to_take_up;
use crate::accounts::{ChosenPassword, LinkContent, Trouble, UsableLink, read_link};
use crate::address::{self, Address};
use crate::authentication::password::{Password, PasswordContext, StretchedPassword};
use crate::authentication::recovery::{LinkPurpose, LinkToken};
use crate::federation::agreement::LocalizedText;
use crate::services::argon2_gate::Standing;
use crate::storage::{PendingRequestId, Transaction};
use crate::subscriber::EmailAddress;
use crate::web::page::Asking;
use crate::web::visit::{Fault, Visit};
use crate::web::waiting::{RequestAddress, RequestCookie, address_of};

/// A link as the browser sent it.
pub(super) struct MailedLink {
    purpose: LinkPurpose,
    token: String,
}

/// What the request that came with a link is to the browser that opened it.
enum Carried {
    /// It waits for another browser. Holds what this one needs to show so that it waits here, too.
    Elsewhere(Asking, RequestAddress, RequestCookie),
    /// It waits for this very browser.
    Here(RequestAddress),
    /// There is none.
    Nothing,
    /// It waits no longer. Holds the service's name, where that is still known.
    Over(Option<LocalizedText>),
}

impl Carried {
    fn of(
        tx: &mut Transaction<'_>,
        visit: &Visit,
        content: &LinkContent,
        shown: &impl Fn(&PendingRequestId) -> Option<RequestCookie>,
    ) -> Result<Self, Trouble> {
        let Some(taken) = &content.waiting_request else {
            return Ok(Self::Nothing);
        };
        let address = address_of(taken);
        let asking = Asking::by(&visit.site, &taken.service, &address);
        let pending = tx.pending_request(&taken.id, visit.now)?.filter(|pending| pending.finished_at.is_none());
        let (Some(pending), Some(asking)) = (pending, asking.clone()) else {
            return Ok(Self::Over(asking.map(|asking| asking.service)));
        };
        let proves = |cookie: &RequestCookie| cookie.id_hash() == pending.session;
        if shown(&taken.id).as_ref().is_some_and(proves) {
            return Ok(Self::Here(address));
        }
        let taken_along = taken.cookie.as_deref().and_then(RequestCookie::from_value).filter(proves);
        Ok(match taken_along {
            Some(cookie) => Self::Elsewhere(asking, address, cookie),
            None => Self::Over(Some(asking.service)),
        })
    }
}

/// `?alone=yes`: the person goes on without the request that came with the link.
#[derive(Deserialize)]
pub struct AloneQuery {
    #[serde(default)]
    alone: String,
}

/// The answer to whether the request that came with the link is gone on with.
#[derive(Deserialize)]
pub struct RequestForm {
    pub(super) csrf: String,
    #[serde(default)]
    go_on: String,
}

/// The form in which a password is chosen.
#[derive(Deserialize)]
pub struct PasswordForm {
    pub(super) csrf: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

impl MailedLink {
    /// A link of this purpose, which is one that chooses a password.
    pub(super) fn new(purpose: LinkPurpose, token: String) -> Self {
        Self { purpose, token }
    }

    fn path(&self) -> Address {
        let page = if self.begins_an_account() { address::SIGN_UP_CONFIRM } else { address::FORGOT_PASSWORD_LINK };
        page.of(&self.token)
    }

    /// Where the form goes that says whether the request is gone on with.
    fn request_path(&self) -> Address {
        let page = match self.begins_an_account() {
            true => address::SIGN_UP_CONFIRM_REQUEST,
            false => address::FORGOT_PASSWORD_LINK_REQUEST,
        };
        page.of(&self.token)
    }

    fn begins_an_account(&self) -> bool {
        self.purpose == LinkPurpose::SignUp
    }

    /// What is said of a link that may not be used (any more).
    pub(super) fn unusable(&self, visit: &Visit) -> HttpResponse {
        let again = if self.begins_an_account() { address::SIGN_UP } else { address::FORGOT_PASSWORD };
        visit.page_again(&LinkUnusablePage { again_path: again.into() })
    }

    fn password_page(&self, email: &str, problem: Option<ChoosePasswordProblem>) -> ChoosePasswordPage {
        ChoosePasswordPage {
            email: email.to_owned(),
            action: self.path(),
            forgotten: !self.begins_an_account(),
            old_path: None,
            over: None,
            problem,
        }
    }

    /// The link, while it may be used.
    pub(super) fn read(&self, tx: &mut Transaction<'_>, visit: &Visit) -> Result<Option<UsableLink>, Trouble> {
        let Some(token) = LinkToken::from_path(&self.token) else {
            return Ok(None);
        };
        let link = read_link(tx, &visit.site, self.purpose, &token.hash(self.purpose), visit.now)?;
        // The link that an address without an account asked for went to nobody.
        Ok(link.filter(|link| self.begins_an_account() || link.content.subscriber.is_some()))
    }

    async fn look(
        self,
        request: &HttpRequest,
        visit: Visit,
    ) -> Result<(Visit, Self, Option<(UsableLink, Carried)>), Fault> {
        let cookies: Vec<Cookie<'static>> = request.cookies().map(|all| all.to_vec()).unwrap_or_default();
        let shown = move |id: &PendingRequestId| {
            let name = RequestCookie::name(id);
            cookies.iter().find(|one| one.name() == name).and_then(|one| RequestCookie::from_value(one.value()))
        };
        let (visit, (link, found)) = visit
            .read(move |tx, visit| {
                let Some(link) = self.read(tx, visit)? else {
                    return Ok((self, None));
                };
                let carried = Carried::of(tx, visit, &link.content, &shown)?;
                Ok((self, Some((link, carried))))
            })
            .await?;
        Ok((visit, link, found))
    }

    /// The link is opened: shows its form, or asks about the request that came with it.
    pub(super) async fn open(
        self,
        request: &HttpRequest,
        visit: Visit,
        query: &Query<AloneQuery>,
    ) -> Result<HttpResponse, Fault> {
        let (visit, link, found) = self.look(request, visit).await?;
        let Some((found, carried)) = found else {
            return Ok(link.unusable(&visit));
        };
        if let Carried::Here(address) = carried
            && visit.request.address() != Some(address)
        {
            // From here on the address says which request the page is about.
            return Ok(visit.see_exactly(&address.on(link.path())));
        }
        let content = found.content.clone();
        let (visit, old) = visit.keep().await?.read(move |tx, visit| account_to_take_up(tx, visit, &found)).await?;
        let old_path = old.map(|_| address::FORGOT_PASSWORD_LINK_OLD.of(&link.token));
        let page = ChoosePasswordPage { old_path, ..link.password_page(&content.email_address, None) };
        Ok(match carried {
            Carried::Elsewhere(asking, ..) if query.alone != "yes" => visit.page(&LinkQuestionPage {
                email: content.email_address,
                service_name: asking.service,
                agency_name: asking.agency,
                purpose: link.purpose.as_str(),
                action: link.request_path(),
            }),
            Carried::Over(service) => visit.page(&ChoosePasswordPage { over: Some(RequestOver { service }), ..page }),
            Carried::Elsewhere(..) | Carried::Here(_) | Carried::Nothing => visit.page(&page),
        })
    }

    /// The person answers whether they go on with the request that came with the link. Only then it comes to this browser.
    pub(super) async fn decide(
        self,
        request: &HttpRequest,
        visit: Visit,
        form: &Form<RequestForm>,
    ) -> Result<HttpResponse, Fault> {
        if form.go_on != "yes" {
            return Ok(visit.see_exactly(&self.path().with("alone", "yes")));
        }
        let (visit, link, found) = self.look(request, visit).await?;
        let Some((_, carried)) = found else {
            return Ok(link.unusable(&visit));
        };
        let Carried::Elsewhere(_, address, cookie) = carried else {
            return Ok(visit.see_exactly(&link.path()));
        };
        // Nothing that somebody else may have planted before goes on with it.
        let (visit, ()) = visit
            .transact(|_, visit| {
                let site = visit.site.clone();
                visit.session.renew(&site);
                Ok(())
            })
            .await?;
        let mut answer = visit.see_exactly(&address.on(link.path()));
        answer.add_cookie(&cookie.cookie(address.id())).ok();
        Ok(answer)
    }

    /// Takes the password that was chosen; otherwise gives the page that says what is wrong.
    pub(super) async fn chosen(
        self,
        visit: Visit,
        form: &PasswordForm,
    ) -> Result<(Visit, Self, Result<ChosenPassword, HttpResponse>), Fault> {
        let (visit, (link, found)) = visit
            .read(move |tx, visit| {
                let found = self.read(tx, visit)?;
                Ok((self, found))
            })
            .await?;
        let address = found.as_ref().and_then(|found| EmailAddress::parse(&found.content.email_address).ok());
        let (Some(found), Some(address)) = (found, address) else {
            let page = link.unusable(&visit);
            return Ok((visit, link, Err(page)));
        };
        let about = PasswordContext { email_address: Some(&address), service_name: &visit.site.service_name };
        let problem = match Password::chosen(&form.password, &about) {
            Ok(_) if form.password != form.again => ChoosePasswordProblem::Different,
            Ok(password) => {
                let (entropy, parameters) = (visit.site.entropy.clone(), visit.site.gate.parameters());
                // Whoever holds a link to an account reads its mail.
                let of = found.content.subscriber;
                let stretched = visit
                    .enter(of.map_or(Standing::Stranger, Standing::Known))?
                    .run(move |memory| StretchedPassword::new(&password, parameters, memory, &*entropy))
                    .await
                    .map_err(Trouble::Busy)?;
                let stretched = stretched.map_err(Trouble::Password)?;
                let UsableLink { token_hash: link_hash, content, made_at } = found;
                let chosen = ChosenPassword { link: link_hash, made_at, content, address, stretched };
                return Ok((visit, link, Ok(chosen)));
            }
            Err(weak) => weak.into(),
        };
        let page = visit.page_again(&link.password_page(address.as_str(), Some(problem)));
        Ok((visit, link, Err(page)))
    }
}
