//! The parts of `crash`: the process that is killed, the shim below it, and the look at what is left.

mod child;
mod parent;
mod server;
mod shim;
mod tables;
mod target;
mod verify;

pub(crate) use child::{ChildArguments, run as run_child};
pub(crate) use parent::{Acknowledged, Ended, Killer, Victim};
pub(crate) use server::Server;
pub(crate) use shim::Shim;
pub(crate) use target::Target;
pub(crate) use verify::{Verdict, look, verify};

use autocrm_core::id::{TenantId, UserId};
use autocrm_storage::sqlite::Synchronous;

/// How many writes are under way at once.
const WRITERS: usize = 32;

/// Who writes in the run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast {
    pub(crate) tenant: TenantId,
    pub(crate) admin: UserId,
    pub(crate) customer: UserId,
}

/// Reads the name of a setting as the command line has it.
pub(crate) fn synchronous(name: Setting) -> Synchronous {
    match name {
        Setting::Full => Synchronous::Full,
        Setting::Normal => Synchronous::Normal,
        Setting::Off => Synchronous::Off,
    }
}

/// When a commit counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Setting {
    /// Synced before it is answered.
    Full,
    /// Synced now and then.
    Normal,
    /// Never synced: shows that the run detects what is lost.
    Off,
}

impl Setting {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Normal => "normal",
            Self::Off => "off",
        }
    }
}

/// Returns the subject of ticket `number`, by which it is recognised.
pub(crate) fn subject(number: usize) -> String {
    format!("write {number}")
}

/// Returns the texts of the first message and of the reply of ticket `number`; their second word is found by search.
pub(crate) fn texts(number: usize) -> [String; 2] {
    [format!("first a{number}z of the conversation"), format!("second b{number}z of the conversation")]
}
