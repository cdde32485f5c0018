//! What Resend tells by webhooks.

use std::fmt;

use autocrm_core::{
    app::AutoCrm,
    clock::{Clock as _, SystemClock},
    text::ExternalId,
};
use autocrm_email::{
    resend::ResendInbox,
    webhook::{ResendEvent, SignedHeaders, WebhookVerifier},
};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};

use super::{Shared, problem::Problem};

/// What the route `/webhooks/resend` needs: whom to believe, and where mails that came in are fetched.
#[derive(Clone)]
pub struct ResendWebhooks {
    verifier: WebhookVerifier,
    inbox: Option<ResendInbox>,
}

impl ResendWebhooks {
    /// Believes what the verifier believes. Without an inbox, mails that came in are left at Resend.
    pub fn new(verifier: WebhookVerifier, inbox: Option<ResendInbox>) -> Self {
        Self { verifier, inbox }
    }
}

impl fmt::Debug for ResendWebhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResendWebhooks").field("inbox", &self.inbox.is_some()).finish_non_exhaustive()
    }
}

/// Answers 204 to what was taken note of and to what does not concern the desk, 401 to what is not believed, and 503 to
/// what is to be told again.
pub(super) async fn resend(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let Some(webhooks) = &shared.options.webhooks else { return Err(Problem::not_found()) };
    let refused = |code| Problem::new(StatusCode::UNAUTHORIZED, code, "the webhook is not believed");
    let single = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    let signed = SignedHeaders::pick(single).ok_or_else(|| refused("webhook_malformed"))?;
    let now = SystemClock.now();
    webhooks.verifier.verify(&signed, &body, now).map_err(|error| refused(error.code()))?;
    let unreadable =
        |_| Problem::new(StatusCode::BAD_REQUEST, "webhook_unreadable", "the body is no event of Resend");
    let id = ExternalId::new(signed.id).map_err(|_| refused("webhook_malformed"))?;
    let event = ResendEvent::read(&id, &body, now).map_err(unreadable)?;
    take(&shared.crm, webhooks, event).await.map_err(|error| {
        tracing::warn!(code = error.code(), "a webhook of Resend could not be taken note of");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "tell it again later")
    })?;
    Ok(StatusCode::NO_CONTENT)
}

async fn take(crm: &AutoCrm, webhooks: &ResendWebhooks, event: ResendEvent) -> autocrm_core::app::Result<()> {
    match (event, &webhooks.inbox) {
        (ResendEvent::News(news), _) => {
            crm.mailbox().track_delivery(&news).await?;
        }
        (ResendEvent::Received(mail), Some(inbox)) => {
            inbox.receive(crm, &mail).await?;
        }
        (ResendEvent::Received(_) | ResendEvent::Other { .. }, _) => {}
    }
    Ok(())
}
