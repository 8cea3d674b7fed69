//! The text message port: hands finished texts to a gateway. What they say is the templates' affair, when they are sent
//! and when they are too late the outbox's.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};

use super::{Reason, ServiceOutcome};
use crate::subscriber::PhoneNumber;

/// How long a gateway may take: a code that comes late is worth little.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A text message, ready to go.
#[derive(Clone)]
pub struct OutgoingSms {
    /// Whom it is for.
    pub to: PhoneNumber,
    /// The text.
    pub text: String,
}

/// Never says whom it is for or what is in it.
impl fmt::Debug for OutgoingSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OutgoingSms")
    }
}

/// Sends text messages.
pub trait Sms: Send + Sync {
    /// Hands one text over. [`ServiceOutcome::Answered`] means that it was taken, not that it arrived.
    fn send<'a>(&'a self, sms: &'a OutgoingSms) -> BoxFuture<'a, ServiceOutcome<()>>;
}

/// Where text messages go.
#[derive(Debug, Clone)]
pub struct KannelSettings {
    /// The gateway's `sendsms` address, for instance `http://127.0.0.1:13013/cgi-bin/sendsms`.
    pub url: Url,
    /// The gateway's user.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// The sender that people see.
    pub from: String,
}

/// A gateway that speaks Kannel's HTTP interface, with an SMPP centre behind it.
pub struct KannelSms {
    client: reqwest::Client,
    settings: KannelSettings,
}

impl KannelSms {
    /// Sets the client up; nothing is sent yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(settings: KannelSettings) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, settings })
    }

    fn address(&self, sms: &OutgoingSms) -> Url {
        let mut url = self.settings.url.clone();
        url.query_pairs_mut()
            .append_pair("username", &self.settings.username)
            .append_pair("password", self.settings.password.expose_secret())
            .append_pair("from", &self.settings.from)
            .append_pair("to", sms.to.e164())
            .append_pair("charset", "UTF-8")
            // What the GSM alphabet lacks goes as UCS-2; ASCII without its odd corners is in it.
            .append_pair("coding", if is_plain(&sms.text) { "0" } else { "2" })
            .append_pair("text", &sms.text);
        url
    }
}

/// Letters, digits and the punctuation that ASCII and the GSM 7-bit alphabet (3GPP TS 23.038 §6.2.1) share.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || " \n!\"#$%&'()*+,-./:;<=>?@_".contains(c))
}

impl fmt::Debug for KannelSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KannelSms").finish_non_exhaustive()
    }
}

impl Sms for KannelSms {
    fn send<'a>(&'a self, sms: &'a OutgoingSms) -> BoxFuture<'a, ServiceOutcome<()>> {
        Box::pin(async move {
            // The address holds the password, the number and the text: errors are told without it.
            match self.client.get(self.address(sms)).send().await.map(|answer| answer.status()) {
                Ok(StatusCode::OK | StatusCode::ACCEPTED) => ServiceOutcome::Answered(()),
                Ok(status @ (StatusCode::BAD_REQUEST | StatusCode::NOT_ACCEPTABLE)) => {
                    ServiceOutcome::Refused(Reason::with_code("the gateway refused", status.as_u16()))
                }
                Ok(status) => ServiceOutcome::Unavailable(Reason::with_code("the gateway answered", status.as_u16())),
                Err(error) if error.is_timeout() => {
                    ServiceOutcome::Unavailable(Reason::new("the gateway did not answer in time"))
                }
                Err(_) => ServiceOutcome::Unavailable(Reason::new("no gateway: the connection failed")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_text_is_encoded_in_the_address() {
        let settings = KannelSettings {
            url: "http://127.0.0.1:13013/cgi-bin/sendsms".parse().unwrap(),
            username: "signet".to_owned(),
            password: SecretString::from("p&w"),
            from: "Signet".to_owned(),
        };
        let gateway = KannelSms::new(settings).unwrap();
        let to = PhoneNumber::parse("+12025550142", "US").unwrap();
        let address = gateway.address(&OutgoingSms { to: to.clone(), text: "Code: 123456 & more".to_owned() });
        let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        let value = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(value("to"), Some("+12025550142"));
        assert_eq!(value("text"), Some("Code: 123456 & more"));
        assert_eq!(value("password"), Some("p&w"));
        assert_eq!(value("coding"), Some("0"));
        let address = gateway.address(&OutgoingSms { to, text: "código".to_owned() });
        assert!(address.query_pairs().any(|pair| pair == ("coding".into(), "2".into())));
    }
}
