//! One browser at the request that waits for it: where its journey stands, and what is answered.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::journey::{ConsentQuestion, Journey, Onward, ReadyToIssue, resume};
use super::line::Settled;
use super::pages::LevelPage;
use super::trial;
use super::{IdentityProvider, answer};
use crate::accounts::service_address;
use crate::accounts::session::BrowserSession;
use crate::accounts::site::Site;
use crate::accounts::{Trouble, record_consent};
use crate::event::Event;
use crate::federation::assurance::NoAuthnContext;
use crate::federation::consent::{ConsentId, ConsentRecord};
use crate::federation::identifier::{NameIdFormat, PairwiseId};
use crate::federation::registry::ServiceProvider;
use crate::federation::single_sign_on::{AnswerAddress, AnswerableFault, MatchedAuthnRequest, NextStep};
use crate::refusal::RefusalKind;
use crate::rollover::TrialTicket;
use crate::storage::Transaction;
use crate::subscriber::ContactId;
use crate::web::csrf::{self, FormOrigin};
use crate::web::late;
use crate::web::page::{Layout, Page, respond_in};
use crate::web::refusal::{Refusal, RefusedService};
use crate::web::session;
use crate::web::waiting::{NotWaiting, RequestAddress, RequestCookie, Waiting, add_to};

pub(super) type Answer = Result<HttpResponse, Refusal>;

/// 303, so that the browser comes with GET, whatever it sent.
pub(super) fn see_other(path: &str, cookies: impl IntoIterator<Item = Cookie<'static>>) -> HttpResponse {
    let mut answer = HttpResponse::SeeOther();
    answer.insert_header((LOCATION, path)).insert_header((CACHE_CONTROL, "no-store"));
    for cookie in cookies {
        answer.cookie(cookie);
    }
    answer.finish()
}

/// What the links of our own pages add to an address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Choices {
    /// The address that the service shall get.
    #[serde(default)]
    address: String,
    /// `profile`: the person goes on although the vault stays sealed.
    #[serde(default)]
    without: String,
}

impl Choices {
    fn without_profile(&self) -> bool {
        self.without == "profile"
    }

    fn picked(&self) -> Option<ContactId> {
        self.address.parse().ok()
    }

    /// The end of an address that keeps the choice to go on without the profile.
    fn without_suffix(&self) -> &'static str {
        if self.without_profile() { "?without=profile" } else { "" }
    }

    /// The end of an address that keeps all choices.
    fn suffix(&self) -> String {
        let without = self.without_suffix();
        self.picked().map_or_else(|| without.to_owned(), |picked| add_to(without, "address", &picked.to_string()))
    }
}

/// One browser at the request that waits for it.
pub(super) struct Stop {
    site: Site,
    idp: IdentityProvider,
    session: BrowserSession,
    choices: Choices,
    waiting: Waiting,
    /// Whether the browser came here because a form of its came too late.
    late: bool,
    /// What says that this browser's sign-in is a try of another signing key.
    ticket: Option<TrialTicket>,
}

impl Stop {
    /// Finds the browser's session and the request that waits for it.
    ///
    /// # Errors
    /// When nothing of this name waits for this browser.
    pub(super) async fn find(
        request: &HttpRequest,
        address: &str,
        choices: Choices,
        site: &Site,
        idp: &IdentityProvider,
    ) -> Result<(Self, Settled), Refusal> {
        let session = session::find(request, site).await?;
        let address = RequestAddress::parse(address).ok_or(RefusalKind::RequestGone)?;
        let waiting = Waiting::find(request, site, address).await?;
        let waiting = waiting.map_err(|why: NotWaiting| why.refusal(&address, site))?;
        let settled = resume(site, idp, waiting.pending())?;
        let (ticket, late) = (trial::ticket_of(request), late::is_in(request));
        Ok((Self { site: site.clone(), idp: idp.clone(), session, choices, waiting, late, ticket }, settled))
    }

    /// A form that came too late is not done: gives the answer that sends the browser to what its request comes to now.
    /// `None` when the form came in time.
    ///
    /// # Errors
    /// When the form came from another site.
    pub(super) fn is_late(&self, request: &HttpRequest, token: &str) -> Result<Option<HttpResponse>, Refusal> {
        match csrf::origin_of(request, &self.site, &self.session.state, token) {
            FormOrigin::Ours => Ok(None),
            FormOrigin::Late => Ok(Some(see_other(&late::mark(&self.address().path()), []))),
            FormOrigin::Foreign => Err(RefusalKind::FormExpired.into()),
        }
    }

