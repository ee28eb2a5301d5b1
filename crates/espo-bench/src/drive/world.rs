//! The records that requests use: those found on the target, and those that the run created.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use rand::{Rng, RngExt as _};

use crate::data::Sources;
use crate::workload::Skew;

/// A record found on the target.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

/// Records that existed when the load started. They are read and referred to, but never changed or deleted.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) known: BTreeMap<String, Vec<Found>>,
    /// ID of the run's user, to whom created activities are assigned.
    pub(crate) user_id: Option<String>,
    pub(crate) skew: Option<Skew>,
    /// Why the records of an entity type could not be listed.
    pub(crate) unlisted: BTreeMap<String, String>,
}

impl World {
    /// Returns a record to read, selected with the workload's skew.
    pub(crate) fn pick(&self, entity: &str, rng: &mut impl Rng) -> Option<&Found> {
        let all = self.known.get(entity).filter(|l| !l.is_empty())?;
        let index = match self.skew {
            None => rng.random_range(0..all.len()),
            Some(Skew { hot, share }) => {
                let hot = ((all.len() as f64 * hot).ceil() as usize).clamp(1, all.len());
                if hot == all.len() || rng.random::<f64>() < share {
                    rng.random_range(0..hot)
                } else {
                    rng.random_range(hot..all.len())
                }
            }
        };
        all.get(index)
    }
}

impl Sources for World {
    fn id_of(&self, entity: &str, pick: u64) -> Option<String> {
        if entity == "User" {
            return self.user_id.clone();
        }
        let all = self.known.get(entity).filter(|l| !l.is_empty())?;
        let index = usize::try_from(pick % all.len() as u64).ok()?;
        Some(all[index].id.clone())
    }
}

/// Records of the run that one worker (or one lane of the open model) may change and delete.
///
/// The pool is bounded: in a long run of creates, the oldest records leave the pool but stay in the ledger.
#[derive(Debug, Clone, Default)]
pub(crate) struct Own(Arc<Mutex<HashMap<String, Vec<String>>>>);

const MAX_OWN: usize = 256;

impl Own {
    pub(crate) fn add(&self, entity: &str, id: String) {
        let mut all = self.0.lock();
        match all.get_mut(entity) {
            Some(list) => {
                if list.len() == MAX_OWN {
                    list.swap_remove(0);
                }
                list.push(id);
            }
            None => {
                all.insert(entity.to_owned(), vec![id]);
            }
        }
    }

    /// Returns a record to use; `None` if there is none yet.
    pub(crate) fn pick(&self, entity: &str, rng: &mut impl Rng) -> Option<String> {
        let all = self.0.lock();
        let list = all.get(entity).filter(|l| !l.is_empty())?;
        list.get(rng.random_range(0..list.len())).cloned()
    }

    /// Removes and returns a record to delete, so that no other request of this worker uses it.
    pub(crate) fn take(&self, entity: &str, rng: &mut impl Rng) -> Option<String> {
        let mut all = self.0.lock();
        let list = all.get_mut(entity).filter(|l| !l.is_empty())?;
        let index = rng.random_range(0..list.len());
        Some(list.swap_remove(index))
    }

    pub(crate) fn forget(&self, entity: &str, id: &str) {
        if let Some(list) = self.0.lock().get_mut(entity) {
            list.retain(|known| known != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed;

    fn world(skew: Option<Skew>) -> World {
        let found = (0..100)
            .map(|i| Found {
                id: i.to_string(),
                name: None,
            })
            .collect();
        World {
            known: BTreeMap::from([("X".to_owned(), found)]),
            skew,
            ..World::default()
        }
    }

    #[test]
    fn skews_prefer_the_hot_part() {
        let world = world(Some(Skew {
            hot: 0.1,
            share: 0.9,
        }));
        let mut rng = seed::rng(7, &[]);
        let hot = (0..10_000)
            .filter(|_| {
                world
                    .pick("X", &mut rng)
                    .unwrap()
                    .id
                    .parse::<u32>()
                    .unwrap()
                    < 10
            })
            .count();
        assert!((8_800..9_200).contains(&hot), "{hot}");
        assert!(world.pick("Y", &mut rng).is_none());
    }

    #[test]
    fn taken_records_are_not_picked_and_the_pool_is_bounded() {
        let own = Own::default();
        let mut rng = seed::rng(7, &[]);
        own.add("X", "a".into());
        assert_eq!(own.take("X", &mut rng).as_deref(), Some("a"));
        assert_eq!(own.pick("X", &mut rng), None);
        for i in 0..1_000 {
            own.add("X", i.to_string());
        }
        assert_eq!(own.0.lock()["X"].len(), MAX_OWN);
    }
}
