//! What Resend tells by webhooks: who sent it is proved first, then it is read.

mod event;
mod verify;

pub use event::{EventError, ReceivedMail, ResendEvent};
pub use verify::{SignedHeaders, WebhookKey, WebhookRefusal, WebhookVerifier};
