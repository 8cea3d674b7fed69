//! A person who is signed in at fifteen services signs out: each is told through the browser, which follows no more than twenty
//! redirects from one page to the next.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509Builder;
use serde::Deserialize;
use signet::demo::service_provider::{
    Ask, Expected, IdentityProvider, LogoutArrived, ServiceProvider, SignInAnswer, SignInRequest, SignedIn,
};
use signet::entropy::SystemEntropy;
use signet::saml::logout::LogoutStatus;
use time::UtcDateTime;

use crate::signet::Signet;
use crate::visitor::Visitor;
use crate::webdriver::Looks;

const DESKS: usize = 15;

/// Fifteen services on one port of loopback, told apart by their hosts. Each takes part in single logout by redirects, and makes one
/// redirect more than it must, as real ones do.
struct Desks {
    port: u16,
    idp: IdentityProvider,
    desks: Vec<Mutex<Desk>>,
}

struct Desk {
    sp: ServiceProvider,
    asked: Option<SignInRequest>,
    signed_in: Option<SignedIn>,
    times_told: usize,
    answered: Option<LogoutStatus>,
}

fn key_pair() -> (Vec<u8>, Vec<u8>) {
    let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
    let mut made = X509Builder::new().expect("a certificate");
    made.set_version(2).expect("a version");
    let serial = BigNum::from_u32(1).and_then(|one| one.to_asn1_integer()).expect("a number");
    made.set_serial_number(&serial).expect("a number");
    made.set_not_before(&Asn1Time::days_from_now(0).expect("a day")).expect("a day");
    made.set_not_after(&Asn1Time::days_from_now(30).expect("a day")).expect("a day");
    made.set_pubkey(&key).expect("its key");
    made.sign(&key, MessageDigest::sha256()).expect("signed");
    (key.private_key_to_pem_pkcs8().expect("PEM"), made.build().to_pem().expect("PEM"))
}

impl Desks {
    /// Opens them, and registers them with the demonstration.
    async fn open(signet: &Signet) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (private, certificate) = key_pair();
        let metadata = signet.metadata().await;
        let desk = |number: usize| {
            let origin = format!("http://desk-{number}.localhost:{port}");
            let sp = ServiceProvider::new(format!("{origin}/saml"), format!("{origin}/acs"), &private, &certificate);
            let sp = sp.expect("a service").with_logout(format!("{origin}/slo").parse().expect("an address"));
            let folder = signet.metadata_folder().join(format!("sp/desks/desk-{number}"));
            let agreement = format!(
                "agency_id = \"desks\"\nagency_name = {{ en = \"Office of desks\" }}\nentity_id = \"{origin}/saml\"\n\
                 friendly_name = {{ en = \"Desk {number}\" }}\ndescription = {{ en = \"One of many.\" }}\n\
                 review_date = 2099-12-31\nreturn_to_url = \"{origin}/\"\n\
                 contacts = [{{ kind = \"technical\", name = \"The desk\", email = \"desk@agency.example\" }}]\n"
            );
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join("agreement.toml"), agreement).expect("the agreement is written");
            let metadata = sp.metadata(&format!("Desk {number}")).expect("metadata").into_string();
            std::fs::write(folder.join("metadata.xml"), metadata).expect("the metadata are written");
            Mutex::new(Desk { sp, asked: None, signed_in: None, times_told: 0, answered: None })
        };
        let idp = IdentityProvider::from_metadata(metadata.as_bytes()).expect("the identity provider");
        let desks = Arc::new(Self { port, idp, desks: (0..DESKS).map(desk).collect() });
        let state = web::Data::from(Arc::clone(&desks));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .app_data(web::FormConfig::default().limit(512 * 1024))
                .route("/", web::get().to(home))
                .route("/sign-in", web::get().to(sign_in))
                .route("/acs", web::post().to(consume))
                .route("/sign-out", web::get().to(sign_out))
                .route("/slo", web::get().to(single_logout))
                .route("/slo-inside", web::get().to(single_logout_inside))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("it listens").run();
        tokio::spawn(server);
        let last = format!("desks/desk-{}", DESKS - 1);
        let known = || signet.command(&["release", "explain", "--sp", &last]).status.success();
        signet.wait_for("the registration", known).await;
        desks
    }

    fn origin(&self, number: usize) -> String {
        format!("http://desk-{number}.localhost:{}", self.port)
    }

    /// The desk that a request is for.
    fn of(&self, request: &HttpRequest) -> std::sync::MutexGuard<'_, Desk> {
        let host = request.connection_info().host().to_owned();
        let number = host.trim_start_matches("desk-").split('.').next().and_then(|number| number.parse::<usize>().ok());
        self.desks[number.expect("a desk")].lock().expect("the desk")
    }

    fn signed_in(&self) -> Vec<usize> {
        (0..DESKS).filter(|number| self.desks[*number].lock().expect("the desk").signed_in.is_some()).collect()
    }
}

fn page(words: &str) -> HttpResponse {
    let page = format!("<!doctype html><html lang=\"en\"><title>Desk</title><main><h1>{words}</h1></main></html>");
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page)
}

