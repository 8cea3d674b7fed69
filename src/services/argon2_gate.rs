//! The gate before Argon2id: so many passwords are worked on at once, so many may wait, and the rest are told to come
//! back, since each takes 46 MiB and a good part of a second of one core.
//!
//! One network, or a crowd of strangers, must not take all places from the others ([`Argon2Gate::enter`]):
//!
//! - while less than half of the strangers' places are taken, anybody gets one;
//! - after that a network gets one only while it has few ([`PasswordPlaces::few`]), an IPv6 network as the three that it counts as;
//! - a quarter of all places is kept for known people: somebody who is signed in, or whose browser is known to the account
//!   that they sign in to. One account has few of these, too.
//!
//! A place is taken before anything is written for a try, so that a try that finds none counts nowhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::authentication::network::Network;
use crate::authentication::password::{Argon2Memory, Argon2Parameters};
use crate::authentication::throttle::PasswordPlaces;
use crate::subscriber::SubscriberId;

/// Who wants a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Somebody who is signed in to this account, or whose browser is known to it.
    Known(SubscriberId),
    /// Anybody else.
    Stranger,
}

/// The gate. One for the process; a clone is the same gate.
#[derive(Debug, Clone)]
pub struct Argon2Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    semaphore: Arc<Semaphore>,
    places: PasswordPlaces,
    parameters: Argon2Parameters,
    inside: Mutex<Inside>,
    /// Memory that was worked in, for the next in the queue. It holds what could be used for guessing the last password, so
    /// it goes back to the operating system when nobody is inside any more.
    used: Mutex<Vec<Argon2Memory>>,
}

/// Who has a place.
#[derive(Debug, Default)]
struct Inside {
    all: usize,
    strangers: usize,
    by_share: HashMap<Vec<u8>, usize>,
}

impl Argon2Gate {
    /// A gate with so many places, all at one cost.
    #[must_use]
    pub fn new(places: PasswordPlaces, parameters: Argon2Parameters) -> Self {
        Self {
            inner: Arc::new(Inner {
                semaphore: Arc::new(Semaphore::new(places.at_once.max(1))),
                places,
                parameters,
                inside: Mutex::default(),
                used: Mutex::default(),
            }),
        }
    }

    /// The cost of new passwords, and of the work that is done for nobody.
    #[must_use]
    pub fn parameters(&self) -> Argon2Parameters {
        self.inner.parameters
    }

    /// Takes a place in the queue, without waiting. It is given back when it is dropped, or when its work is done.
    ///
    /// # Errors
    /// [`Argon2Busy`] when there is none for this network and this standing: the answer is 503, and nothing was counted.
    pub fn enter(&self, network: &Network, standing: Standing) -> Result<PlaceInQueue, Argon2Busy> {
        let places = self.inner.places;
        let stranger = standing == Standing::Stranger;
        let shares: Vec<(Vec<u8>, usize)> = match standing {
            Standing::Known(of) => vec![(of.as_bytes().to_vec(), places.few)],
            Standing::Stranger => network
                .prefixes()
                .map(|prefix| {
                    (prefix.octets.to_vec(), places.few.saturating_mul(usize::try_from(prefix.times).unwrap_or(1)))
                })
                .collect(),
        };
        let mut inside = self.inner.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let has_few = shares.iter().all(|(share, most)| inside.by_share.get(share).is_none_or(|taken| taken < most));
        let admitted = match standing {
            Standing::Known(_) => inside.all < places.all() && has_few,
            Standing::Stranger => {
                let crowded = inside.strangers >= places.for_strangers().div_ceil(2);
                inside.strangers < places.for_strangers() && inside.all < places.all() && (!crowded || has_few)
            }
        };
        if !admitted {
            return Err(Argon2Busy);
        }
        inside.all += 1;
        inside.strangers += usize::from(stranger);
        for (share, _) in &shares {
            *inside.by_share.entry(share.clone()).or_insert(0) += 1;
        }
        drop(inside);
        let shares = shares.into_iter().map(|(share, _)| share).collect();
        Ok(PlaceInQueue { inner: Arc::clone(&self.inner), shares, stranger })
    }
}

/// A place of one who waits or works.
#[derive(Debug)]
#[must_use]
pub struct PlaceInQueue {
    inner: Arc<Inner>,
    shares: Vec<Vec<u8>>,
    stranger: bool,
}

impl PlaceInQueue {
    /// Does the work on the blocking pool, when its turn has come.
    ///
    /// # Errors
    /// [`Argon2Busy`] when the work was lost with its thread.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Argon2Memory) -> T + Send + 'static,
    ) -> Result<T, Argon2Busy> {
        let turn = Arc::clone(&self.inner.semaphore).acquire_owned().await.map_err(|_| Argon2Busy)?;
        // Both go with the work, not with the request: a browser that hangs up leaves its work running, and that must go
        // on counting, or hanging up would be a way past the gate.
        tokio::task::spawn_blocking(move || {
            let used = || self.inner.used.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = used().pop().unwrap_or_default();
            let done = work(&mut memory);
            used().push(memory);
            drop((turn, self));
            done
        })
        .await
        .map_err(|_| Argon2Busy)
    }
}

