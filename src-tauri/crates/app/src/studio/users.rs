//! Who uses the model in memory: the one place that says whether another one may be
//! loaded, or a run begun.

use std::ops::Deref;
use std::sync::{Arc, Mutex};

use pmpo_core::model::LanguageModel;

use super::held;
use crate::{fault, AppError};

/// What a model is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// A run, from before its models are loaded to its end.
    Run,
    /// Versions being measured, or compared.
    Measuring,
    /// A prompt being tried on an input.
    Trying,
    /// A prompt being scored, or the time of a run estimated.
    Scoring,
}

impl Doing {
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
pub(super) struct Users(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    next: u64,
    now: Vec<(u64, Doing)>,
}

impl Users {
    /// One more; it ends with its value, however the work ends.
    pub(super) fn add(self: &Arc<Self>, doing: Doing) -> User {
        self.push(&mut held(&self.0), doing)
    }

    /// The one run that may go on.
    ///
    /// # Errors
    ///
    /// The code `busy` where there is one already.
    pub(super) fn claim_run(self: &Arc<Self>) -> Result<User, AppError> {
        let mut list = held(&self.0);
        match list.now.iter().any(|(_, doing)| *doing == Doing::Run) {
            true => Err(fault!("busy.other_run")),
            false => Ok(self.push(&mut list, Doing::Run)),
        }
    }

    fn push(self: &Arc<Self>, list: &mut List, doing: Doing) -> User {
        let number = list.next;
        list.next += 1;
        list.now.push((number, doing));
        User {
            users: self.clone(),
            number,
        }
    }

    /// Whether nobody but `own` uses the model in memory, so that it may go.
    ///
    /// # Errors
    ///
    /// The code `busy`, with what it is used for.
    pub(super) fn must_be_free(&self, own: Option<&User>) -> Result<(), AppError> {
        let list = held(&self.0);
        let own = own.map(|user| user.number);
        match list.now.iter().find(|(number, _)| Some(*number) != own) {
            Some((_, doing)) => Err(doing.refusal()),
            None => Ok(()),
        }
    }
}

/// One who uses the model in memory.
#[derive(Debug)]
pub(super) struct User {
    users: Arc<Users>,
    number: u64,
}

impl Drop for User {
    fn drop(&mut self) {
        let mut list = held(&self.users.0);
        list.now.retain(|(number, _)| *number != self.number);
    }
}

/// A model while somebody uses it.
pub(super) struct InUse {
    // Given back first: who comes next must find it unused.
    pub(super) model: Arc<dyn LanguageModel>,
    pub(super) _user: User,
}

impl Deref for InUse {
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
        let users = Arc::<Users>::default();
        users.must_be_free(None).unwrap();
        let run = users.claim_run().unwrap();
        users.must_be_free(Some(&run)).unwrap();
        assert_eq!(users.claim_run().unwrap_err().code, "busy");
        let words = users.must_be_free(None).unwrap_err().message;
        assert!(words.contains("the run that is going on"), "{words}");
        let others = users.clone();
        let work = std::thread::spawn(move || {
            let user = others.add(Doing::Trying);
            let words = others.must_be_free(Some(&run)).unwrap_err().message;
            assert!(words.contains("being tried"), "{words}");
            drop(user);
            others.must_be_free(Some(&run)).unwrap();
            let _lost = others.add(Doing::Measuring);
            let _list = others.0.lock().unwrap();
            panic!("with the lock held");
        });
        assert!(work.join().is_err());
        users.must_be_free(None).unwrap();
        users.claim_run().unwrap();
    }
}
