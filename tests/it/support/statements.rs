//! What a database is asked: the statements of every connection to it, without their values.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, Once, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use signet::storage::{DatabaseUrl, Store};

/// By the address of the database, so that tests in one process do not count each other's.
static SAID: Mutex<Option<HashMap<String, Vec<String>>>> = Mutex::new(None);
static LISTENING: Once = Once::new();

struct Listener {
    database: String,
}

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => url.clone_into(&mut self.database),
            InstrumentationEvent::StartQuery { query, .. } => {
                let text = query.to_string();
                let statement = text.split(" -- binds").next().unwrap_or_default().to_owned();
                let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
                said.get_or_insert_default().entry(self.database.clone()).or_default().push(statement);
            }
            _ => {}
        }
    }
}

/// Listens to every connection that is made from now on.
pub fn listen() {
    LISTENING.call_once(|| {
        set_default_instrumentation(|| Some(Box::new(Listener { database: String::new() }))).expect("a listener");
    });
}

/// What was said to a database since the last time, how often each; without what workers in the background say again and
/// again, and without the bounds of transactions.
pub fn taken(store: &Store) -> BTreeMap<String, usize> {
    let database = match store.url() {
        DatabaseUrl::Sqlite(path) => path.to_string_lossy().into_owned(),
        DatabaseUrl::Postgresql(url) => url.clone(),
    };
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let statements = said.get_or_insert_default().remove(&database).unwrap_or_default();
    let mut counted = BTreeMap::new();
    for statement in statements {
        let bare = statement.replace(['"', '`'], "");
        let of_a_worker = ["FROM outbox", "UPDATE outbox", "sp_revision"].iter().any(|words| bare.contains(words));
        let bound =
            ["BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SET ", "SELECT 1"].iter().any(|word| bare.starts_with(word));
        if !of_a_worker && !bound {
            *counted.entry(bare).or_insert(0) += 1;
        }
    }
    counted
}
