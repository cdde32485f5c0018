//! The bearer tokens of the demo tenant.

use std::fs;

use autocrm_core::{
    id::{TenantId, UserId},
    user::Role,
};
use autocrm_server::{BearerTokens, Principal};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use crate::desk::{DataFolder, Failure, Result, folder};

/// A token and the user whom it lets in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DemoToken {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) user: UserId,
    pub(crate) token: String,
}

/// The demo tenant and its tokens, as they are kept in a file of mode 0600: they are printed at every start, which
/// hashes could not be.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DemoTokens {
    pub(crate) tenant: TenantId,
    pub(crate) tokens: Vec<DemoToken>,
}

impl DemoToken {
    /// Makes a token of 256 random bits.
    pub(crate) fn random(name: &str, role: Role, user: UserId) -> Result<Self> {
        let token = format!("acrm_{}", BASE64URL_NOPAD.encode(&folder::random()?));
        Ok(Self { name: name.to_owned(), role, user, token })
    }
}

impl DemoTokens {
    /// Reads the file; `None` where there is none yet.
    pub(crate) fn load(folder: &DataFolder) -> Result<Option<Self>> {
        let path = folder.tokens();
        if !path.exists() {
            return Ok(None);
        }
        let bytes = fs::read(&path).map_err(Failure::file(&path))?;
        match serde_json::from_slice(&bytes) {
            Ok(tokens) => Ok(Some(tokens)),
            Err(error) => Err(Failure::Damaged { path, problem: error.to_string() }),
        }
    }

    /// Writes the file.
    pub(crate) fn store(&self, folder: &DataFolder) -> Result<()> {
        let path = folder.tokens();
        match serde_json::to_vec_pretty(self) {
            Ok(bytes) => folder.write_secret(&path, &bytes),
            Err(error) => Err(Failure::Damaged { path, problem: error.to_string() }),
        }
    }

    /// Returns the first user with the role.
    pub(crate) fn user(&self, role: Role) -> Result<UserId> {
        let found = self.tokens.iter().find(|token| token.role == role).map(|token| token.user);
        found.ok_or_else(|| Failure::Usage(format!("the demo tenant has no {}", role.as_str())))
    }

    /// Returns what the HTTP interface checks: it keeps hashes only.
    pub(crate) fn bearer(&self) -> BearerTokens {
        let mut bearer = BearerTokens::default();
        for token in &self.tokens {
            bearer.admit(&token.token, Principal { tenant: self.tenant, user: token.user });
        }
        bearer
    }
}
