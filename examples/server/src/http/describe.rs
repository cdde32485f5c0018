//! The description of the interface (OpenAPI), made from the code.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        self, ContentBuilder, Ref, RefOr, ResponseBuilder,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::http::{Shared, problem::Problem};

/// The interface as a whole.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "AutoCRM desk",
        version = "1",
        description = "Tickets, conversations and the assistant of a desk. Bodies are JSON of at most 1,310,720 bytes; \
                       unknown fields are refused. Errors are `application/problem+json` (RFC 9457) with a stable \
                       `code`. What the caller may not see is answered like what does not exist.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem)),
    modifiers(&Bearer),
    tags(
        (name = "tickets", description = "What customers ask for"),
        (name = "conversations", description = "What is said on a ticket"),
        (name = "ai", description = "What the assistant makes of a text; nothing is stored"),
        (name = "health", description = "Whether the desk works")
    )
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("bearer", scheme);
    }
}

/// Returns the description without its paths.
pub(crate) fn document() -> openapi::OpenApi {
    Document::openapi()
}

/// Returns a description as text.
pub(crate) fn to_json(document: &openapi::OpenApi) -> String {
    document.to_pretty_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the description of the interface could not be written");
        "{}".to_owned()
    })
}

pub(crate) async fn serve(State(shared): State<Shared>) -> Response {
    ([(CONTENT_TYPE, "application/json")], shared.document.clone()).into_response()
}

fn problems(statuses: &[(&str, &str)]) -> BTreeMap<String, RefOr<openapi::Response>> {
    let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = |what: &str| {
        ResponseBuilder::new().description(what).content("application/problem+json", content()).build()
    };
    statuses.iter().map(|(status, what)| ((*status).to_owned(), RefOr::T(response(what)))).collect()
}

/// The problems of the routes that anybody may ask.
pub(crate) struct HealthProblems;

impl IntoResponses for HealthProblems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        problems(&[("503", "It does not work at the moment; see `Retry-After`")])
    }
}

/// The problems of every route that needs a token.
pub(crate) struct ReadProblems;

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        problems(&[
            ("400", "The query is malformed, or the cursor was not given for this list (`bad_cursor`)"),
            ("401", "Nobody vouches for the request"),
            ("403", "The caller sees it, yet may not do this"),
            ("404", "There is no such thing within the caller's sight"),
            ("422", "A value is outside of its limits"),
            ("429", "Too much waits; see `Retry-After`"),
            ("503", "Try again later; see `Retry-After`"),
        ])
    }
}

/// The problems of every route that changes something.
pub(crate) struct WriteProblems;

impl IntoResponses for WriteProblems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let mut all = ReadProblems::responses();
        all.extend(problems(&[
            ("400", "The JSON is malformed, holds an unknown field, or a header is invalid"),
            ("409", "The command does not fit what is stored"),
            ("412", "The ticket has changed since the version of `If-Match`"),
            ("413", "The body is too large"),
            ("415", "The body is not `application/json`"),
            ("422", "The command is refused, or the `Idempotency-Key` was used for another request"),
        ]));
        all
    }
}
