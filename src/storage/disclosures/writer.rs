//! The writer that commits a node's disclosures in groups.
//!
//! Many sign-ins that wait share one transaction; each goes on when the transaction that holds its own record is durable.
//! The writer remembers the end of its chain. Before each group it compares that with what the database has, in the group's
//! own transaction: after a cut it records nothing any more, until the records are back or the node is started again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{ChainEnd, Issuance, RecordedDisclosure};
use crate::federation::disclosure::ChainId;
use crate::sealing::ServiceKeys;
use crate::storage::{Store, StoreError};

/// At most so many records share a commit.
const GROUP: usize = 256;
/// Where several wait, others are on their way: a commit costs a sync of the disk and the same pages of the indexes each time,
/// however many records share it. Somebody who comes alone does not wait.
const GATHERING: Duration = Duration::from_millis(10);

/// Commits issuances in groups. A clone writes to the same chain.
#[derive(Clone)]
pub struct DisclosureWriter {
    waiting: mpsc::Sender<Waiting>,
}

enum Waiting {
    Record { issuance: Box<Issuance>, done: oneshot::Sender<Result<RecordedDisclosure, StoreError>> },
    Look(oneshot::Sender<Result<(), StoreError>>),
}

impl DisclosureWriter {
    /// Starts the writer of this node's chain on the current runtime. It stops when the last clone is dropped.
    #[must_use]
    pub fn start(store: Store, keys: Arc<dyn ServiceKeys>, chain: ChainId) -> Self {
        let (waiting, mut queue) = mpsc::channel::<Waiting>(4 * GROUP);
        tokio::spawn(async move {
            let mut writer = ChainWriter { store, keys, chain, remembered: None };
            let mut group = Vec::with_capacity(GROUP);
            let mut crowded = false;
            // While one group is being synced to the disk, the next one gathers.
            while queue.recv_many(&mut group, GROUP).await > 0 {
                crowded |= group.len() > 1;
                if crowded {
                    tokio::time::sleep(GATHERING).await;
                    let more = std::iter::from_fn(|| queue.try_recv().ok());
                    group.extend(more.take(GROUP.saturating_sub(group.len())));
                }
                crowded = group.len() > 1;
                let (mut issuances, mut answers, mut looks) = (Vec::new(), Vec::new(), Vec::new());
                for one in group.drain(..) {
                    match one {
                        Waiting::Record { issuance, done } => {
                            issuances.push(*issuance);
                            answers.push(done);
                        }
                        Waiting::Look(done) => looks.push(done),
                    }
                }
                if !issuances.is_empty() {
                    let outcomes = writer.record(issuances).await;
                    for (answer, outcome) in answers.into_iter().zip(outcomes) {
                        // The one who asked may be gone; the record stays.
                        drop(answer.send(outcome));
                    }
                }
                if !looks.is_empty() {
                    let seen = writer.look().await;
                    for answer in looks {
                        drop(answer.send(seen.clone()));
                    }
                }
            }
        });
        Self { waiting }
    }

    /// Records an issuance; returns when it is durable.
    ///
    /// # Errors
    /// [`StoreError::LedgerAltered`] when somebody was at the end of the chain, or the database or the keys fail: then
    /// nothing may be sent.
    pub async fn record(&self, issuance: Issuance) -> Result<RecordedDisclosure, StoreError> {
        let (done, answer) = oneshot::channel();
        let issuance = Box::new(issuance);
        self.waiting.send(Waiting::Record { issuance, done }).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }

    /// Says whether the chain could be appended to now.
    ///
    /// # Errors
    /// As [`DisclosureWriter::record`].
    pub async fn look(&self) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        self.waiting.send(Waiting::Look(done)).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

/// The one that writes to a chain.
struct ChainWriter {
    store: Store,
    keys: Arc<dyn ServiceKeys>,
    chain: ChainId,
    /// How the chain ended when it was last seen; `None` before that.
    remembered: Option<ChainEnd>,
}

impl ChainWriter {
    /// One outcome for each issuance.
    async fn record(&mut self, issuances: Vec<Issuance>) -> Vec<Result<RecordedDisclosure, StoreError>> {
        let count = issuances.len();
        match self.record_together(issuances.clone()).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            // One record that the database refuses must not hold up the others that waited with it.
            Err(fault) if count > 1 && !matches!(fault, StoreError::LedgerAltered { .. }) => {
                let mut outcomes = Vec::with_capacity(count);
                for one in issuances {
                    let recorded = self.record_together(vec![one]).await;
                    outcomes.push(recorded.and_then(|mut recorded| recorded.pop().ok_or(StoreError::Stopped)));
                }
                outcomes
            }
            Err(fault) => vec![Err(fault); count],
        }
    }

    async fn record_together(&mut self, issuances: Vec<Issuance>) -> Result<Vec<RecordedDisclosure>, StoreError> {
        let (chain, keys, remembered) = (self.chain, self.keys.clone(), self.remembered);
        let write = self.store.transaction(move |tx| tx.record_issuances(chain, &*keys, remembered, issuances));
        let (recorded, end) = write.await?;
        self.remembered = Some(end);
        Ok(recorded)
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let (chain, keys, remembered) = (self.chain, self.keys.clone(), self.remembered);
        let end = self.store.read(move |tx| tx.confirmed_end(chain, &*keys, remembered)).await?;
        self.remembered = Some(end);
        Ok(())
    }
}
