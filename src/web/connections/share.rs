//! Shares: how much of something each network holds now.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How much of something each network holds now. A clone counts the same.
#[derive(Clone, Default)]
pub struct Shares(Arc<Mutex<HashMap<Vec<u8>, u32>>>);

impl Shares {
    /// Takes one more for this network, up to `most`; it is given back when the share is dropped. `None` when the network holds
    /// that many already.
    #[must_use]
    pub fn take(&self, network: &[u8], most: u32) -> Option<Share> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.get(network).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        let number = count.saturating_add(1);
        held.insert(network.to_vec(), number);
        Some(Share { of: self.clone(), network: network.to_vec(), number })
    }

    fn give_back(&self, network: &[u8]) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = held.entry(network.to_vec()) {
            *entry.get_mut() = entry.get().saturating_sub(1);
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// Without the networks, which are people's.
impl fmt::Debug for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shares")
    }
}

/// One of what a network holds.
pub struct Share {
    of: Shares,
    network: Vec<u8>,
    number: u32,
}

impl Share {
    /// How many the network held with this one, when it was taken.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.give_back(&self.network);
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({})", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_gets_its_share_and_no_more_and_what_it_gives_back_is_free_again() {
        let shares = Shares::default();
        let first = shares.take(&[192, 0, 2, 1], 2).unwrap();
        let second = shares.take(&[192, 0, 2, 1], 2).unwrap();
        assert_eq!((first.number(), second.number()), (1, 2));
        assert!(shares.take(&[192, 0, 2, 1], 2).is_none());
        assert!(shares.take(&[192, 0, 2, 2], 2).is_some(), "another network has its own");
        drop(first);
        assert!(shares.take(&[192, 0, 2, 1], 2).is_some());
        drop(second);
        assert!(shares.0.lock().unwrap().is_empty(), "who holds nothing is not remembered");
    }
}
