//! A sign-in that a service asked for and that waits for its person: where it stands, and what is answered.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::answer::issue_to;
use super::journey::{ConsentPaths, ConsentQuestion, Journey, Onward, resume};
use super::line::Settled;
use super::pages::LevelPage;
use super::{IdentityProvider, answer, see_other, trial};
use crate::accounts::{Trouble, record_consent};
use crate::address::{self, Address};
use crate::event::Event;
use crate::federation::consent::{ConsentId, ConsentRecord};
use crate::federation::registry::ServiceProvider;
use crate::federation::single_sign_on::{AnswerAddress, AnswerableFault, MatchedAuthnRequest, NextStep};
use crate::refusal::RefusalKind;
use crate::rollover::TrialTicket;
use crate::storage::{AnsweredRequest, Transaction};
use crate::subscriber::ContactId;
use crate::web::csrf;
use crate::web::refusal::{Refusal, RefusedService};
use crate::web::visit::{Fault, Visit};
use crate::web::waiting::{RequestAddress, RequestCookie, Waiting};

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

    /// An address that keeps the choice to go on without the profile.
    fn without_kept(&self, page: Address) -> Address {
        if self.without_profile() { page.with("without", "profile") } else { page }
    }

    /// An address that keeps all choices.
    fn kept(&self, page: Address) -> Address {
        let page = self.without_kept(page);
        match self.picked() {
            Some(picked) => page.with("address", picked),
            None => page,
        }
    }
}

/// A sign-in that waits for the person at this browser.
pub(super) struct PendingSignIn {
    visit: Visit,
    waiting: Arc<Waiting>,
    idp: IdentityProvider,
    choices: Choices,
    /// What says that this browser's sign-in is a try of another signing key.
    ticket: Option<TrialTicket>,
}

impl PendingSignIn {
    /// The request that a page's address names, in a visit that has begun, and what it settles to now.
    ///
    /// # Errors
    /// When nothing of this name waits for this browser.
    pub(super) fn of(
        visit: Visit,
        request: &HttpRequest,
        choices: Choices,
        idp: &IdentityProvider,
    ) -> Result<(Self, Settled), Fault> {
        let waiting = visit.request.waits(&visit.site)?;
        let settled = resume(&visit.site, idp, waiting.pending())?;
        let ticket = trial::ticket_of(request);
        Ok((Self { visit, waiting, idp: idp.clone(), choices, ticket }, settled))
    }

    /// The request, as addresses name it.
    pub(super) fn address(&self) -> RequestAddress {
        self.waiting.address()
    }

    /// Looks at where the journey stands and answers with what comes next.
    ///
    /// # Errors
    /// What stands in the way of every answer.
    pub(super) async fn next(self, settled: Settled) -> Result<HttpResponse, Fault> {
        match settled {
            Settled::Fault { address, service, fault } => self.fail(&address, &service, &fault).await,
            Settled::Matched(matched) => self.step(matched).await,
        }
    }

    /// The person agrees to what the page showed; if it would not be sent so any more, the page is shown anew.
    ///
    /// # Errors
    /// What stands in the way of every answer.
    pub(super) async fn agree(self, settled: Settled, agreed_to: String) -> Result<HttpResponse, Fault> {
        let matched = match settled {
            Settled::Matched(matched) => matched,
            fault @ Settled::Fault { .. } => return self.next(fault).await,
        };
        let (journey, now) = (self.journey(matched), self.visit.site.now());
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
        let (matched, agreed) = self.visit.site.store.transaction::<_, Trouble, _>(agree).await?;
        if agreed.is_some() {
            Event::ConsentGiven { service: matched.service().name().clone() }.log(agreed);
        }
        self.next(Settled::Matched(matched)).await
    }

    /// The person turns back: the service is told, and learns `NoAuthnContext` where the level was the reason.
    ///
    /// # Errors
    /// What stands in the way of every answer.
    pub(super) async fn turn_back(self, settled: Settled) -> Result<HttpResponse, Fault> {
        let matched = match settled {
            Settled::Matched(matched) => matched,
            fault @ Settled::Fault { .. } => return self.next(fault).await,
        };
        let (matched, came_to) = self.journey(matched).look().await?;
        let fault = match came_to {
            Onward::Level(_) | Onward::LevelAltered => AnswerableFault::from(matched.demanded().identity_not_reached()),
            // The person has no passkey or security key, or does not use it.
            Onward::Step(NextStep::SecondFactor { phishing_resistant: true }) => {
                AnswerableFault::from(matched.demanded().sign_in_not_reached())
            }
            Onward::Answer(fault) => fault,
            _ => AnswerableFault::Declined,
        };
        self.fail(matched.address(), matched.service(), &fault).await
    }

