//! A key that takes its time, as one in a security module or behind a network does: who needs it waits, and nobody else.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use signet::rollover::SigningKeys;
use signet::saml::DeniedAlgorithms;
use signet::saml::signature::{SignatureAlgorithm, Signer, SigningFailed};

use crate::support::app::TestApp;

/// More than the workers of any machine that runs this.
const ASKED_AT_ONCE: usize = 40;

/// How many signatures were begun, and whether they may be made.
#[derive(Default)]
struct Gate {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(_, open)| !*open).unwrap());
    }

    /// Whether so many wait before it, within a time that is long for a machine and short for a test.
    fn is_waited_for_by(&self, many: usize) -> bool {
        let state = self.state.lock().unwrap();
        let patience = Duration::from_secs(20);
        !self.changed.wait_timeout_while(state, patience, |(begun, _)| *begun < many).unwrap().1.timed_out()
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

struct Slow {
    signer: Arc<dyn Signer>,
    gate: Arc<Gate>,
}

impl Signer for Slow {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.signer.algorithm()
    }

    fn algorithms(&self) -> &[SignatureAlgorithm] {
        self.signer.algorithms()
    }

    fn key_bits(&self) -> u32 {
        self.signer.key_bits()
    }

    fn key_id(&self) -> &str {
        self.signer.key_id()
    }

    fn certificate_der(&self) -> &[u8] {
        self.signer.certificate_der()
    }

    fn sign_by(&self, algorithm: SignatureAlgorithm, octets: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        self.gate.pass();
        self.signer.sign_by(algorithm, octets)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_takes_its_time_holds_up_nobody_who_does_not_need_it() {
    let app = TestApp::start().await;
    let gate = Arc::new(Gate::default());
    let mut pairs = app.key_pairs.pairs().unwrap();
    let slow = |signer| Arc::new(Slow { signer, gate: Arc::clone(&gate) }) as Arc<dyn Signer>;
    pairs.signers = pairs.signers.into_iter().map(slow).collect();
    let signing = &app.identity_provider.signing;
    let plan = signing.load().plan().clone();
    signing.store(Arc::new(SigningKeys::new(plan, pairs, DeniedAlgorithms::NONE).unwrap()));

    let ask = |_| {
        let browser = app.browser();
        tokio::spawn(async move { browser.get("/saml/metadata").await.expect_status(200).body.clone() })
    };
    let asked: Vec<_> = (0..ASKED_AT_ONCE).map(ask).collect();
    let waiting = Arc::clone(&gate);
    let all_wait = tokio::task::spawn_blocking(move || waiting.is_waited_for_by(ASKED_AT_ONCE)).await.unwrap();
    let others = if all_wait { Some(app.browser().get("/").await) } else { None };
    gate.open();
    for metadata in asked {
        assert!(metadata.await.unwrap().contains("SignatureValue"));
    }
    others.expect("each was handed over, and no worker kept").expect_status(200);
}
