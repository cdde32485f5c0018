//! An SMTP server that keeps what it is given (RFC 5321), with TLS (RFC 3207, RFC 8314) and `AUTH PLAIN` (RFC 4954).

use std::{
    collections::BTreeSet,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use autocrm_core::text::EmailAddress;
use data_encoding::BASE64;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// The longest line that is read, in bytes.
const MAX_LINE: usize = 65_536;
/// The largest mail, in bytes.
const MAX_MAIL: usize = 50_000_000;

/// A mail as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkMail {
    /// The return path, without angle brackets.
    pub sender: String,
    /// The recipients of the envelope.
    pub recipients: Vec<String>,
    /// The mail, with CRLF line ends.
    pub raw: Vec<u8>,
    /// Whether it came over TLS.
    pub protected: bool,
    /// Who had signed in.
    pub user: Option<String>,
}

/// What goes wrong from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SinkTrouble {
    /// Nothing.
    #[default]
    None,
    /// Every mail is answered with this code after its text, such as 451.
    Text(u16),
    /// Every connection is greeted with this code, such as 421 or 554.
    Greeting(u16),
    /// Nothing is ever answered.
    Silence,
    /// Mails are taken and the connection is closed without an answer.
    Dropped,
}

#[derive(Debug, Default)]
struct State {
    mails: Vec<SinkMail>,
    refused: BTreeSet<String>,
    trouble: SinkTrouble,
    password: Option<(String, String)>,
    connections: usize,
}

/// How the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    StartTls,
    Implicit,
}

/// An SMTP server on a free port of this machine; ends when it is dropped.
pub struct SmtpSink {
    address: SocketAddr,
    certificate: String,
    scheme: &'static str,
    query: &'static str,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl fmt::Debug for SmtpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSink").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SmtpSink {
    /// Starts a server that speaks TLS from the first byte.
    ///
    /// # Errors
    /// If no port or certificate can be had; so for the others.
    pub async fn implicit() -> io::Result<Self> {
        Self::start(Mode::Implicit).await
    }

    /// Starts a server that offers `STARTTLS`.
    pub async fn starttls() -> io::Result<Self> {
        Self::start(Mode::StartTls).await
    }

    /// Starts a server without TLS.
    pub async fn plain() -> io::Result<Self> {
        Self::start(Mode::Plain).await
    }

    #[expect(clippy::disallowed_methods, reason = "a server of a test runs beside the test")]
    async fn start(mode: Mode) -> io::Result<Self> {
        let identity = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
            .map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![identity.cert.der().clone()], key)
            })
            .map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                lock(&shared).connections += 1;
                let (state, acceptor) = (Arc::clone(&shared), acceptor.clone());
                tokio::spawn(async move {
                    // A connection that ends early is the caller's business.
                    let _ = serve(stream, mode, &acceptor, &state).await;
                });
            }
        });
        let (scheme, query) = match mode {
            Mode::Implicit => ("smtps", ""),
            Mode::StartTls => ("smtp", ""),
            Mode::Plain => ("smtp", "?tls=none"),
        };
        Ok(Self { address, certificate: identity.cert.pem(), scheme, query, state, task })
    }

    /// Returns its URL, with a user and password where given.
    pub fn url(&self, user: Option<(&str, &str)>) -> String {
        let signed = user.map(|(name, password)| format!("{name}:{password}@")).unwrap_or_default();
        format!("{}://{signed}localhost:{}{}", self.scheme, self.address.port(), self.query)
    }

    /// Returns its certificate (PEM), which is its own authority.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Requires that users sign in with this name and password.
    pub fn require(&self, user: &str, password: &str) {
        lock(&self.state).password = Some((user.to_owned(), password.to_owned()));
    }

    /// Refuses mails to an address for good from now on.
    pub fn refuse(&self, recipient: &EmailAddress) {
        lock(&self.state).refused.insert(recipient.as_str().to_owned());
    }

    /// Makes something go wrong from now on.
    pub fn trouble(&self, trouble: SinkTrouble) {
        lock(&self.state).trouble = trouble;
    }

    /// Returns every mail that was handed over, in order.
    pub fn mails(&self) -> Vec<SinkMail> {
        lock(&self.state).mails.clone()
    }

    /// Returns how many connections were opened.
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }
}

async fn serve(
    stream: TcpStream,
    mode: Mode,
    acceptor: &TlsAcceptor,
    state: &Mutex<State>,
) -> io::Result<()> {
    if mode == Mode::Implicit {
        let protected = acceptor.accept(stream).await?;
        return Talk::new(protected, state, mode, true).run(true).await.map(drop);
    }
    let Some(bare) = Talk::new(stream, state, mode, false).run(true).await? else { return Ok(()) };
    let protected = acceptor.accept(bare).await?;
    Talk::new(protected, state, mode, true).run(false).await.map(drop)
}