    /// The request, as addresses name it.
    pub(super) fn address(&self) -> RequestAddress {
        self.waiting.address()
    }

    /// Looks at where the journey stands and answers with what comes next.
    ///
    /// # Errors
    /// What stands in the way of every answer.
    pub(super) async fn next(self, settled: Settled) -> Answer {
        match settled {
            Settled::Fault { address, service, fault } => self.fail(&address, &service, &fault).await,
            Settled::Matched(matched) => self.step(matched).await,
        }
    }

    /// The person agrees to what the page showed; if it would not be sent so any more, the page is shown anew.
    ///
    /// # Errors
    /// What stands in the way of every answer.
    pub(super) async fn agree(self, settled: Settled, agreed_to: String) -> Answer {
        let matched = match settled {
            Settled::Matched(matched) => matched,
            fault @ Settled::Fault { .. } => return self.next(fault).await,
        };
        let (journey, now) = (self.journey(matched), self.site.now());
        let agree = move |tx: &mut Transaction<'_>| {
            let mut agreed = None;
            if let Onward::Consent(question) = journey.onward_with_identifier(tx, now)?
                && csrf::is_same(&question.digest.to_string(), &agreed_to)
            {
                let subscriber = question.subject.subscriber();
                let consent = ConsentRecord {
                    id: ConsentId::random(&*journey.site.entropy),
                    subscriber,
                    scope: question.scope.clone(),
                    given_at: now,
                    revoked_at: None,
                };
                if !journey.keep_address(tx, &question.person, &question.frozen, now)? {
                    return Ok((journey.matched, None));
                }
                record_consent(tx, &journey.site, &consent)?;
                agreed = Some(subscriber);
            }
            Ok((journey.matched, agreed))
        };
        let (matched, agreed) = self.site.store.transaction::<_, Trouble, _>(agree).await?;
        if agreed.is_some() {
            Event::ConsentGiven { service: matched.service().name().clone() }.log(agreed);
        }
        self.next(Settled::Matched(matched)).await
    }

    /// The person turns back: the service is told, and learns `NoAuthnContext` where the level was the reason.
    ///
    /// # Errors
    /// What stands in the way of every answer.
    pub(super) async fn turn_back(self, settled: Settled) -> Answer {
        let matched = match settled {
            Settled::Matched(matched) => matched,
            fault @ Settled::Fault { .. } => return self.next(fault).await,
        };
        let (matched, came_to) = self.look(matched).await?;
        let fault = match came_to {
            Onward::Level(_) | Onward::LevelAltered => AnswerableFault::from(NoAuthnContext::NotReached),
            // The person has no passkey or security key, or does not use it.
            Onward::Step(NextStep::SecondFactor { phishing_resistant: true }) => {
                AnswerableFault::from(NoAuthnContext::NotReached)
            }
            Onward::Answer(fault) => fault,
            _ => AnswerableFault::Declined,
        };
        self.fail(matched.address(), matched.service(), &fault).await
    }

    fn journey(&self, matched: Box<MatchedAuthnRequest>) -> Journey {
        Journey {
            site: self.site.clone(),
            idp: self.idp.clone(),
            matched,
            state: self.session.state.clone(),
            without_profile: self.choices.without_profile(),
            picked: self.choices.picked(),
        }
    }

    /// Where the journey stands, changing nothing.
    async fn look(&self, matched: Box<MatchedAuthnRequest>) -> Result<(Box<MatchedAuthnRequest>, Onward), Refusal> {
        let (journey, now) = (self.journey(matched), self.site.now());
        let new_pairwise = PairwiseId::random(&*self.site.entropy);
        let looked = self.site.store.read::<_, Trouble, _>(move |tx| {
            let came_to = journey.onward(tx, new_pairwise, now)?;
            Ok((journey.matched, came_to))
        });
        Ok(looked.await?)
    }

    async fn step(&self, matched: Box<MatchedAuthnRequest>) -> Answer {
        let (matched, came_to) = self.look(matched).await?;
        let service = matched.service();
        match came_to {
            Onward::Answer(fault) => self.fail(matched.address(), service, &fault).await,
            Onward::Consent(question) => {
                // The identifier that the page shows must be the one that is sent: it is the person's from now on.
                let question = match question.person.known_pairwise {
                    Some(_) => question,
                    None => self.settle_identifier(matched.clone()).await?,
                };
                let (without, all) = (self.choices.without_suffix(), self.choices.suffix());
                Ok(self.page(&question.page(service, &self.address(), without, &all, "en")))
            }
            Onward::Issue(ready) => {
                if !self.call_by_address(matched.clone(), &ready).await? {
                    return Err(Refusal::from(RefusalKind::AddressOfAnother).about(RefusedService::of(service)));
                }
                let redeemed =
                    |ticket: &TrialTicket| ticket.redeem(service.entity_id(), self.site.now(), &*self.site.keys);
                let trial = self.ticket.as_ref().and_then(redeemed);
                let (site, idp, session, id) = (&self.site, &self.idp, &self.session, *self.address().id());
                Ok(self.answered(answer::issue(site, idp, session, id, &matched, &ready, trial.as_ref()).await?))
            }
            Onward::Level(page) => {
                let decline_path = format!("/saml/decline/{}{}", self.address(), self.choices.suffix());
                Ok(self.page(&LevelPage { decline_path, ..page }))
            }
            Onward::AddressOfAnother => {
                Err(Refusal::from(RefusalKind::AddressOfAnother).about(RefusedService::of(service)))
            }
            Onward::IdentifierAltered => Err(RefusalKind::IdentifierAltered.into()),
            Onward::LevelAltered => Err(RefusalKind::RecordAltered.into()),
            Onward::NoAccount => Err(RefusalKind::AccountStopped.into()),
            Onward::Step(next) => Ok(self.send_to(path_of(next))),
            Onward::Unlock => Ok(self.send_to("/unlock")),
        }
    }

    async fn settle_identifier(&self, matched: Box<MatchedAuthnRequest>) -> Result<Box<ConsentQuestion>, Refusal> {
        let (journey, now) = (self.journey(matched), self.site.now());
        let settled =
            self.site.store.transaction::<_, Trouble, _>(move |tx| journey.onward_with_identifier(tx, now)).await?;
        match settled {
            Onward::Consent(question) => Ok(question),
            Onward::IdentifierAltered => Err(RefusalKind::IdentifierAltered.into()),
            _ => Err(RefusalKind::RequestGone.into()),
        }
    }

    /// Where the service calls people by their address, it calls nobody else by this one from now on. `false` when it does.
    async fn call_by_address(&self, matched: Box<MatchedAuthnRequest>, ready: &ReadyToIssue) -> Result<bool, Refusal> {
        if matched.name_id_format() != NameIdFormat::EmailAddress {
            return Ok(true);
        }
        let Some(known) = ready.person.known_address().cloned() else {
            return Ok(true);
        };
        let (site, of, now) = (self.site.clone(), ready.person.account.id, self.site.now());
        let called = self.site.store.transaction::<_, Trouble, _>(move |tx| {
            service_address::call(tx, &site, of, matched.service(), &known.address, now)
        });
        Ok(called.await?)
    }

    fn page<P: Page>(&self, page: &P) -> HttpResponse {
        let layout = Layout::of(&self.site, &self.session);
        let layout = Layout { late: self.late, ..layout.about(&self.site, Some(&self.address()), Some(&self.waiting)) };
        respond_in(&layout, &self.session, StatusCode::OK, page)
    }

    /// Sends the browser to the page where the person does what is missing; that page leads back here.
    fn send_to(&self, page: &str) -> HttpResponse {
        let page = self.address().on(page);
        see_other(&if self.late { late::mark(&page) } else { page }, [])
    }

    /// Answers with a SAML error.
    async fn fail(&self, address: &AnswerAddress, service: &ServiceProvider, fault: &AnswerableFault) -> Answer {
        let (site, idp, session, id) = (&self.site, &self.idp, &self.session, *self.address().id());
        Ok(self.answered(answer::fail(site, idp, session, id, address, service, fault).await?))
    }

    /// The request is answered: its cookie has done its work.
    fn answered(&self, mut answer: HttpResponse) -> HttpResponse {
        answer.add_cookie(&RequestCookie::removal(self.address().id())).ok();
        answer
    }
}

/// Where the person does what is missing.
fn path_of(next: NextStep) -> &'static str {
    match next {
        // Somebody who is signed in stays so until the new sign-in is there.
        NextStep::Reauthenticate => "/sign-in?again=yes",
        NextStep::SignIn => "/sign-in",
        NextStep::SecondFactor { .. } => "/sign-in/second-factor",
    }
}
