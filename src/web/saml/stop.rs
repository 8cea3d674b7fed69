//! One browser at the request that waits for it: where its journey stands, and what is answered.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::IdentityProvider;
use super::answer;
use super::arrival::RequestCookie;
use super::journey::{ConsentQuestion, Journey, Onward};
use super::line::Settled;
use super::pages::LevelPage;
use super::trial;
use super::waiting::{Waiting, keep, waiting};
use crate::authentication::session::WaitingRequest;
use crate::event::Event;
use crate::federation::assurance::NoAuthnContext;
use crate::federation::consent::{ConsentId, ConsentRecord};
use crate::federation::identifier::PairwiseId;
use crate::federation::registry::ServiceProvider;
use crate::federation::signing::TrialTicket;
use crate::federation::single_sign_on::{AnswerAddress, AnswerableFault, MatchedAuthnRequest, NextStep};
use crate::storage::Transaction;
use crate::web::csrf;
use crate::web::page::respond;
use crate::web::people::{Trouble, record_consent};
use crate::web::refusal::{Refusal, RefusalKind};
use crate::web::session::BrowserSession;
use crate::web::site::Site;

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
    /// `profile`: the person goes on although the vault stays sealed.
    #[serde(default)]
    without: String,
}

impl Choices {
    fn without_profile(&self) -> bool {
        self.without == "profile"
    }

    /// The end of an address that keeps the choice.
    fn suffix(&self) -> &'static str {
        if self.without_profile() { "?without=profile" } else { "" }
    }
}

/// One browser at the request that waits for it.
pub(super) struct Stop {
    site: Site,
    idp: IdentityProvider,
    session: BrowserSession,
    choices: Choices,
    /// The request's name in `/saml/continue/{id}`.
    id: [u8; 16],
    /// Whether its own cookie has done its work.
    claimed: bool,
    /// What says that this browser's sign-in is a try of another signing key.
    ticket: Option<TrialTicket>,
}

impl Stop {
    /// Finds the browser's session and the request that waits for it; `form` is the token of a form of ours.
    ///
    /// # Errors
    /// When the form is not of this session, or nothing of this name waits for this browser.
    pub(super) async fn find(
        request: &HttpRequest,
        id: &str,
        choices: Choices,
        site: &Site,
        idp: &IdentityProvider,
        form: Option<&str>,
    ) -> Result<(Self, Settled), Refusal> {
        let mut session = BrowserSession::find(request, site).await?;
        if form.is_some_and(|token| !csrf::is_ours(request, site, &session.state, token)) {
            return Err(RefusalKind::FormExpired.into());
        }
        let Waiting { id, settled, claimed } = waiting(request, site, idp, id, &mut session).await?;
        let ticket = trial::ticket_of(request);
        Ok((Self { site: site.clone(), idp: idp.clone(), session, choices, id, claimed, ticket }, settled))
    }

    /// Looks at where the journey stands and answers with what comes next.
    ///
    /// # Errors
    /// What stands in the way of every answer.
    pub(super) async fn next(mut self, settled: Settled) -> Answer {
        let mut response = match settled {
            Settled::Fault { address, service, fault } => self.fail(&address, &service, &fault).await?,
            Settled::Matched(matched) => self.step(matched).await?,
        };
        if self.claimed {
            response.add_cookie(&RequestCookie::removal(&self.id)).ok();
        }
        Ok(response)
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
                    scope: question.scope,
                    given_at: now,
                    revoked_at: None,
                };
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
    pub(super) async fn turn_back(mut self, settled: Settled) -> Answer {
        let matched = match settled {
            Settled::Matched(matched) => matched,
            fault @ Settled::Fault { .. } => return self.next(fault).await,
        };
        let (matched, came_to) = self.look(matched).await?;
        let fault = match came_to {
            Onward::Level(_) | Onward::LevelAltered => AnswerableFault::from(NoAuthnContext::NotReached),
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

    async fn step(&mut self, matched: Box<MatchedAuthnRequest>) -> Answer {
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
                let page = question.page(service, &hex::encode(self.id), self.choices.suffix(), "en");
                Ok(respond(&self.site, &self.session, StatusCode::OK, &page))
            }
            Onward::Issue(ready) => {
                let redeemed =
                    |ticket: &TrialTicket| ticket.redeem(service.entity_id(), self.site.now(), &*self.site.keys);
                let trial = self.ticket.as_ref().and_then(redeemed);
                let (site, idp, session) = (&self.site, &self.idp, &self.session);
                let answer = answer::issue(site, idp, session, self.id, &matched, &ready, trial.as_ref()).await?;
                self.waits_no_longer().await?;
                Ok(answer)
            }
            Onward::Level(page) => {
                let decline_path = format!("/saml/decline/{}{}", hex::encode(self.id), self.choices.suffix());
                Ok(respond(&self.site, &self.session, StatusCode::OK, &LevelPage { decline_path, ..page }))
            }
            Onward::IdentifierAltered => Err(RefusalKind::IdentifierAltered.into()),
            Onward::LevelAltered => Err(RefusalKind::RecordAltered.into()),
            Onward::NoAccount => Err(RefusalKind::AccountStopped.into()),
            Onward::Step(next) => {
                if next == NextStep::Reauthenticate {
                    // What was proved before does not count for this request, so the session begins anew.
                    self.session.reset(&self.site);
                }
                self.send_to(path_of(next), service).await
            }
            Onward::Unlock => self.send_to("/unlock", service).await,
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

    /// Sends the browser to the page where the person does what is missing; it comes back to the request that waits.
    async fn send_to(&mut self, path: &str, service: &ServiceProvider) -> Answer {
        let service = service.entity_id().to_string();
        self.session.state.waiting_request = Some(WaitingRequest { id: self.id, service });
        let cookie = self.session.needs_cookie().then(|| self.session.cookie());
        keep(&self.site, &mut self.session).await?;
        Ok(see_other(path, cookie))
    }

    /// Answers with a SAML error; the request waits no longer.
    async fn fail(&mut self, address: &AnswerAddress, service: &ServiceProvider, fault: &AnswerableFault) -> Answer {
        let answer = answer::fail(&self.site, &self.idp, &self.session, self.id, address, service, fault).await?;
        self.waits_no_longer().await?;
        Ok(answer)
    }

    /// So that the next sign-in in this browser does not come back to a request that was answered.
    async fn waits_no_longer(&mut self) -> Result<(), Refusal> {
        if self.session.state.waiting_request.as_ref().is_some_and(|waiting| waiting.id == self.id) {
            self.session.state.waiting_request = None;
            keep(&self.site, &mut self.session).await?;
        }
        Ok(())
    }
}

/// Where the person does what is missing.
fn path_of(next: NextStep) -> &'static str {
    match next {
        NextStep::Reauthenticate | NextStep::SignIn => "/sign-in",
        NextStep::SecondFactor { phishing_resistant: false } => "/sign-in/second-factor",
        NextStep::SecondFactor { phishing_resistant: true } => "/sign-in/second-factor/webauthn",
    }
}
