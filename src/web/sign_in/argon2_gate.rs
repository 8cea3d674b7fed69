//! The gate before Argon2id: so many passwords are worked on at once, so many may wait, and the rest are told to come
//! back, since each takes 46 MiB and a good part of a second of one core.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::authentication::password::{Argon2Memory, Argon2Parameters};

/// The gate. One for the process; a clone is the same gate.
#[derive(Debug, Clone)]
pub struct Argon2Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    places: Arc<Semaphore>,
    inside: AtomicUsize,
    most_inside: usize,
    parameters: Argon2Parameters,
    /// Memory that was worked in, for the next in the queue. It holds what could be used for guessing the last password, so
    /// it goes back to the operating system when nobody is inside any more.
    used: Mutex<Vec<Argon2Memory>>,
}

impl Argon2Gate {
    /// A gate for `at_once` passwords at the same time and `most_waiting` more in the queue, all at one cost.
    #[must_use]
    pub fn new(at_once: usize, most_waiting: usize, parameters: Argon2Parameters) -> Self {
        let at_once = at_once.max(1);
        Self {
            inner: Arc::new(Inner {
                places: Arc::new(Semaphore::new(at_once)),
                inside: AtomicUsize::new(0),
                most_inside: at_once.saturating_add(most_waiting),
                parameters,
                used: Mutex::default(),
            }),
        }
    }

    /// As many as there are cores, and a queue of eight for each: at most a few seconds' wait.
    #[must_use]
    pub fn for_this_machine(parameters: Argon2Parameters) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::new(cores, cores * 8, parameters)
    }

    /// The cost of new passwords, and of the work that is done for nobody.
    #[must_use]
    pub fn parameters(&self) -> Argon2Parameters {
        self.inner.parameters
    }

    /// Does the work on the blocking pool, when its turn has come.
    ///
    /// # Errors
    /// [`Argon2Busy`] when the queue is full, or when the work was lost with its thread.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Argon2Memory) -> T + Send + 'static,
    ) -> Result<T, Argon2Busy> {
        let in_queue = PlaceInQueue::take(&self.inner)?;
        let place = Arc::clone(&self.inner.places).acquire_owned().await.map_err(|_| Argon2Busy)?;
        // Both places go with the work, not with the request: a browser that hangs up leaves its work running, and that
        // must go on counting, or hanging up would be a way past the gate.
        tokio::task::spawn_blocking(move || {
            let used = || in_queue.0.used.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = used().pop().unwrap_or_default();
            let done = work(&mut memory);
            used().push(memory);
            drop((place, in_queue));
            done
        })
        .await
        .map_err(|_| Argon2Busy)
    }
}

/// One who waits or works; gives its place back when the work is done, or when a waiting browser has gone.
struct PlaceInQueue(Arc<Inner>);

impl PlaceInQueue {
    fn take(inner: &Arc<Inner>) -> Result<Self, Argon2Busy> {
        let place = Self(Arc::clone(inner));
        let before = inner.inside.fetch_add(1, Ordering::Relaxed);
        if before >= inner.most_inside { Err(Argon2Busy) } else { Ok(place) }
    }
}

impl Drop for PlaceInQueue {
    fn drop(&mut self) {
        if self.0.inside.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.used.lock().unwrap_or_else(PoisonError::into_inner).clear();
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

    /// Work that has begun and goes on until it is released.
    async fn work_that_waits(gate: &Argon2Gate) -> (JoinHandle<Result<(), Argon2Busy>>, Sender<()>) {
        let (release, wait) = channel();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let gate = gate.clone();
        let work = tokio::spawn(async move {
            gate.run(move |_| {
                let _ = begun.send(());
                let _ = wait.recv();
            })
            .await
        });
        begins.await.unwrap();
        (work, release)
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_gives_places_back() {
        let gate = Argon2Gate::new(1, 1, Argon2Parameters::DEFAULT);
        let (first, release) = work_that_waits(&gate).await;
        let second = tokio::spawn({
            let gate = gate.clone();
            async move { gate.run(|_| 2).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(gate.run(|_| 3).await, Err(Argon2Busy));
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(()));
        assert_eq!(second.await.unwrap(), Ok(2));
        assert_eq!(gate.run(|_| 4).await, Ok(4));
    }

    #[tokio::test]
    async fn memory_is_used_again_by_who_waits_and_given_back_when_nobody_does() {
        let cheap = Argon2Parameters { memory_kib: 64, iterations: 1, lanes: 1 };
        let gate = Argon2Gate::new(1, 2, cheap);
        let work = move |memory: &mut Argon2Memory| {
            let fresh = memory.is_empty();
            StretchedPassword::for_nobody(&Password::given("pelican fjord umber"), cheap, memory).unwrap();
            fresh
        };
        let (first, second) = tokio::join!(gate.run(work), gate.run(work));
        assert_eq!((first, second), (Ok(true), Ok(false)));
        assert_eq!(gate.run(work).await, Ok(true), "what was left of other passwords is gone");
    }

    #[tokio::test]
    async fn work_counts_although_its_browser_has_gone() {
        let gate = Argon2Gate::new(1, 0, Argon2Parameters::DEFAULT);
        let (gone, release) = work_that_waits(&gate).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        assert_eq!(gate.run(|_| 2).await, Err(Argon2Busy), "the work that was left still has its place");
        release.send(()).unwrap();
    }
}