    fn journey(&self, matched: Box<MatchedAuthnRequest>) -> Journey {
        Journey {
            site: self.visit.site.clone(),
            idp: self.idp.clone(),
            matched,
            state: self.visit.session.state.clone(),
            without_profile: self.choices.without_profile(),
            picked: self.choices.picked(),
            locale: self.visit.session.locale(),
        }
    }

    async fn step(&self, matched: Box<MatchedAuthnRequest>) -> Result<HttpResponse, Fault> {
        let (matched, came_to) = self.journey(matched).look().await?;
        let service = matched.service();
        match came_to {
            Onward::Answer(fault) => self.fail(matched.address(), service, &fault).await,
            Onward::Consent(question) => {
                // The identifier that the page shows must be the one that is sent: it is the person's from now on.
                let question = match question.person.known_pairwise {
                    Some(_) => question,
                    None => self.settle_identifier(matched.clone()).await?,
                };
                let (consent, decline) =
                    (address::SAML_CONSENT.of(self.address()), address::SAML_DECLINE.of(self.address()));
                let paths = ConsentPaths {
                    agree: self.choices.kept(consent.clone()),
                    decline: self.choices.kept(decline),
                    with_another_address: self.choices.without_kept(consent),
                };
                Ok(self.visit.page(&question.page(service, paths, self.visit.session.locale())))
            }
            Onward::Issue(ready) => {
                let (visit, waiting) = (&self.visit, AnsweredRequest::Waiting(*self.address().id()));
                let answer = issue_to(visit, &self.idp, matched, &ready, self.ticket.as_ref(), waiting).await?;
                Ok(self.answered(answer))
            }
            Onward::Level(page) => {
                let decline_path = self.choices.kept(address::SAML_DECLINE.of(self.address()));
                Ok(self.visit.page(&LevelPage { decline_path, ..page }))
            }
            Onward::AddressOfAnother => {
                Err(Refusal::from(RefusalKind::AddressOfAnother).about(RefusedService::of(service)).into())
            }
            Onward::IdentifierAltered => Err(Refusal::from(RefusalKind::IdentifierAltered).into()),
            Onward::LevelAltered => Err(Refusal::from(RefusalKind::RecordAltered).into()),
            Onward::NoAccount => Err(Refusal::from(RefusalKind::AccountStopped).into()),
            Onward::Step(next) => Ok(self.send_to(path_of(next))),
            Onward::Unlock => Ok(self.send_to(address::UNLOCK)),
        }
    }

    async fn settle_identifier(&self, matched: Box<MatchedAuthnRequest>) -> Result<Box<ConsentQuestion>, Fault> {
        let (journey, now) = (self.journey(matched), self.visit.site.now());
        let settled = self
            .visit
            .site
            .store
            .transaction::<_, Trouble, _>(move |tx| journey.onward_with_identifier(tx, now))
            .await?;
        match settled {
            Onward::Consent(question) => Ok(question),
            Onward::IdentifierAltered => Err(Refusal::from(RefusalKind::IdentifierAltered).into()),
            _ => Err(Refusal::from(RefusalKind::RequestGone).into()),
        }
    }

    /// Sends the browser to the page where the person does what is missing; that page leads back here.
    fn send_to(&self, page: impl Into<Address>) -> HttpResponse {
        see_other(&self.visit.to_with_mark(page), [])
    }

    /// Answers with a SAML error.
    async fn fail(
        &self,
        address: &AnswerAddress,
        service: &ServiceProvider,
        fault: &AnswerableFault,
    ) -> Result<HttpResponse, Fault> {
        let (site, idp, session, id) = (&self.visit.site, &self.idp, &self.visit.session, *self.address().id());
        Ok(self.answered(answer::fail(site, idp, session, id, address, service, fault).await?))
    }

    /// The request is answered: its cookie has done its work.
    fn answered(&self, mut answer: HttpResponse) -> HttpResponse {
        answer.add_cookie(&RequestCookie::removal(self.address().id())).ok();
        answer
    }
}

/// Where the person does what is missing.
fn path_of(next: NextStep) -> Address {
    match next {
        // Somebody who is signed in stays so until the new sign-in is there.
        NextStep::Reauthenticate => address::SIGN_IN.with("again", "yes"),
        NextStep::SignIn => address::SIGN_IN.into(),
        NextStep::SecondFactor { .. } => address::SECOND_FACTOR.into(),
    }
}
