//! Whether the process lives, and whether it can serve: for load balancers.

use actix_web::{HttpResponse, web};

use super::site::Site;

/// `/healthz`: the process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// `/readyz`: the database answers too. A node that says no is left out by the load balancer, and comes back by itself.
pub async fn readyz(site: web::Data<Site>) -> HttpResponse {
    let store = site.store.clone();
    match tokio::task::spawn_blocking(move || store.ping()).await {
        Ok(Ok(())) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            HttpResponse::ServiceUnavailable().content_type("text/plain; charset=utf-8").body("not ready\n")
        }
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}
