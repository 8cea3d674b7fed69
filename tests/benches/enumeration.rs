//! Whether an address has an account, as far as work tells: the CPU time that the server spends on each of the three forms
//! that a stranger may send, for addresses that have an account against addresses that nobody has.
//!
//! One request at a time, the two kinds in turn and each going first as often, and everything that a request causes counted
//! to its end (the mail too). What is printed is the ratio of the two, with the interval in which it lies in 95 of 100 runs;
//! tests hold that the answers and the statements are the same.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::front_door::{Server, client, encode, form_of};
use super::measure::threads_cpu;

/// Addresses of each kind.
const ADDRESSES: u32 = 12;
/// Comparisons for each form: each address once in a round. A throttle lets twenty mails an hour go to an address.
const ROUNDS: [(&str, &str, u32); 3] = [
    ("sign-in, wrong password", "/sign-in", 16),
    ("forgotten password", "/forgot-password", 7),
    ("sign-up", "/sign-up", 7),
];
const PASSWORD: &str = "pelican fjord umber quartz";

pub async fn measure(server: &Server) {
    println!("  an address with an account against one without, by the server's CPU time");
    for number in 0..ADDRESSES {
        make_account(server, number).await;
    }
    let mut from = 0;
    for (words, path, rounds) in ROUNDS {
        let mut ratios = Vec::new();
        let mut spent = [Duration::ZERO; 2];
        for round in 0..rounds {
            let mut of_round = [Duration::ZERO; 2];
            for number in 0..ADDRESSES {
                // Which of the two goes first changes, so that neither gains by it.
                let somebody_first = (round + number) % 2 == 0;
                for somebody in [somebody_first, !somebody_first] {
                    from += 1;
                    of_round[usize::from(somebody)] += one(server, path, somebody, number, from).await;
                }
            }
            ratios.push(of_round[1].as_secs_f64() / of_round[0].as_secs_f64());
            spent.iter_mut().zip(of_round).for_each(|(sum, more)| *sum += more);
        }
        let (mean, half) = interval(&ratios);
        let each = spent[0].as_secs_f64() * 1e3 / f64::from(rounds * ADDRESSES);
        println!(
            "  {words:34} {each:6.2} ms CPU each; ratio {mean:.3} ± {half:.3} ({} pairs): within {:.1} %",
            rounds * ADDRESSES,
            ((mean - 1.0).abs() + half) * 100.0
        );
    }
}

/// Both kinds are of one length.
fn address(somebody: bool, number: u32) -> String {
    format!("{}-{number:03}@bench.example", if somebody { "somebody" } else { "no-body-" })
}

/// An account with a password, as far as it takes for an address to have one.
async fn make_account(server: &Server, number: u32) {
    let email = address(true, number);
    let browser = server.browser_from(Ipv4Addr::new(127, 3, 0, u8::try_from(number + 1).unwrap()));
    let page = browser.get("/sign-up").await;
    browser.submit_to(&page, "/sign-up", &[("email", &email), ("rules", "yes")]).await.expect_status(200);
    let link = server.link_of(&email).await;
    let page = browser.get(&link).await;
    let page = browser.submit(&page, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(page.url.path(), "/sign-up/methods", "{}", page.text());
}

/// The CPU time of one form, with all that comes of it.
async fn one(server: &Server, path: &str, somebody: bool, number: u32, from: u32) -> Duration {
    // From an address of its own: a single one is throttled, as it should be.
    let [_, _, third, fourth] = from.to_be_bytes();
    let client = client(Ipv4Addr::new(127, 4, third, fourth));
    let (cookie, csrf) = form_of(&client, &server.address(path)).await;
    let email = address(somebody, number);
    let fields = [("csrf", csrf.as_str()), ("email", &email), ("password", "a wrong password"), ("rules", "yes")];
    let request = client
        .post(server.address(path))
        .header("Cookie", cookie)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(encode(&fields));
    let begin = quiet(server).await;
    let answer = request.send().await.unwrap();
    let expected = if path == "/sign-in" { 422 } else { 200 };
    assert_eq!(answer.status(), expected, "{path} for {email}: {}", answer.text().await.unwrap());
    drop(answer.bytes().await);
    quiet(server).await - begin
}

/// Waits until the server has nothing to do, and says what it has spent so far.
async fn quiet(server: &Server) -> Duration {
    let mut before = threads_cpu(&server.process());
    loop {
        tokio::time::sleep(Duration::from_millis(6)).await;
        let now = threads_cpu(&server.process());
        if now - before < Duration::from_micros(50) {
            return now;
        }
        before = now;
    }
}

/// The mean, and half of the interval in which it lies with 95 % (Student's t).
fn interval(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let t = if values.len() > 10 { 2.14 } else { 2.45 };
    (mean, t * (variance / count).sqrt())
}
