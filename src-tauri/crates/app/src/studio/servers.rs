//! Servers of the person's own.

use super::Studio;
use crate::models::ModelRef;
use crate::wire::{ServerTyped, ServerView};
use crate::AppError;

impl Studio {
    /// Servers that were checked. May wait for the keyring.
    pub fn servers(&self) -> Result<Vec<ServerView>, AppError> {
        self.servers.all()
    }

    /// Connects to a server, finds out what it can do, and keeps that. Its key goes to
    /// the keyring once the server has taken it.
    pub async fn check_server(&self, typed: ServerTyped) -> Result<ServerView, AppError> {
        let view = self.servers.check(typed).await?;
        // One that was made from an earlier report, or with another key, is not used on.
        let named = ModelRef::from(view.path.as_str());
        self.models.forget_one(&named).await;
        Ok(view)
    }

    /// Ends the check of a server that is going on, if any.
    pub fn cancel_server_check(&self) {
        self.servers.cancel_check();
    }

    /// Forgets a server, and its key where no other entry has its address.
    pub fn remove_server(&self, path: &str) -> Result<(), AppError> {
        match ModelRef::from(path) {
            ModelRef::Server(number) => self.servers.remove(number),
            _ => Ok(()),
        }
    }
}
