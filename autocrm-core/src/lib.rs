//! The helpdesk as a library: nouns, policy, atomic change sets, ports, use cases and the worker of AutoCRM.
//!
//! A host builds an [`app::AutoCrm`] handle from its adapters and calls the facades of [`app`]. Domain functions are
//! pure, every use case commits one [`change::ChangeSet`], and every read takes an [`access::Scope`]. The modules
//! below stand in layers: each uses only modules listed before it (`tests/layering.rs` holds them to that).

pub mod id;

pub mod blob;

pub mod clock;

pub mod error;

pub mod text;

pub mod page;

pub mod transition;

pub mod tenant;

pub mod access;

pub mod user;

pub mod team;

pub mod ticket;

pub mod conversation;

pub mod routing;

pub mod knowledge;

pub mod assist;

pub mod mail;

pub mod notify;

pub mod metrics;

pub mod change;

pub mod port;

pub mod memory;

pub mod app;

pub mod worker;

// Before `conformance`: the suites build their worlds with its fixtures.
#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "conformance")]
pub mod conformance;
