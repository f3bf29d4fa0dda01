//! A journal that forgets a run, but keeps every pair.

use std::collections::HashMap;

use pmpo_core::model::Generated;
use pmpo_core::optimize::{
    GenerationKey, Journal, JournalError, PairKey, PairLedger, PairLoss, RunEvent,
};

#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) pairs: HashMap<PairKey, PairLoss>,
    pub(crate) events: Vec<RunEvent>,
}

impl PairLedger for Memory {
    fn recall_pairs(&mut self, keys: &[PairKey]) -> Result<Vec<Option<PairLoss>>, JournalError> {
        Ok(keys
            .iter()
            .map(|key| self.pairs.get(key).cloned())
            .collect())
    }

    fn keep_pairs(&mut self, pairs: &[(PairKey, PairLoss)]) -> Result<(), JournalError> {
        self.pairs.extend(pairs.iter().cloned());
        Ok(())
    }
}

impl Journal for Memory {
    fn recall_generated(
        &mut self,
        _: &GenerationKey,
    ) -> Result<Option<(Generated, f64)>, JournalError> {
        Ok(None)
    }

    fn record(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        if !matches!(event, RunEvent::Busy { .. } | RunEvent::Progress { .. }) {
            self.events.push(event.clone());
        }
        Ok(())
    }
}