fn see(address: &str) -> HttpResponse {
    HttpResponse::Found().insert_header(("location", address)).finish()
}

async fn home(desks: web::Data<Desks>, request: HttpRequest) -> HttpResponse {
    let desk = desks.of(&request);
    page(&format!("Signed in: {}. Answer: {:?}", desk.signed_in.is_some(), desk.answered))
}

async fn sign_in(desks: web::Data<Desks>, request: HttpRequest) -> HttpResponse {
    let mut desk = desks.of(&request);
    let asked =
        desk.sp.request(&desks.idp, &Ask::default(), None, UtcDateTime::now(), &SystemEntropy).expect("a request");
    let answer = see(&asked.url);
    desk.asked = Some(asked);
    answer
}

#[derive(Deserialize)]
struct Posted {
    #[serde(rename = "SAMLResponse")]
    response: String,
}

async fn consume(desks: web::Data<Desks>, request: HttpRequest, form: web::Form<Posted>) -> HttpResponse {
    let mut desk = desks.of(&request);
    let request_id = desk.asked.as_ref().expect("it asked").id.clone();
    let expected = Expected { idp: &desks.idp, request_id: &request_id, now: UtcDateTime::now() };
    match desk.sp.read_response(&form.response, &expected) {
        Ok(SignInAnswer::SignedIn(signed_in)) => desk.signed_in = Some(signed_in),
        other => return page(&format!("{other:?}")),
    }
    HttpResponse::SeeOther().insert_header(("location", "/")).finish()
}

async fn sign_out(desks: web::Data<Desks>, request: HttpRequest) -> HttpResponse {
    let desk = desks.of(&request);
    let (peer, signed_in) = (desks.idp.logout().expect("its place"), desk.signed_in.as_ref().expect("a session"));
    see(&desk.sp.logout_request(peer, signed_in, UtcDateTime::now(), &SystemEntropy).expect("a request").url)
}

async fn single_logout(request: HttpRequest) -> HttpResponse {
    see(&format!("/slo-inside?{}", request.query_string()))
}

async fn single_logout_inside(desks: web::Data<Desks>, request: HttpRequest) -> HttpResponse {
    let mut desk = desks.of(&request);
    let (peer, now) = (desks.idp.logout().expect("its place"), UtcDateTime::now());
    desk.signed_in = None;
    match desk.sp.read_logout(peer, request.query_string(), now).expect("a logout message") {
        LogoutArrived::Request(asked) => {
            desk.times_told += 1;
            see(&desk.sp.logout_answer(peer, &asked, now, &SystemEntropy).expect("an answer"))
        }
        LogoutArrived::Answer { status, .. } => {
            desk.answered = Some(status);
            see("/")
        }
    }
}

/// A person who is signed in at all of them.
async fn signed_in(journey: &'static str, looks: Looks) -> (Signet, Arc<Desks>, Visitor) {
    let signet = Signet::start().await;
    let desks = Desks::open(&signet).await;
    let visitor = Visitor::looking(journey, looks).await;
    for number in 0..DESKS {
        visitor.browser.open(&format!("{}/sign-in", desks.origin(number))).await;
        if number == 0 {
            visitor.sign_in_as_the_person(&signet).await;
        }
        visitor.browser.click("form[action^='/saml/consent/'] button").await;
        if looks.without_script {
            visitor.browser.click("main form[data-post] button").await;
        }
        visitor.browser.expect("Signed in: true").await;
    }
    assert_eq!(desks.signed_in().len(), DESKS);
    (signet, desks, visitor)
}

fn assert_each_was_told_once(desks: &Desks, but: Option<usize>) {
    assert_eq!(desks.signed_in(), [0; 0]);
    for (number, desk) in desks.desks.iter().enumerate() {
        let times = usize::from(Some(number) != but);
        assert_eq!(desk.lock().expect("the desk").times_told, times, "desk {number}");
    }
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn one_of_fifteen_services_signs_the_person_out_everywhere() {
    for without_script in [false, true] {
        let looks = Looks { without_script, width: None };
        let (_signet, desks, visitor) = signed_in("sign-out-of-many", looks).await;
        visitor.browser.open(&format!("{}/sign-out", desks.origin(7))).await;
        visitor.browser.expect("Sign out everywhere?").await;
        visitor.look("question").await;
        visitor.browser.press("Sign out everywhere").await;
        visitor.browser.expect("Answer: Some(Ended)").await;
        assert_eq!(visitor.browser.address().await, format!("{}/", desks.origin(7)));
        assert_each_was_told_once(&desks, Some(7));
    }
}

#[tokio::test]
#[ignore = "needs Chromium; make test runs it"]
async fn signing_out_here_takes_fifteen_services_along() {
    let (signet, desks, visitor) = signed_in("sign-out-here-of-many", Looks::default()).await;
    let browser = &visitor.browser;
    browser.open(&format!("{}/account", signet.origin())).await;
    browser.press("Sign out").await;
    browser.expect("still signed in there").await;
    browser.press("Sign out of these services too").await;
    browser.expect("Desk 14: signed out").await;
    visitor.look("summary").await;
    assert_each_was_told_once(&desks, None);
}
