//! What handlers take from a request; every rejection is a [`Problem`].

use autocrm_core::{
    access::Actor, app::RequestKey, change::IdempotencyKey, id::Id, mail::BlobHash, text::ExternalId,
    transition::Version,
};
use axum::{
    body::HttpBody as _,
    extract::{FromRequest, FromRequestParts, OriginalUri, Path, Query, Request},
    http::{
        HeaderMap, HeaderName, Method, StatusCode,
        header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH},
        request::Parts,
    },
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::http::{
    Shared,
    problem::{Problem, Result},
};

/// Names a request, so that its repetition changes nothing
/// (draft-ietf-httpapi-idempotency-key-header).
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The user who asks, as they are at this moment.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Actor);

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self> {
        let principal = shared.options.authenticator.principal(parts).ok_or_else(Problem::unauthenticated)?;
        match shared.crm.actor(principal.tenant, principal.user).await {
            Ok(actor) => Ok(Self(actor)),
            // The user is gone or no longer active: their token is worth nothing.
            Err(error) if error.is_not_found() => Err(Problem::unauthenticated()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The user who asks, if anybody vouches for the request; a token that is given has to be good.
#[derive(Debug, Clone)]
pub(crate) struct MaybeCaller(pub(crate) Option<Actor>);

impl FromRequestParts<Shared> for MaybeCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self> {
        if shared.options.authenticator.principal(parts).is_none() {
            return Ok(Self(None));
        }
        let Caller(actor) = Caller::from_request_parts(parts, shared).await?;
        Ok(Self(Some(actor)))
    }
}

/// An id in the path. What is no id names nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: Id> FromRequestParts<Shared> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self> {
        let taken = Path::<String>::from_request_parts(parts, shared).await;
        let Path(text) = taken.map_err(|_| Problem::not_found())?;
        Uuid::parse_str(&text).map(|uuid| Self(T::from(uuid))).map_err(|_| Problem::not_found())
    }
}

/// The query string.
#[derive(Debug, Clone)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self> {
        match Query::<T>::from_request_parts(parts, shared).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(Problem::bad_request("invalid_query", rejection.body_text())),
        }
    }
}

/// The name that the caller gave the request, with the hash that tells a repetition from another request.
#[derive(Debug, Clone)]
pub(crate) struct Keyed {
    key: Option<RequestKey>,
}

impl Keyed {
    fn read(parts: &Parts, body: &[u8]) -> Result<Self> {
        let Some(text) = single(&parts.headers, &IDEMPOTENCY_KEY)? else { return Ok(Self { key: None }) };
        let key = ExternalId::new(text).map_err(|error| {
            Problem::bad_request("idempotency_key_invalid", format!("Idempotency-Key: {error}"))
        })?;
        let path = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |uri| uri.path());
        Ok(Self { key: Some(RequestKey { key, request: request_hash(&parts.method, path, body) }) })
    }

    pub(crate) fn take(&self) -> Option<RequestKey> {
        self.key.clone()
    }

    /// Returns whether the request was answered before.
    pub(crate) async fn is_repeated(&self, shared: &Shared, actor: &Actor) -> Result<bool> {
        let Some(RequestKey { key, request }) = self.take() else { return Ok(false) };
        let scoped = IdempotencyKey { tenant: actor.tenant, principal: actor.principal(), key, request };
        Ok(shared.crm.store().receipt(&scoped).await?.is_some())
    }
}

impl FromRequestParts<Shared> for Keyed {
    type Rejection = Problem;

    /// For requests without a body.
    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self> {
        Self::read(parts, &[])
    }
}

/// Each part stands with its length, so that no two requests run into the same bytes.
fn request_hash(method: &Method, path: &str, body: &[u8]) -> BlobHash {
    let mut bytes = Vec::with_capacity(body.len() + path.len() + 32);
    for part in [method.as_str().as_bytes(), path.as_bytes(), body] {
        bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    BlobHash::of(&bytes)
}

/// A JSON body, and the name of the request.
#[derive(Debug, Clone)]
pub(crate) struct Command<T> {
    pub(crate) value: T,
    pub(crate) keyed: Keyed,
}

impl<T: DeserializeOwned> FromRequest<Shared> for Command<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self> {
        if !is_json(request.headers()) {
            let detail = "the body has to be application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        let max = shared.options.max_body;
        let too_large = || {
            let detail = format!("a body has at most {max} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
        };
        // What is announced as too large is not waited for.
        if request.body().size_hint().lower() > u64::try_from(max).unwrap_or(u64::MAX) {
            return Err(too_large());
        }
        let (parts, body) = request.into_parts();
        let kept = Parts::clone(&parts);
        let taken = Bytes::from_request(Request::from_parts(parts, body), shared).await;
        let bytes = taken.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            _ => Problem::bad_request("body_unreadable", "the body could not be read"),
        })?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let code = if error.is_data() { "invalid_body" } else { "malformed_json" };
            Problem::bad_request(code, error.to_string())
        })?;
        Ok(Self { value, keyed: Keyed::read(&kept, &bytes)? })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(Problem::bad_request("invalid_header", format!("{name} is given twice or is not text"))),
    }
}

/// The version that the caller saw (`If-Match`, RFC 9110, section 13.1.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct IfMatch(pub(crate) Option<Version>);

impl FromRequestParts<Shared> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self> {
        let Some(text) = single(&parts.headers, &IF_MATCH)? else { return Ok(Self(None)) };
        if text.trim() == "*" {
            return Ok(Self(None));
        }
        let tag = strong_tag(text).ok_or_else(|| {
            Problem::bad_request("invalid_header", "If-Match has to be one strong tag such as \"3\", or *")
        })?;
        // A well-formed tag that this server never gave matches nothing: versions begin at 1.
        let version = tag.parse().ok().filter(|version: &u64| version.to_string() == tag);
        Ok(Self(Some(Version::new(version.unwrap_or(0)))))
    }
}

fn strong_tag(text: &str) -> Option<&str> {
    let tag = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    (!tag.contains('"')).then_some(tag)
}

/// The versions that the caller has (`If-None-Match`, RFC 9110, section 13.1.2).
#[derive(Debug, Clone, Default)]
pub(crate) struct IfNoneMatch(Vec<String>);

impl IfNoneMatch {
    /// Returns whether the caller has this version.
    pub(crate) fn has(&self, version: Version) -> bool {
        let tag = format!("\"{version}\"");
        self.0.iter().any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
    }
}

impl FromRequestParts<Shared> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self> {
        let values = parts.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let tags = values.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned());
        Ok(Self(tags.collect()))
    }
}
