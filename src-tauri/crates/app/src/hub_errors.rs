//! What people are told of the hub's errors; `pmpo_hub` stands alone and knows no sentences.

use pmpo_core::message;
use pmpo_core::message::{Message, Param};
use pmpo_hub::HubError;

use crate::AppError;

impl From<HubError> for AppError {
    fn from(error: HubError) -> Self {
        message(&error).into()
    }
}

fn message(error: &HubError) -> Message {
    use HubError as E;
    match error {
        E::BadName { name, why } => message!("hub.name", name = name, why = *why),
        E::BadEndpoint { endpoint } => message!("hub.endpoint", endpoint = endpoint),
        E::NoHome => message!("hub.no_home"),
        E::NoNetwork { host, why } => message!("hub.no_network", host = host, why = why),
        E::NotAHub { host, why } => message!("hub.not_a_hub", host = host, why = why),
        E::SignIn { repo } => message!("hub.sign_in", repo = repo.to_string()),
        E::BadToken => message!("hub.token"),
        E::Gated {
            repo,
            address,
            signed_in: false,
        } => message!("hub.gated", repo = repo.to_string(), address = address),
        E::Gated {
            repo,
            address,
            signed_in: true,
        } => message!(
            "hub.gated_for_account",
            repo = repo.to_string(),
            address = address
        ),
        E::Forbidden { repo } => message!("hub.forbidden", repo = repo.to_string()),
        E::NoRepo { repo } => message!("hub.no_repo", repo = repo.to_string()),
        E::NoFile { repo, file } => {
            message!("hub.no_file", repo = repo.to_string(), file = file)
        }
        E::Busy { repo } => message!("hub.busy", repo = repo.to_string()),
        E::TooManyRequests { seconds } => message!("hub.wait", seconds = *seconds),
        E::Failing { host, status } => message!("hub.failing", host = host, status = *status),
        E::Broken {
            host,
            why: "stands still",
        } => message!("hub.stalled", host = host),
        E::Broken { host, .. } => message!("hub.cut", host = host),
        E::BadRedirect { host } => message!("hub.redirect", host = host),
        E::WrongSize { file } => message!("hub.size", file = file),
        E::WrongChecksum { file } => message!("hub.checksum", file = file),
        E::Changed { file } => message!("hub.changed", file = file),
        E::NoSpace {
            folder,
            needed,
            free,
        } => message!(
            "hub.no_space",
            folder = folder,
            needed = *needed,
            free = *free
        ),
        E::DiskFull { folder } => message!("hub.full", folder = folder),
        E::Folder { path, kind, why } => {
            let known = Param::from(&std::io::Error::from(*kind));
            let why = match known {
                Param::Message(known) => known.into(),
                _ => Param::from(why),
            };
            message!("hub.folder", path = path, why = why)
        }
        E::Ended => message!("hub.ended"),
    }
}
