//! What happens, told to whoever listens.

use std::sync::Mutex;

use crate::guarded;
use crate::locks::held;
use crate::wire::ShellEvent;

/// Takes what the shell tells.
pub type ShellSink = Box<dyn Fn(ShellEvent) + Send>;

/// Tells the one who listens, if anybody does.
#[derive(Default)]
pub(crate) struct Events(Mutex<Option<ShellSink>>);

impl Events {
    /// Sets who listens from now on.
    pub(crate) fn listen(&self, sink: ShellSink) {
        *held(&self.0) = Some(sink);
    }

    /// Tells something. A sink must not ask for anything that tells.
    pub(crate) fn tell(&self, event: ShellEvent) {
        if let Some(sink) = held(&self.0).as_ref() {
            // The page's end of the line may fail; the work that tells goes on.
            let _ = guarded(|| sink(event));
        }
    }
}
