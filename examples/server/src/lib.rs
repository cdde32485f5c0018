//! The HTTP interface of an AutoCRM desk, as a router to serve or to nest into a host's own.
//!
//! ```
//! use autocrm_core::{app::AutoCrm, memory::MemoryStore};
//! use autocrm_server::{BearerTokens, CursorKey, Options, router};
//! use axum::Router;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let crm = AutoCrm::builder().store(MemoryStore::new()).build()?;
//! let secret = CursorKey::new(vec![7; 32]).ok_or("at least 32 bytes")?;
//! let desk = router(crm, Options::new(BearerTokens::default(), secret));
//! let app: Router = Router::new().nest("/support", desk);
//! # Ok(())
//! # }
//! ```

mod http;

pub use http::{
    Authenticator, BearerTokens, CursorKey, MAX_BODY, Options, Principal, ResendWebhooks, openapi_json,
    router,
};
