//! Certificates that end soon are told of in time, and nothing is refused for them.

use signet::jobs::signing::Alarm;
use signet::rollover::certificate_ends::{Notice, ending_certificates};
use signet::saml::signature::{CertificatePeriod, Signer as _};
use time::Duration;

use super::{Street, two_services};
use crate::saml::keys;
use crate::support::app::{TestApp, Wishes};
use crate::support::browser::Browser;

#[tokio::test(flavor = "multi_thread")]
async fn our_certificates_and_the_services_are_told_of_once_at_each_notice() {
    let street = Street::new().await;
    let idp = &street.app().identity_provider;
    let (signing, registry) = (idp.signing.load_full(), idp.registry.load_full());
    let now = street.house.now();
    let mut alarm = Alarm::default();
    let mut told = |days: i64| {
        let ending = ending_certificates(&signing, &registry, now + Duration::days(days));
        alarm.due(&ending).iter().map(|event| (event.name(), event.fields())).collect::<Vec<_>>()
    };
    // The services' certificates of these tests ended long ago: that is told at once, and once.
    let first = told(0);
    assert_eq!(first.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["service_certificate_ends"; 2]);
    assert!(first[0].1.iter().any(|(name, said)| *name == "notice" && said == "ended"), "{first:?}");
    assert_eq!(told(1), []);
    // Three years, with a quarter of a day for each leap year.
    let lives = 3 * 31_557_600 / 86_400;
    for (days_left, notice) in [(60, "within 60 days"), (30, "within 30 days"), (7, "within 7 days"), (0, "ended")] {
        assert_eq!(told(lives - days_left - 2), [], "{days_left}");
        let now = told(lives - days_left + 1);
        assert_eq!(now.len(), 1, "{days_left}: {now:?}");
        assert_eq!(now[0].0, "our_certificate_ends");
        assert!(now[0].1.iter().any(|(name, said)| *name == "notice" && said == notice), "{now:?}");
        assert_eq!(told(lives - days_left + 1), [], "{days_left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_certificates_that_end_and_a_sign_in_goes_on() {
    let street = Street::new().await;
    let checked = street.signet(&["check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    let line = checked.out.lines().find(|line| line.contains("a certificate of permits/service"));
    let line = line.unwrap_or_else(|| panic!("{}", checked.out));
    assert!(line.starts_with("warning") && line.contains("ended on 2001-09-10"), "{line}");
    let (browser, _) = street.house.fiona().await;
    street.permits().sign_in(&street.house, &browser).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_say_when_certificates_end_to_the_monitoring_system_alone() {
    let app = TestApp::start_with(Wishes { metrics: true, services: two_services().0, ..Wishes::default() }).await;
    let read = async || {
        let at = format!("http://{}", app.settings.server.metrics_listen.unwrap());
        let page = Browser::new(&at).get("/metrics").await;
        page.expect_status(200);
        page.body
    };
    let told = read().await;
    let signing = app.identity_provider.signing.load_full();
    let ours = signing.published().next().unwrap();
    let ends = CertificatePeriod::of(ours.certificate_der()).unwrap().ends_at.unix_timestamp();
    for line in [
        format!("signet_certificate_end_timestamp_seconds{{service=\"\",key=\"{}\"}} {ends}", ours.key_id()),
        // 2001-09-10.
        format!(
            "signet_certificate_end_timestamp_seconds{{service=\"permits/service\",key=\"{}\"}} 1000",
            keys::RSA.signer().key_id()
        ),
        "signet_certificates_ending{notice=\"ended\"} 2\n".to_owned(),
        // What has ended is within any time: an alarm does not fall silent as the end comes.
        "signet_certificates_ending{notice=\"within 60 days\"} 2\n".to_owned(),
        "signet_signing_plan_version 1\n".to_owned(),
        "signet_events_total{event=\"integrity_fault\"} ".to_owned(),
    ] {
        assert!(told.contains(&line), "{line} is not in {told}");
    }
    app.clock.advance(Duration::days(3 * 365 - 20));
    let soon = read().await;
    for (notice, count) in [("within 60 days", 3), ("within 30 days", 3), ("within 7 days", 2), ("ended", 2)] {
        let line = format!("signet_certificates_ending{{notice=\"{notice}\"}} {count}\n");
        assert!(soon.contains(&line), "{line} is not in {soon}");
    }
    let series: Vec<&str> = soon
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(series.iter().collect::<std::collections::BTreeSet<_>>().len(), series.len(), "{soon}");
    // Browsers do not find it.
    app.browser().get("/metrics").await.expect_status(404);
}

#[test]
fn a_notice_begins_on_its_day_and_not_before() {
    let end = time::macros::utc_datetime!(2027-03-01 12:00);
    let second = Duration::seconds(1);
    for (days, notice) in
        [(60, Notice::SixtyDays), (30, Notice::ThirtyDays), (7, Notice::SevenDays), (0, Notice::Ended)]
    {
        assert_eq!(Notice::of(end, end - Duration::days(days)), Some(notice));
        assert_ne!(Notice::of(end, end - Duration::days(days) - second), Some(notice));
    }
    assert_eq!(Notice::of(end, end - Duration::days(60) - second), None);
}
