//! Where Resend is, and who asks.

use std::{fmt, time::Duration};

use reqwest::Url;

/// A key of Resend's interface, shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps a key of 1..=200 visible ASCII characters; white space around it is removed.
    ///
    /// # Errors
    /// `Key` for any other text.
    pub fn new(key: impl AsRef<str>) -> Result<Self, ResendConfigError> {
        let bare = key.as_ref().trim();
        let good = (1..=200).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(Self(bare.to_owned())) } else { Err(ResendConfigError::Key) }
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResendConfigError {
    /// The key is empty, too long or not visible ASCII.
    #[error("not a key of Resend: expected 1 to 200 visible ASCII characters")]
    Key,
    /// The address of the interface is not an `https` URL; `http` is for this machine only.
    #[error("not an address for keys: expected https://HOST, or http:// on this machine")]
    BaseUrl,
}

/// Where Resend is, and how fast it is asked.
#[derive(Debug, Clone)]
pub struct ResendConfig {
    pub(super) key: ApiKey,
    /// The URL of the interface, without a slash at its end.
    pub(super) base: String,
    pub(super) per_second: u16,
    pub(super) timeout: Duration,
}

impl ResendConfig {
    /// The requests per second unless set. Resend counts per team, whatever the key.
    pub const PER_SECOND: u16 = 5;
    /// The wait for one answer unless set.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// Returns the usual configuration.
    pub fn new(key: ApiKey) -> Self {
        let base = "https://api.resend.com".to_owned();
        Self { key, base, per_second: Self::PER_SECOND, timeout: Self::TIMEOUT }
    }

    /// Sets where the interface is.
    ///
    /// # Errors
    /// `BaseUrl` unless it is `https`, or `http` on this machine.
    pub fn base_url(mut self, text: &str) -> Result<Self, ResendConfigError> {
        let url = Url::parse(text).map_err(|_| ResendConfigError::BaseUrl)?;
        if !is_safe(&url) || url.query().is_some() || url.fragment().is_some() {
            return Err(ResendConfigError::BaseUrl);
        }
        url.as_str().trim_end_matches('/').clone_into(&mut self.base);
        Ok(self)
    }

    /// Sets how many requests are begun per second, at least 1. What Resend's answers say goes first.
    #[must_use]
    pub fn per_second(mut self, requests: u16) -> Self {
        self.per_second = requests.max(1);
        self
    }

    /// Sets how long one answer may take, at least 1 ms.
    #[must_use]
    pub fn timeout(mut self, wait: Duration) -> Self {
        self.timeout = wait.max(Duration::from_millis(1));
        self
    }

    /// Returns the URL of a path below the interface.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }
}

/// Returns whether a secret may travel to the URL.
pub(super) fn is_safe(url: &Url) -> bool {
    let on_this_machine = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || url.scheme() == "http" && on_this_machine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_travel_protected_or_not_at_all() {
        let config = || ResendConfig::new(ApiKey::new(" re_secret\n").unwrap());
        for good in ["https://api.resend.com", "http://127.0.0.1:4010", "http://localhost/resend/"] {
            assert!(config().base_url(good).is_ok(), "{good}");
        }
        for bad in
            ["", "http://api.resend.com", "ftp://127.0.0.1", "http://127.0.0.1.example.org", "https://h/?a"]
        {
            assert_eq!(config().base_url(bad).unwrap_err(), ResendConfigError::BaseUrl, "{bad}");
        }
        assert_eq!(config().url("emails"), "https://api.resend.com/emails");
        let nested = config().base_url("http://localhost/resend/").unwrap();
        assert_eq!(nested.url("emails/batch"), "http://localhost/resend/emails/batch");
        assert!(!format!("{nested:?}").contains("re_secret"));
        assert!(ApiKey::new("").is_err() && ApiKey::new("a\nb").is_err());
    }
}
