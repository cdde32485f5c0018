//! The program as a process, and HTTP as its clients speak it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The sample mails of the repository.
pub(crate) const MAILS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mails");

/// Returns the program with a data directory and a database.
pub(crate) fn program(data: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autocrm-server"));
    for name in
        ["AUTOCRM_DATA_DIR", "AUTOCRM_LOG", "AUTOCRM_SHARED_DIR", "AUTOCRM_LEASE", "AUTOCRM_CONNECTIONS"]
    {
        command.env_remove(name);
    }
    // The URL holds a password: it is handed on by the environment rather than the command line.
    command.env("DATABASE_URL", url).arg("--data-dir").arg(data);
    command
}

/// Runs the program to its end.
pub(crate) fn run(data: &Path, url: &str, arguments: &[&str]) -> Output {
    program(data, url).args(arguments).output().unwrap()
}

#[track_caller]
pub(crate) fn good(output: &Output) -> String {
    let (told, failed) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{told}\n{failed}", output.status);
    told
}

#[track_caller]
pub(crate) fn bad(output: &Output, why: &str) {
    let failed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{failed}");
    assert!(failed.contains(why) && !failed.contains("panicked"), "{failed}");
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Repeats a look until it shows what is waited for.
#[track_caller]
pub(crate) fn until(patience: Duration, what: &str, mut look: impl FnMut() -> bool) {
    let end = Instant::now() + patience;
    while !look() {
        assert!(Instant::now() < end, "not within {patience:?}: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A server that is running. It is killed at the end.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    pub(crate) address: String,
    /// The tokens by their names.
    pub(crate) tokens: BTreeMap<String, String>,
    log: PathBuf,
}

impl Node {
    /// Starts a server and waits until it listens.
    pub(crate) fn start(data: &Path, url: &str, arguments: &[&str]) -> Self {
        let log = data.with_extension("log");
        let mut child = program(data, url)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut tokens = BTreeMap::new();
        let address = loop {
            let Some(line) = lines.next() else {
                panic!("the server ended: {}", std::fs::read_to_string(&log).unwrap_or_default());
            };
            let line = line.unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [name, _, token] = words.as_slice()
                && token.starts_with("acrm_")
            {
                tokens.insert((*name).to_owned(), (*token).to_owned());
            }
            if let Some(rest) = line.strip_prefix("listening on http://") {
                break rest.split_whitespace().next().unwrap().to_owned();
            }
        };
        Self { child, address, tokens, log }
    }

    /// Sends a signal to the process.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Returns whether the process is still the one that was started.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Asks the server to stop, and returns what it logged.
    pub(crate) fn stop(mut self) -> String {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        let log = std::fs::read_to_string(&self.log).unwrap();
        assert!(status.success(), "{log}");
        log
    }

    /// Sends a request as one of the demo's users.
    pub(crate) fn ask(&self, user: &str, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let token = &self.tokens[user];
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        Answer::read(&answer)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Self { status, headers, body: body.to_owned() }
    }

    /// Asserts that the request may be repeated later.
    #[track_caller]
    pub(crate) fn assert_unavailable(&self) {
        assert_eq!(self.status, 503, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert!(self.headers["retry-after"].parse::<u64>().unwrap() >= 1);
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], 503);
        assert!(!self.body.contains("SQLSTATE") && !self.body.contains("127.0.0.1"), "{}", self.body);
    }
}
