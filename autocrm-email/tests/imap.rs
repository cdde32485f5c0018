//! The poller against a small server of our own: mails are taken in once, whatever breaks in between.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use autocrm_core::{
    access::{Actor, Scope},
    app::AutoCrm,
    clock::Timestamp,
    id::{IdSource as _, RandomIds, TenantId},
    mail::{MailKey, MailKeys},
    memory::{MemoryBlobs, MemoryStore},
    page::PageRequest,
    tenant::TenantPolicy,
    text::{EmailAddress, Name},
    ticket::TicketFilter,
    worker::{Worker, WorkerConfig},
};
use autocrm_email::{
    MimeParser,
    imap::{ImapConfig, ImapPoller, Login, Polled, Security},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    task::JoinSet,
};

const SUPPORT: &str = "support@desk.example";

#[derive(Debug, Default)]
struct Folder {
    mails: Vec<(u32, String, BTreeSet<String>)>,
    validity: u32,
    /// After how many further commands the connection is cut.
    cut_after: Option<usize>,
    forgets_keywords: bool,
}

type Shared = Arc<Mutex<Folder>>;

async fn say(writer: &mut OwnedWriteHalf, line: &str) {
    // A client that has gone away hears nothing.
    let _ = writer.write_all(format!("{line}\r\n").as_bytes()).await;
}

async fn answer(folder: &Shared, writer: &mut OwnedWriteHalf, command: &str) {
    let upper = command.to_ascii_uppercase();
    if upper.starts_with("SELECT") {
        let (count, validity) = {
            let folder = folder.lock().unwrap();
            (folder.mails.len(), folder.validity)
        };
        say(writer, &format!("* {count} EXISTS")).await;
        say(writer, &format!("* OK [UIDVALIDITY {validity}] valid")).await;
    } else if upper.starts_with("UID SEARCH") {
        let found: Vec<String> = {
            let folder = folder.lock().unwrap();
            let open = folder.mails.iter().filter(|(_, _, flags)| flags.is_empty());
            open.map(|(uid, _, _)| uid.to_string()).collect()
        };
        say(writer, &format!("* SEARCH {}", found.join(" "))).await;
    } else if let Some(rest) = upper.strip_prefix("UID FETCH ") {
        let uid: u32 = rest.split_whitespace().next().unwrap().parse().unwrap();
        let mail = folder.lock().unwrap().mails.iter().find(|mail| mail.0 == uid).map(|mail| mail.1.clone());
        if let Some(raw) = mail {
            let size = if raw.contains("X-Pretend-Large") { 50_000_000 } else { raw.len() };
            let body = if rest.contains("BODY") {
                format!("* 1 FETCH (UID {uid} BODY[] {{{}}}\r\n{raw})", raw.len())
            } else {
                format!("* 1 FETCH (UID {uid} RFC822.SIZE {size})")
            };
            // A server may speak of other mails in between.
            say(writer, "* 2 FETCH (UID 999 FLAGS (\\Seen))").await;
            say(writer, &body).await;
        }
    } else if let Some(rest) = command.strip_prefix("UID STORE ") {
        let uid: u32 = rest.split_whitespace().next().unwrap().parse().unwrap();
        let keyword = rest.split('(').nth(1).unwrap().trim_end_matches(')').to_owned();
        let mut folder = folder.lock().unwrap();
        if !folder.forgets_keywords
            && let Some(mail) = folder.mails.iter_mut().find(|mail| mail.0 == uid)
        {
            mail.2.insert(keyword);
        }
    }
}

async fn converse(folder: Shared, stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let (reader, mut writer) = stream.into_split();
    say(&mut writer, "* OK ready").await;
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let (tag, command) = line.split_once(' ').unwrap();
        let cut = {
            let mut folder = folder.lock().unwrap();
            match &mut folder.cut_after {
                Some(0) => {
                    folder.cut_after = None;
                    true
                }
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            }
        };
        if cut {
            return;
        }
        if command.starts_with("LOGIN") && !command.contains("right") {
            say(&mut writer, &format!("{tag} NO wrong password")).await;
            continue;
        }
        answer(&folder, &mut writer, command).await;
        say(&mut writer, &format!("{tag} OK done")).await;
    }
}

struct Desk {
    crm: AutoCrm,
    tenant: TenantId,
    folder: Shared,
    config: ImapConfig,
    _server: JoinSet<()>,
}

