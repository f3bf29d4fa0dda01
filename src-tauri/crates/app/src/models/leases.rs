//! Who uses the model in memory: the one place that says whether another one may be
//! loaded, or a run begun.

use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pmpo_core::model::LanguageModel;

use crate::locks::held;
use crate::{fault, AppError};

/// What a model is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A run, from before its models are loaded to its end.
    Run,
    /// Versions being measured, or compared.
    Measuring,
    /// A prompt being tried on an input.
    Trying,
    /// A prompt being scored, or the time of a run estimated.
    Scoring,
}

impl Purpose {
    /// Why nothing else can have the memory now.
    fn refusal(self) -> AppError {
        match self {
            Self::Run => fault!("busy.run"),
            Self::Measuring => fault!("busy.measuring"),
            Self::Trying => fault!("busy.trying"),
            Self::Scoring => fault!("busy.scoring"),
        }
    }
}

/// All who use the model in memory.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    next: u64,
    now: Vec<(u64, Purpose)>,
}

impl Leases {
    /// One more; it ends with its value, however the work ends.
    pub(crate) fn add(self: &Arc<Self>, purpose: Purpose) -> Lease {
        self.push(&mut held(&self.0), purpose)
    }

    /// The one run that may go on.
    ///
    /// # Errors
    ///
    /// The code `busy` where there is one already.
    pub(crate) fn claim_run(self: &Arc<Self>) -> Result<Lease, AppError> {
        let mut list = held(&self.0);
        match list.now.iter().any(|(_, purpose)| *purpose == Purpose::Run) {
            true => Err(fault!("busy.other_run")),
            false => Ok(self.push(&mut list, Purpose::Run)),
        }
    }

    fn push(self: &Arc<Self>, list: &mut List, purpose: Purpose) -> Lease {
        let number = list.next;
        list.next += 1;
        list.now.push((number, purpose));
        Lease {
            leases: self.clone(),
            number,
        }
    }

    /// Whether nobody but `own` uses the model in memory, so that it may go.
    ///
    /// # Errors
    ///
    /// The code `busy`, with what it is used for.
    pub(crate) fn must_be_free(&self, own: Option<&Lease>) -> Result<(), AppError> {
        let list = held(&self.0);
        let own = own.map(|lease| lease.number);
        match list.now.iter().find(|(number, _)| Some(*number) != own) {
            Some((_, purpose)) => Err(purpose.refusal()),
            None => Ok(()),
        }
    }
}

/// How long a model that is wanted waits for prompts that are being scored with another one:
/// a page that was left may have asked for it.
const SCORING: Duration = Duration::from_secs(3);
/// Between two looks at whether they are done.
const PAUSE: Duration = Duration::from_millis(20);

impl Leases {
    /// [`Self::must_be_free`], once what takes moments only has ended.
    ///
    /// # Errors
    ///
    /// The code `busy`, with what the model is used for.
    pub(crate) async fn must_become_free(&self, own: Option<&Lease>) -> Result<(), AppError> {
        let deadline = Instant::now() + SCORING;
        while self.is_scoring_alone(own) && Instant::now() < deadline {
            tokio::time::sleep(PAUSE).await;
        }
        self.must_be_free(own)
    }

    /// Whether others than `own` score, and do nothing else.
    fn is_scoring_alone(&self, own: Option<&Lease>) -> bool {
        let list = held(&self.0);
        let own = own.map(|lease| lease.number);
        let mut others = list.now.iter().filter(|(number, _)| Some(*number) != own);
        let first = others.next();
        first.is_some_and(|(_, purpose)| *purpose == Purpose::Scoring)
            && others.all(|(_, purpose)| *purpose == Purpose::Scoring)
    }
}

/// The use of the model in memory; dropped, it ends.
#[derive(Debug)]
pub(crate) struct Lease {
    leases: Arc<Leases>,
    number: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut list = held(&self.leases.0);
        list.now.retain(|(number, _)| *number != self.number);
    }
}

/// A model while somebody uses it.
pub(crate) struct LeasedModel {
    // Given back first: who comes next must find it unused.
    pub(crate) model: Arc<dyn LanguageModel>,
    pub(crate) _lease: Lease,
}

impl Deref for LeasedModel {
    type Target = dyn LanguageModel;

    fn deref(&self) -> &Self::Target {
        &*self.model
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    #[test]
    fn whoever_uses_a_model_is_named_until_the_work_ends_or_panics() {
        let leases = Arc::<Leases>::default();
        leases.must_be_free(None).unwrap();
        let run = leases.claim_run().unwrap();
        leases.must_be_free(Some(&run)).unwrap();
        assert_eq!(leases.claim_run().unwrap_err().code, "busy");
        let words = leases.must_be_free(None).unwrap_err().message;
        assert!(words.contains("the run that is going on"), "{words}");
        let others = leases.clone();
        let work = std::thread::spawn(move || {
            let lease = others.add(Purpose::Trying);
            let words = others.must_be_free(Some(&run)).unwrap_err().message;
            assert!(words.contains("being tried"), "{words}");
            drop(lease);
            others.must_be_free(Some(&run)).unwrap();
            let _lost = others.add(Purpose::Measuring);
            let _list = others.0.lock().unwrap();
            panic!("with the lock held");
        });
        assert!(work.join().is_err());
        leases.must_be_free(None).unwrap();
        leases.claim_run().unwrap();
    }
}
