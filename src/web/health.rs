//! Whether the process lives, and whether it can serve: for load balancers.

use actix_web::{HttpResponse, web};

use super::saml::IdentityProvider;
use super::saml::answer::tell_of_ledger;
use crate::accounts::site::Site;
use crate::storage::StoreError;

/// `/healthz`: the process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `/readyz`: the database answers, and the ledger can be appended to. A node that says no is left out by the load balancer, and
/// comes back by itself.
pub async fn readyz(site: web::Data<Site>, idp: web::Data<IdentityProvider>) -> HttpResponse {
    let store = site.store.clone();
    let ready = match tokio::task::spawn_blocking(move || store.ping()).await {
        Ok(Ok(())) => idp.disclosures.look().await,
        Ok(fault) => fault,
        Err(_) => Err(StoreError::Stopped),
    };
    match ready {
        Ok(()) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Err(error) => {
            tell_of_ledger(&error);
            tracing::warn!(%error, "not ready");
            HttpResponse::ServiceUnavailable().content_type("text/plain; charset=utf-8").body("not ready\n")
        }
    }
}