/// One connection.
struct Talk<'a, S> {
    stream: BufReader<S>,
    state: &'a Mutex<State>,
    mode: Mode,
    protected: bool,
    user: Option<String>,
    sender: Option<String>,
    recipients: Vec<String>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Talk<'a, S> {
    fn new(stream: S, state: &'a Mutex<State>, mode: Mode, protected: bool) -> Self {
        let stream = BufReader::new(stream);
        Self { stream, state, mode, protected, user: None, sender: None, recipients: Vec::new() }
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await?;
        self.stream.get_mut().flush().await
    }

    /// Reads a line without its end; `None` at the end of the connection.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        loop {
            let part = self.stream.fill_buf().await?;
            if part.is_empty() {
                return Ok(None);
            }
            let end = part.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(part.len(), |at| at + 1);
            line.extend(part.iter().take(taken));
            self.stream.consume(taken);
            if line.len() > MAX_LINE {
                return Err(io::Error::other("the line is too long"));
            }
            if end.is_some() {
                while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                    line.pop();
                }
                return Ok(Some(line));
            }
        }
    }

    /// Speaks until the other side ends; returns the stream when TLS is to begin on it.
    async fn run(mut self, greet: bool) -> io::Result<Option<S>> {
        let trouble = lock(self.state).trouble;
        match trouble {
            SinkTrouble::Silence => return std::future::pending().await,
            SinkTrouble::Greeting(code) if greet => {
                self.say(&format!("{code} not now")).await?;
                return Ok(None);
            }
            _ if greet => self.say("220 sink.test ready").await?,
            _ => {}
        }
        while let Some(line) = self.line().await? {
            let text = String::from_utf8_lossy(&line).into_owned();
            let verb = text.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" | "HELO" => self.hello().await?,
                "STARTTLS" if self.mode == Mode::StartTls && !self.protected => {
                    self.say("220 go ahead").await?;
                    return Ok(Some(self.stream.into_inner()));
                }
                "AUTH" => self.sign_in(&text).await?,
                "MAIL" => self.mail(&text).await?,
                "RCPT" => self.recipient(&text).await?,
                "DATA" if !self.recipients.is_empty() => {
                    if !self.data().await? {
                        return Ok(None);
                    }
                }
                "RSET" | "NOOP" => self.say("250 ok").await?,
                "QUIT" => {
                    self.say("221 bye").await?;
                    return Ok(None);
                }
                _ => self.say("503 not here").await?,
            }
        }
        Ok(None)
    }

    async fn hello(&mut self) -> io::Result<()> {
        self.say("250-sink.test").await?;
        if self.mode == Mode::StartTls && !self.protected {
            self.say("250-STARTTLS").await?;
        }
        if lock(self.state).password.is_some() {
            self.say("250-AUTH PLAIN").await?;
        }
        self.say("250 SIZE 50000000").await
    }

    async fn sign_in(&mut self, text: &str) -> io::Result<()> {
        let token = text.get("AUTH PLAIN ".len()..).unwrap_or_default();
        let given = BASE64.decode(token.as_bytes()).unwrap_or_default();
        let wanted = lock(self.state).password.clone();
        match wanted {
            Some((user, password)) if given == format!("\0{user}\0{password}").as_bytes() => {
                self.user = Some(user);
                self.say("235 welcome").await
            }
            _ => self.say("535 5.7.8 no").await,
        }
    }

    async fn mail(&mut self, text: &str) -> io::Result<()> {
        if self.user.is_none() && lock(self.state).password.is_some() {
            return self.say("530 5.7.0 sign in first").await;
        }
        self.sender = Some(address(text));
        self.recipients.clear();
        self.say("250 ok").await
    }

    async fn recipient(&mut self, text: &str) -> io::Result<()> {
        let recipient = address(text);
        if lock(self.state).refused.contains(&recipient) {
            return self.say("550 5.1.1 no such user").await;
        }
        self.recipients.push(recipient);
        self.say("250 ok").await
    }

    /// Takes the text of a mail; `false`: the connection is closed.
    async fn data(&mut self) -> io::Result<bool> {
        self.say("354 go ahead").await?;
        let mut raw = Vec::new();
        loop {
            let Some(line) = self.line().await? else { return Ok(false) };
            if line == b"." {
                break;
            }
            raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            raw.extend_from_slice(b"\r\n");
            if raw.len() > MAX_MAIL {
                return Err(io::Error::other("the mail is too large"));
            }
        }
        let trouble = lock(self.state).trouble;
        if let SinkTrouble::Text(code) = trouble {
            self.say(&format!("{code} not now")).await?;
            return Ok(true);
        }
        let number = {
            let mut state = lock(self.state);
            state.mails.push(SinkMail {
                sender: self.sender.take().unwrap_or_default(),
                recipients: std::mem::take(&mut self.recipients),
                raw,
                protected: self.protected,
                user: self.user.clone(),
            });
            state.mails.len()
        };
        if trouble == SinkTrouble::Dropped {
            return Ok(false);
        }
        self.say(&format!("250 2.0.0 queued as {number:08}")).await?;
        Ok(true)
    }
}

/// Returns the address between the angle brackets of a command.
fn address(text: &str) -> String {
    let rest = text.split_once('<').map_or("", |(_, rest)| rest);
    rest.split_once('>').map_or("", |(address, _)| address).to_owned()
}
