//! The listener: actix-web's own server, but for what stands between a connection and its first octet.

use std::net::TcpListener;
use std::time::Duration;
use std::{fmt, future, io};

use actix_http::{Extensions, HttpService, Protocol, Request, Response, error::DispatchError};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_tls::accept::TlsError;
use actix_tls::accept::openssl::{Acceptor, TlsStream};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server};
use openssl::ssl::{AlpnError, SslAcceptor, SslAcceptorBuilder};
use tokio::net::TcpStream;

use super::ConnectionLimits;
use super::admission::BeyondShare;
use super::stream::{Door, WatchedStream};

/// How long the other side may take to close a connection that we have ended.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

/// Serves an application within the limits, with TLS where there is an acceptor. On shutdown, requests under way have
/// `stop_within_seconds`.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve<F, I, S, B>(
    listener: TcpListener,
    tls: Option<SslAcceptorBuilder>,
    limits: ConnectionLimits,
    stop_within_seconds: u64,
    application: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(limits.most);
    let builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(limits.most / workers)
        .disable_signals()
        .shutdown_timeout(stop_within_seconds);
    let stopping = builder.graceful_shutdown_signal();
    let door = Door::new(limits);
    // Without a macro, its type would name those of every middleware.
    macro_rules! http {
        ($beyond_share:expr) => {{
            let stopping = stopping.clone();
            let service = application().into_factory().map_err(|error| error.into().error_response());
            HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .client_request_timeout(limits.headers_within)
                .client_disconnect_timeout(CLOSED_WITHIN)
                .on_connect_ext(move |stream, extensions: &mut Extensions| {
                    if $beyond_share(stream) {
                        extensions.insert(BeyondShare);
                    }
                })
                .finish(map_config(service, |()| AppConfig::default()))
        }};
    }
    let builder = match tls {
        None => builder.listen("signet", listener, move || {
            let door = door.clone();
            let admit = fn_service(move |stream: TcpStream| {
                let admitted = door.admit(stream).map(|stream| {
                    let peer = stream.peer();
                    (stream, Protocol::Http1, Some(peer))
                });
                future::ready(admitted.map_err(DispatchError::Io))
            });
            admit.and_then(http!(|stream: &WatchedStream| stream.is_beyond_share()))
        })?,
        Some(tls) => {
            let acceptor = acceptor(tls)?;
            builder.listen("signet", listener, move || {
                let door = door.clone();
                let admit = fn_service(move |stream: TcpStream| {
                    future::ready(door.admit(stream).map_err(|error| TlsError::Service(DispatchError::Io(error))))
                });
                admit
                    .and_then(Acceptor::new(acceptor.clone()).map_err(TlsError::into_service_error))
                    .map(|stream: TlsStream<WatchedStream>| {
                        let peer = stream.get_ref().peer();
                        (stream, Protocol::Http1, Some(peer))
                    })
                    .and_then(
                        http!(|stream: &TlsStream<WatchedStream>| stream.get_ref().is_beyond_share())
                            .map_err(TlsError::Service),
                    )
            })?
        }
    };
    Ok(builder.run())
}

/// An acceptor that offers HTTP/1.1, which is what we speak.
fn acceptor(mut builder: SslAcceptorBuilder) -> io::Result<SslAcceptor> {
    const HTTP_1_1: &[u8] = b"\x08http/1.1";
    builder.set_alpn_select_callback(|_, offered| {
        let speaks_it = offered.windows(HTTP_1_1.len()).any(|window| window == HTTP_1_1);
        if speaks_it { Ok(b"http/1.1") } else { Err(AlpnError::NOACK) }
    });
    builder.set_alpn_protos(HTTP_1_1)?;
    Ok(builder.build())
}