impl Drop for PlaceInQueue {
    fn drop(&mut self) {
        let mut inside = self.inner.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.all = inside.all.saturating_sub(1);
        inside.strangers = inside.strangers.saturating_sub(usize::from(self.stranger));
        for share in &self.shares {
            if let Some(taken) = inside.by_share.get_mut(share) {
                *taken = taken.saturating_sub(1);
                if *taken == 0 {
                    inside.by_share.remove(share);
                }
            }
        }
        if inside.all == 0 {
            self.inner.used.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

/// Too many are waiting already. The answer is 503 with a time to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being worked on")]
pub struct Argon2Busy;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use tokio::task::JoinHandle;

    use super::*;
    use crate::authentication::password::{Password, StretchedPassword};

    const CHEAP: Argon2Parameters = Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 };

    fn gate(at_once: usize, waiting: usize) -> Argon2Gate {
        Argon2Gate::new(PasswordPlaces { at_once, waiting, few: 2 }, CHEAP)
    }

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    fn known(number: u8) -> Standing {
        Standing::Known(SubscriberId::from_bytes([number; 16]))
    }

    fn enter(gate: &Argon2Gate, address: &str) -> Result<PlaceInQueue, Argon2Busy> {
        gate.enter(&network(address), Standing::Stranger)
    }

    /// Work that has begun and goes on until it is released.
    async fn work_that_waits(gate: &Argon2Gate) -> (JoinHandle<Result<(), Argon2Busy>>, Sender<()>) {
        let (release, wait) = channel();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let place = gate.enter(&Network::unknown(), known(1)).unwrap();
        let work = tokio::spawn(place.run(move |_| {
            let _ = begun.send(());
            let _ = wait.recv();
        }));
        begins.await.unwrap();
        (work, release)
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_gives_places_back() {
        let gate = gate(1, 1);
        let (first, release) = work_that_waits(&gate).await;
        let second = tokio::spawn(gate.enter(&Network::unknown(), known(2)).unwrap().run(|_| 2));
        tokio::task::yield_now().await;
        assert_eq!(gate.enter(&Network::unknown(), known(3)).err(), Some(Argon2Busy));
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(()));
        assert_eq!(second.await.unwrap(), Ok(2));
        assert_eq!(gate.enter(&Network::unknown(), known(3)).unwrap().run(|_| 4).await, Ok(4));
    }

    #[tokio::test]
    async fn memory_is_used_again_by_who_waits_and_given_back_when_nobody_does() {
        let gate = gate(1, 2);
        let work = move |memory: &mut Argon2Memory| {
            let fresh = memory.is_empty();
            StretchedPassword::for_nobody(&Password::given("pelican fjord umber"), CHEAP, memory).unwrap();
            fresh
        };
        let place = || enter(&gate, "192.0.2.1").unwrap();
        let (first, second) = (place(), place());
        let (first, second) = tokio::join!(first.run(work), second.run(work));
        assert_eq!((first, second), (Ok(true), Ok(false)));
        assert_eq!(place().run(work).await, Ok(true), "what was left of other passwords is gone");
    }

    #[tokio::test]
    async fn work_counts_although_its_browser_has_gone() {
        let gate = gate(1, 0);
        let (gone, release) = work_that_waits(&gate).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        let full = gate.enter(&Network::unknown(), known(2)).err();
        assert_eq!(full, Some(Argon2Busy), "the work that was left still has its place");
        release.send(()).unwrap();
    }

    #[test]
    fn one_network_leaves_places_to_the_others() {
        // 20 places: 15 for strangers, of which 8 go to anybody.
        let gate = gate(4, 16);
        let taken: Vec<_> = (0..30).filter_map(|_| enter(&gate, "192.0.2.1").ok()).collect();
        assert_eq!(taken.len(), 8);
        let others: Vec<_> = (0..30).filter_map(|n| enter(&gate, &format!("198.51.100.{n}")).ok()).collect();
        assert_eq!(others.len(), 7, "each of the others finds a place while there are any");
    }

    #[test]
    fn many_small_networks_of_one_organisation_are_one() {
        let gate = gate(4, 36);
        // 40 places: 30 for strangers, of which 15 go to anybody; the /48 has no more than its eight few after that.
        let taken: Vec<_> = (0..200).filter_map(|n| enter(&gate, &format!("2001:db8:7:{n:x}::1")).ok()).collect();
        assert_eq!(taken.len(), 15);
        assert!(enter(&gate, "198.51.100.1").is_ok());
    }

    #[test]
    fn strangers_leave_a_quarter_to_known_people_and_one_account_has_few_of_it() {
        let gate = gate(4, 16);
        let strangers: Vec<_> = (0..250).filter_map(|n| enter(&gate, &format!("10.{n}.0.1")).ok()).collect();
        assert_eq!(strangers.len(), 15);
        let of = |number| gate.enter(&network("10.0.0.1"), known(number));
        let one: Vec<_> = (0..9).filter_map(|_| of(1).ok()).collect();
        assert_eq!(one.len(), 2);
        let others: Vec<_> = (2..9).filter_map(|number| of(number).ok()).collect();
        assert_eq!(others.len(), 3);
        drop(strangers);
        assert!(enter(&gate, "10.0.0.1").is_ok(), "places come back");
    }
}
