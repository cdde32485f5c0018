//! Signed cursors: where a page begins, bound to tenant, user, list and filter.

use autocrm_core::{
    access::Actor,
    page::{Cursor, MAX_PAGE, Page, PageRequest},
};
use axum::http::{HeaderValue, Uri};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::http::problem::{Problem, Result};

const LABEL: &[u8] = b"autocrm cursor v1";
const POSITION: usize = 24;
const SEAL: usize = 16;

/// The secret that signs cursors; shown nowhere.
#[derive(Clone)]
pub struct CursorKey(Vec<u8>);

impl CursorKey {
    /// Wraps a secret; `None` below 32 bytes.
    pub fn new(secret: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = secret.into();
        (bytes.len() >= 32).then_some(Self(bytes))
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// A list as one caller reads it: its cursors are worth nothing elsewhere.
#[derive(Debug)]
pub(crate) struct Pager<'a> {
    key: &'a CursorKey,
    actor: &'a Actor,
    /// The list's name and every filter, in a fixed order.
    list: String,
}

impl<'a> Pager<'a> {
    pub(crate) fn new(key: &'a CursorKey, actor: &'a Actor, list: String) -> Self {
        Self { key, actor, list }
    }

    /// Returns the page that is asked for; the limit is 1..=200, 50 unless given.
    pub(crate) fn request(&self, limit: Option<u16>, cursor: Option<&str>) -> Result<PageRequest> {
        let limit = limit.unwrap_or(50);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Problem::bad_request("invalid_query", format!("limit has to be 1 to {MAX_PAGE}")));
        }
        match cursor {
            None => Ok(PageRequest::first(limit)),
            Some(text) => Ok(PageRequest::after(self.open(text).ok_or_else(bad_cursor)?, limit)),
        }
    }

    fn seal(&self, position: &[u8]) -> [u8; SEAL] {
        let mut seal = [0; SEAL];
        // HMAC takes a key of any length (RFC 2104), so this never fails.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key.0) else { return seal };
        mac.update(LABEL);
        mac.update(self.actor.tenant.as_uuid().as_bytes());
        for part in [self.actor.principal().as_bytes(), self.list.as_bytes(), position] {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        for (to, from) in seal.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        seal
    }

    fn open(&self, text: &str) -> Option<Cursor> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        if bytes.len() != POSITION + SEAL {
            return None;
        }
        let (position, seal) = bytes.split_at_checked(POSITION)?;
        if !bool::from(self.seal(position).ct_eq(seal)) {
            return None;
        }
        let (key, id) = position.split_first_chunk::<8>()?;
        Some(Cursor { key: i64::from_be_bytes(*key), id: Uuid::from_slice(id).ok()? })
    }

    /// Returns the cursor as text.
    pub(crate) fn text(&self, cursor: Cursor) -> String {
        let mut bytes = Vec::with_capacity(POSITION + SEAL);
        bytes.extend_from_slice(&cursor.key.to_be_bytes());
        bytes.extend_from_slice(cursor.id.as_bytes());
        let seal = self.seal(&bytes);
        bytes.extend_from_slice(&seal);
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// Returns the cursor of what follows a page, and the `Link` header (RFC 8288) that leads there.
    pub(crate) fn next<T>(&self, page: &Page<T>, uri: &Uri) -> (Option<String>, Option<HeaderValue>) {
        let Some(text) = page.next.map(|cursor| self.text(cursor)) else { return (None, None) };
        let kept = uri.query().unwrap_or_default().split('&');
        let mut query: Vec<&str> =
            kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")).collect();
        let last = format!("cursor={text}");
        query.push(&last);
        let link = HeaderValue::try_from(format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&")));
        (Some(text), link.ok())
    }
}

fn bad_cursor() -> Problem {
    Problem::bad_request("bad_cursor", "the cursor was not given for this list, filter and user")
}
