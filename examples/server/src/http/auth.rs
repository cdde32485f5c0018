//! Who asks: a principal for each request.

use std::fmt;

use autocrm_core::id::{TenantId, UserId};
use axum::http::{header::AUTHORIZATION, request::Parts};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

/// The user on whose behalf a request is made. Role and teams are read anew for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
}

/// Tells who makes a request. A host implements it over its own sessions; a closure will do.
pub trait Authenticator: Send + Sync + 'static {
    /// Returns the user, or `None` for a request that nobody vouches for.
    fn principal(&self, request: &Parts) -> Option<Principal>;
}

impl<F: Fn(&Parts) -> Option<Principal> + Send + Sync + 'static> Authenticator for F {
    fn principal(&self, request: &Parts) -> Option<Principal> {
        self(request)
    }
}

/// Bearer tokens (RFC 6750) and whom they let in. Only SHA-256 hashes are kept, which is enough for random tokens.
#[derive(Clone, Default)]
pub struct BearerTokens {
    known: Vec<([u8; 32], Principal)>,
}

impl BearerTokens {
    /// Lets a user in with a token. It has to be random, of at least 128 bits: its hash is not slow.
    pub fn admit(&mut self, token: &str, principal: Principal) {
        self.known.push((Sha256::digest(token).into(), principal));
    }

    /// Returns whom the token lets in. Every known token is compared, in constant time.
    fn find(&self, token: &str) -> Option<Principal> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let mut found = 0_u64;
        let mut any = Choice::from(0);
        for (index, (known, _)) in self.known.iter().enumerate() {
            let same = known.ct_eq(&hash);
            let index = u64::try_from(index).unwrap_or(u64::MAX);
            found.conditional_assign(&index, same);
            any |= same;
        }
        if bool::from(any) {
            self.known.get(usize::try_from(found).ok()?).map(|(_, user)| *user)
        } else {
            None
        }
    }
}

impl fmt::Debug for BearerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerTokens").field("known", &self.known.len()).finish()
    }
}

impl Authenticator for BearerTokens {
    fn principal(&self, request: &Parts) -> Option<Principal> {
        let mut headers = request.headers.get_all(AUTHORIZATION).iter();
        let (value, None) = (headers.next()?.to_str().ok()?, headers.next()) else { return None };
        let (scheme, token) = value.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") { self.find(token.trim_start()) } else { None }
    }
}
