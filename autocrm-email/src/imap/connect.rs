//! The connection to the server: TLS from the first byte, then the login.

use std::{fmt, sync::Arc};

use async_imap::{Authenticator, Client, Session};
use autocrm_core::error::{Error, ErrorKind, Result};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, crypto::aws_lc_rs, pki_types::ServerName},
};

use super::ImapConfig;

const CONNECT: &str = "connect_imap";

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// TLS from the first byte (RFC 8314), with a certificate that the operating system trusts.
    #[default]
    Tls,
    /// Not at all: everybody on the way reads the password. For servers on the same machine.
    Plain,
}

/// How the user is known to the server.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// By a password.
    Password(String),
    /// By an access token (XOAUTH2), which the host renews.
    AccessToken(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(…)",
            Self::AccessToken(_) => "AccessToken(…)",
        })
    }
}

/// A connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Stream for T {}

/// Turns the client's failures into the port's: a lost connection may come back, a refusal may not.
pub(super) trait Failed<T> {
    fn failed(self, operation: &'static str) -> Result<T>;
}

impl<T> Failed<T> for async_imap::error::Result<T> {
    fn failed(self, operation: &'static str) -> Result<T> {
        self.map_err(|error| {
            let kind = match &error {
                async_imap::error::Error::No(_)
                | async_imap::error::Error::Bad(_)
                | async_imap::error::Error::Validate(_) => ErrorKind::Invalid,
                _ => ErrorKind::Unavailable,
            };
            Error::new(kind, operation).source(error)
        })
    }
}

struct Token {
    user: String,
    token: String,
}

impl Authenticator for Token {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        format!("user={}\u{1}auth=Bearer {}\u{1}\u{1}", self.user, self.token)
    }
}

/// Connects and logs in.
pub(super) async fn open(config: &ImapConfig) -> Result<Session<Box<dyn Stream>>> {
    let away = |error: std::io::Error| Error::new(ErrorKind::Unavailable, CONNECT).source(error);
    let plain = TcpStream::connect((config.host.as_str(), config.port)).await.map_err(away)?;
    // Commands are short and wait for their answers.
    plain.set_nodelay(true).map_err(away)?;
    let stream: Box<dyn Stream> = match config.security {
        Security::Plain => Box::new(plain),
        Security::Tls => {
            let name = ServerName::try_from(config.host.clone())
                .map_err(|error| Error::new(ErrorKind::Invalid, CONNECT).source(error))?;
            Box::new(connector()?.connect(name, plain).await.map_err(away)?)
        }
    };
    let mut client = Client::new(stream);
    client.read_response().await.map_err(away)?;
    let session = match &config.login {
        Login::Password(password) => client.login(&config.user, password).await,
        Login::AccessToken(token) => {
            let token = Token { user: config.user.clone(), token: token.clone() };
            client.authenticate("XOAUTH2", token).await
        }
    };
    session.map_err(|(error, _)| error).failed(CONNECT)
}

fn connector() -> Result<TlsConnector> {
    let invalid = |error| Error::new(ErrorKind::Invalid, CONNECT).source(error);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(invalid)?
        .with_platform_verifier()
        .map_err(invalid)?
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