impl Desk {
    async fn open() -> Self {
        let crm = AutoCrm::builder()
            .store(MemoryStore::new())
            .blobs(MemoryBlobs::new())
            .parser(MimeParser::default())
            .mail_keys(MailKeys::new(MailKey::new(vec![7; 32]).unwrap(), Vec::new()))
            .build()
            .unwrap();
        let tenant = TenantId::from_uuid(RandomIds.uuid(Timestamp::EPOCH));
        let recipient = EmailAddress::new(SUPPORT).unwrap();
        let (name, policy) = (Name::new("Desk").unwrap(), TenantPolicy::default());
        crm.admin().found_tenant(tenant, &name, Some(&recipient), policy).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let folder = Shared::default();
        folder.lock().unwrap().validity = 1;
        let (mut server, shared) = (JoinSet::new(), Arc::clone(&folder));
        server.spawn(async move {
            let mut running = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                running.spawn(converse(Arc::clone(&shared), stream));
            }
        });
        let config = ImapConfig {
            host: "127.0.0.1".to_owned(),
            port,
            security: Security::Plain,
            user: "support".to_owned(),
            login: Login::Password("right".to_owned()),
            folder: "INBOX".to_owned(),
            recipient,
            delivered_to: None,
        };
        Self { crm, tenant, folder, config, _server: server }
    }

    fn put(&self, uids: std::ops::RangeInclusive<u32>) {
        let mut folder = self.folder.lock().unwrap();
        for uid in uids {
            let raw = format!("From: c{uid}@people.example\r\nSubject: Mail {uid}\r\n\r\nNumber {uid}\r\n");
            folder.mails.push((uid, raw, BTreeSet::new()));
        }
    }

    fn poller(&self) -> ImapPoller {
        ImapPoller::new(self.config.clone(), self.crm.mailbox())
    }

    async fn tickets(&self) -> usize {
        Worker::new(self.crm.clone(), WorkerConfig::default()).drain().await.unwrap();
        let scope = Scope::of(&Actor::system(self.tenant));
        let page = PageRequest::first(200);
        self.crm.store().tickets(&scope, &TicketFilter::default(), &page).await.unwrap().items.len()
    }
}

#[tokio::test]
async fn mails_are_taken_in_once_and_marked() {
    let desk = Desk::open().await;
    desk.put(1..=3);
    let poller = desk.poller();
    assert_eq!(poller.poll().await.unwrap(), Polled { taken: 3, ..Polled::default() });
    assert_eq!(poller.poll().await.unwrap(), Polled::default());
    desk.put(4..=4);
    assert_eq!(poller.poll().await.unwrap().taken, 1);
    assert_eq!(desk.tickets().await, 4);
}

#[tokio::test]
async fn a_server_that_keeps_no_keywords_delivers_again_and_nothing_doubles() {
    let desk = Desk::open().await;
    desk.folder.lock().unwrap().forgets_keywords = true;
    desk.put(1..=3);
    assert_eq!(desk.poller().poll().await.unwrap().taken, 3);
    assert_eq!(desk.poller().poll().await.unwrap(), Polled { duplicates: 3, ..Polled::default() });
    assert_eq!(desk.tickets().await, 3);
}

#[tokio::test]
async fn whenever_the_connection_breaks_each_mail_is_taken_in_once() {
    for cut in 0..20 {
        let desk = Desk::open().await;
        desk.put(1..=3);
        desk.folder.lock().unwrap().cut_after = Some(cut);
        let mut broken = 0;
        for _ in 0..3 {
            match desk.poller().poll().await {
                Ok(_) => {}
                Err(error) => {
                    assert!(error.is_retryable(), "{error}");
                    broken += 1;
                }
            }
        }
        assert!(broken <= 1, "cut after {cut} commands");
        assert_eq!(desk.tickets().await, 3, "cut after {cut} commands");
    }
}

#[tokio::test]
async fn what_the_desk_refuses_stays_marked_and_hinders_nobody() {
    let desk = Desk::open().await;
    let large = "From: a@people.example\r\nX-Pretend-Large: 1\r\n\r\nx".to_owned();
    desk.folder.lock().unwrap().mails.push((1, large, BTreeSet::new()));
    desk.put(2..=2);
    let polled = desk.poller().poll().await.unwrap();
    assert_eq!((polled.taken, polled.refused), (1, 1));
    assert_eq!(desk.poller().poll().await.unwrap(), Polled::default());
}

#[tokio::test]
async fn large_folders_are_taken_in_parts() {
    let desk = Desk::open().await;
    desk.put(1..=250);
    let first = desk.poller().poll().await.unwrap();
    assert_eq!((first.taken, first.more), (200, true));
    let second = desk.poller().poll().await.unwrap();
    assert_eq!((second.taken, second.more), (50, false));
}

#[tokio::test]
async fn a_wrong_password_is_no_failure_that_passes() {
    let desk = Desk::open().await;
    let config = ImapConfig { login: Login::Password("wrong".to_owned()), ..desk.config.clone() };
    let error = ImapPoller::new(config, desk.crm.mailbox()).poll().await.unwrap_err();
    assert!(!error.is_retryable(), "{error}");
}
