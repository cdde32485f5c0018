//! Which server takes the mail, and how it is spoken to.

use std::{fmt, net::IpAddr, time::Duration};

use url::{Host, Url};

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (RFC 8314, section 3.3); the usual port is 465.
    Implicit,
    /// `STARTTLS` (RFC 3207) before anything else is said, or no mail leaves; the usual port is 587.
    StartTls,
    /// None: for a server on this machine or in a network of one's own; the usual port is 25.
    None,
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmtpConfigError {
    /// The text is no URL of the form that [`SmtpConfig::from_url`] states.
    #[error("not an SMTP server: expected smtps://USER:PASSWORD@HOST:PORT or smtp://… with STARTTLS")]
    Malformed,
    /// Without TLS a password would cross the network in the clear.
    #[error("a password needs TLS unless the server is on this machine")]
    PasswordInTheClear,
    /// The certificate is not PEM.
    #[error("the root certificate is not in PEM form")]
    Certificate,
}

/// Which server takes the mail, and how it is spoken to.
#[derive(Clone)]
pub struct SmtpConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: SmtpSecurity,
    pub(super) credentials: Option<(String, String)>,
    pub(super) hello: Option<String>,
    pub(super) roots: Vec<Vec<u8>>,
    pub(super) connections: u16,
    pub(super) timeout: Duration,
    pub(super) deadline: Duration,
}

impl SmtpConfig {
    /// The usual number of connections.
    pub const CONNECTIONS: u16 = 8;
    /// The usual wait for one answer of the server. RFC 5321, section 4.5.3.2, would have a client wait longer; the mail
    /// is tried again later instead.
    pub const TIMEOUT: Duration = Duration::from_mins(1);
    /// The usual wait for a whole mail.
    pub const DEADLINE: Duration = Duration::from_mins(5);

    /// Reads a server from a URL.
    ///
    /// * `smtps://USER:PASSWORD@HOST[:465]` speaks TLS from the first byte,
    /// * `smtp://USER:PASSWORD@HOST[:587]` begins TLS with `STARTTLS` and refuses a server without it,
    /// * `smtp://HOST[:25]?tls=none` speaks without TLS; only a server on this machine gets a password then.
    ///
    /// User and password may be left out; both are percent-encoded. There is no way to skip the check of the certificate.
    ///
    /// # Errors
    /// `Malformed` for any other text, `PasswordInTheClear` as stated.
    pub fn from_url(text: &str) -> Result<Self, SmtpConfigError> {
        let malformed = SmtpConfigError::Malformed;
        let url = Url::parse(text).map_err(|_| malformed)?;
        let security = match (url.scheme(), url.query()) {
            ("smtps", None) => SmtpSecurity::Implicit,
            ("smtp", None) => SmtpSecurity::StartTls,
            ("smtp", Some("tls=none")) => SmtpSecurity::None,
            _ => return Err(malformed),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(malformed)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(malformed);
        }
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => Some((decoded(user)?, decoded(password)?)),
            _ => return Err(malformed),
        };
        if security == SmtpSecurity::None && credentials.is_some() && !is_local(&url) {
            return Err(SmtpConfigError::PasswordInTheClear);
        }
        let usual = match security {
            SmtpSecurity::Implicit => 465,
            SmtpSecurity::StartTls => 587,
            SmtpSecurity::None => 25,
        };
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(usual),
            security,
            credentials,
            hello: None,
            roots: Vec::new(),
            connections: Self::CONNECTIONS,
            timeout: Self::TIMEOUT,
            deadline: Self::DEADLINE,
        })
    }

    /// Returns the name and port of the server.
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Returns how the connection is protected.
    pub fn security(&self) -> SmtpSecurity {
        self.security
    }

    /// Sets the name that the desk's machine calls itself (RFC 5321, section 4.1.1.1); its address unless set.
    #[must_use]
    pub fn hello(mut self, name: impl Into<String>) -> Self {
        self.hello = Some(name.into());
        self
    }

    /// Trusts the authority of this certificate (PEM) besides those of the operating system.
    ///
    /// # Errors
    /// `Certificate` if it is not in PEM form.
    pub fn root_certificate(mut self, pem: &[u8]) -> Result<Self, SmtpConfigError> {
        lettre::transport::smtp::client::Certificate::from_pem(pem)
            .map_err(|_| SmtpConfigError::Certificate)?;
        self.roots.push(pem.to_vec());
        Ok(self)
    }

    /// Sets how many connections are used at once, 1..=100; brought into range.
    #[must_use]
    pub fn connections(mut self, connections: u16) -> Self {
        self.connections = connections.clamp(1, 100);
        self
    }

    /// Sets how long one answer of the server may take, and how long a whole mail, both at least 1 ms.
    #[must_use]
    pub fn timeouts(mut self, answer: Duration, mail: Duration) -> Self {
        self.timeout = answer.max(Duration::from_millis(1));
        self.deadline = mail.max(Duration::from_millis(1));
        self
    }
}

fn decoded(text: &str) -> Result<String, SmtpConfigError> {
    let bytes = percent_encoding::percent_decode_str(text);
    let text = bytes.decode_utf8().map_err(|_| SmtpConfigError::Malformed)?;
    if text.chars().any(char::is_control) { Err(SmtpConfigError::Malformed) } else { Ok(text.into_owned()) }
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        // A scheme that is not special has its IPv4 addresses as names.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("signs_in", &self.credentials.is_some())
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_required_unless_told_otherwise() {
        let read = |text| SmtpConfig::from_url(text).unwrap();
        let implicit = read("smtps://ann:p%40ss@mail.example.org");
        assert_eq!((implicit.security, implicit.port), (SmtpSecurity::Implicit, 465));
        assert_eq!(implicit.credentials, Some(("ann".to_owned(), "p@ss".to_owned())));
        let upgraded = read("smtp://mail.example.org");
        assert_eq!((upgraded.security, upgraded.port), (SmtpSecurity::StartTls, 587));
        let plain = read("smtp://mail.example.org:2525?tls=none");
        assert_eq!((plain.security, plain.port), (SmtpSecurity::None, 2525));
        assert!(read("smtp://ann:pass@127.0.0.1?tls=none").credentials.is_some());
        assert!(read("smtp://ann:pass@[::1]?tls=none").credentials.is_some());
    }

    #[test]
    fn bad_servers_are_refused() {
        let refusal = |text| SmtpConfig::from_url(text).unwrap_err();
        for text in [
            "",
            "mail.example.org",
            "http://mail.example.org",
            "smtp://",
            "smtp://mail.example.org?tls=opportunistic",
            "smtps://mail.example.org?tls=none",
            "smtps://ann@mail.example.org",
            "smtps://mail.example.org/path",
            "smtps://ann:a%0D%0Ab@mail.example.org",
        ] {
            assert_eq!(refusal(text), SmtpConfigError::Malformed, "{text}");
        }
        assert_eq!(refusal("smtp://ann:pass@mail.example.org?tls=none"), SmtpConfigError::PasswordInTheClear);
    }

    #[test]
    fn a_password_is_never_shown() {
        let config = SmtpConfig::from_url("smtps://ann:secret@mail.example.org").unwrap();
        assert!(!format!("{config:?}").contains("secret"));
    }
}
