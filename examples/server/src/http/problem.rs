//! Errors on the wire: `application/problem+json` (RFC 9457) with stable codes.

use std::{borrow::Cow, time::Duration};

use autocrm_core::{
    app::Error,
    error::{Error as PortError, ErrorKind, Retry},
    knowledge::ArticleRefusal,
    team::TeamRefusal,
    ticket::TicketRefusal,
    user::UserRefusal,
};
use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A problem, as a caller reads it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(title = "Problem")]
pub(crate) struct Problem {
    /// Names the kind of problem: `urn:autocrm:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code.
    code: &'static str,
    /// What is wrong with this request.
    detail: Cow<'static, str>,
    #[serde(skip)]
    #[schema(ignore)]
    retry_after: Option<Duration>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: format!("urn:autocrm:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing")
    }

    pub(crate) fn unauthenticated() -> Self {
        let detail = "a valid bearer token is needed";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// Something that may work again soon.
    pub(crate) fn unavailable(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).after(Duration::from_secs(1))
    }

    /// A failure that tells the caller nothing about its cause.
    fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request could not be served")
    }

    fn after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    fn of_port(error: &PortError) -> Self {
        let pause = match error.retry_advice() {
            Retry::Later(pause) => pause,
            Retry::Never | Retry::FromFreshLoad => Duration::from_secs(1),
        };
        let code = error.code();
        match error.kind() {
            ErrorKind::NotFound => Self::not_found(),
            ErrorKind::Conflict => {
                Self::new(StatusCode::CONFLICT, code, "what is stored has changed meanwhile").after(pause)
            }
            ErrorKind::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                code,
                "the Idempotency-Key was used for another request",
            ),
            ErrorKind::LimitExceeded | ErrorKind::Invalid => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, "a value is outside of its limits")
            }
            ErrorKind::Overloaded => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, code, "too much waits; try again later").after(pause)
            }
            ErrorKind::Unavailable | ErrorKind::Timeout => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, code, "try again later").after(pause)
            }
            _ => {
                tracing::error!(%error, "a request failed");
                Self::internal()
            }
        }
    }
}

impl From<PortError> for Problem {
    fn from(error: PortError) -> Self {
        Self::of_port(&error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Port(port) => return Self::of_port(port),
            Error::NotFound { .. } => return Self::not_found(),
            Error::Denied | Error::SwitchedOff { .. } | Error::Ticket(TicketRefusal::StaffOnly(_)) => {
                StatusCode::FORBIDDEN
            }
            Error::Ticket(TicketRefusal::Stale { .. }) => StatusCode::PRECONDITION_FAILED,
            Error::Contended => {
                return Self::new(StatusCode::CONFLICT, error.code(), error.to_string())
                    .after(Duration::from_secs(1));
            }
            Error::QueueEmpty
            | Error::Ticket(TicketRefusal::IllegalMove { .. } | TicketRefusal::AgentFull)
            | Error::Article(ArticleRefusal::SlugTaken)
            | Error::Team(TeamRefusal::NameTaken)
            | Error::User(UserRefusal::EmailTaken | UserRefusal::ExternalIdTaken) => StatusCode::CONFLICT,
            Error::NoAdapter { .. } => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after.map(|pause| pause.as_secs().max(1));
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"autocrm\""));
        }
        response
    }
}

/// The result of a handler.
pub(crate) type Result<T> = std::result::Result<T, Problem>;
