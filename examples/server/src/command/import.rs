//! `import`: mails in, and what became of each.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use autocrm_core::{
    access::Actor,
    app::{Error, Received},
    assist::{AssistEvent, Disposition},
    change::{Event, Position},
    conversation::{Message, MessageKind},
    id::{MessageId, TeamId, TicketId},
    mail::{Envelope, InboundOutcome, MAX_RAW, MailRefusal, SenderTrust},
    text::EmailAddress,
    ticket::Ticket,
    user::Role,
    worker::{Worker, WorkerConfig},
};
use bytes::Bytes;
use indicatif::ProgressBar;

use crate::{
    command::{
        announce,
        mbox::{Entry, Mbox},
        progress,
    },
    desk::{Access, Desk, Failure, Home, Result, SUPPORT},
};

/// Imports the mails of an mbox file or of a folder.
pub(super) async fn run(
    home: &Home,
    mbox: Option<&Path>,
    eml: Option<&Path>,
    trust_senders: bool,
) -> Result<()> {
    let source = match (mbox, eml) {
        (Some(file), _) => Source::mbox(file)?,
        (None, Some(place)) => Source::Files(files(place)?),
        (None, None) => return Err(Failure::Usage("name a source: --mbox FILE or --eml DIR".to_owned())),
    };
    let desk = Desk::open(home, Access::Exclusive, &mut announce).await?;
    if trust_senders {
        announce(
            "the senders of these mails are trusted, because you said so: answers may leave by themselves",
        );
    } else {
        announce("the senders of these mails are not verified: answers stay drafts (see --trust-senders)");
    }
    let trust = if trust_senders { SenderTrust::Vouched } else { SenderTrust::Unverified };
    let bar = progress::bar(source.count(), "mails");
    let mut import = Import::new(&desk, trust, &bar).await?;
    source.each(async |name, entry| import.take(name, entry).await).await?;
    bar.finish_and_clear();
    import.summary.print(&desk);
    Ok(())
}

/// Imports mails that are held in memory, as `serve` does at its first start.
pub(super) async fn import_samples(desk: &Desk, mails: &[(&str, &[u8])]) -> Result<()> {
    let bar = progress::bar(mails.len(), "mails");
    let mut import = Import::new(desk, SenderTrust::Vouched, &bar).await?;
    for (name, bytes) in mails {
        import.take(name, Entry::Mail(bytes.to_vec())).await?;
    }
    bar.finish_and_clear();
    import.summary.print(desk);
    Ok(())
}

/// Where mails come from.
enum Source {
    Files(Vec<PathBuf>),
    Mbox { path: PathBuf, count: usize },
}

impl Source {
    /// Reads the file once to know how many mails there are, which also proves that it can be read.
    fn mbox(path: &Path) -> Result<Self> {
        let mut count = 0;
        for entry in open_mbox(path)? {
            entry.map_err(Failure::file(path))?;
            count += 1;
        }
        Ok(Self::Mbox { path: path.to_owned(), count })
    }

    fn count(&self) -> usize {
        match self {
            Self::Files(files) => files.len(),
            Self::Mbox { count, .. } => *count,
        }
    }

    async fn each(self, mut take: impl AsyncFnMut(&str, Entry) -> Result<()>) -> Result<()> {
        match self {
            Self::Files(files) => {
                for path in files {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let size = fs::metadata(&path).map_err(Failure::file(&path))?.len();
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    let entry = if size > MAX_RAW {
                        Entry::TooLarge(size)
                    } else {
                        Entry::Mail(fs::read(&path).map_err(Failure::file(&path))?)
                    };
                    take(&name, entry).await?;
                }
            }
            Self::Mbox { path, .. } => {
                for (index, entry) in open_mbox(&path)?.enumerate() {
                    take(&format!("mail {}", index + 1), entry.map_err(Failure::file(&path))?).await?;
                }
            }
        }
        Ok(())
    }
}

fn open_mbox(path: &Path) -> Result<Mbox<BufReader<File>>> {
    let file = File::open(path).map_err(Failure::file(path))?;
    Mbox::open(BufReader::new(file), MAX_RAW).map_err(Failure::file(path))
}

/// Returns the `.eml` files of a folder by name, or the file itself.
fn files(place: &Path) -> Result<Vec<PathBuf>> {
    if place.is_file() {
        return Ok(vec![place.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place).map_err(Failure::file(place))? {
        let path = entry.map_err(Failure::file(place))?.path();
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("eml")) {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Failure::Usage(format!("{}: there are no .eml files", place.display())));
    }
    files.sort();
    Ok(files)
}

/// Counts of what became of the mails.
#[derive(Debug, Default)]
struct Summary {
    mails: usize,
    opened: usize,
    appended: usize,
    held: usize,
    reports: usize,
    unreadable: usize,
    duplicates: usize,
    refused: usize,
    answered: usize,
    drafts: usize,
    abstained: usize,
}

impl Summary {
    fn print(&self, desk: &Desk) {
        println!(
            "{} mails: {} tickets opened, {} appended, {} held, {} reports, {} unreadable, {} duplicates, {} refused",
            self.mails,
            self.opened,
            self.appended,
            self.held,
            self.reports,
            self.unreadable,
            self.duplicates,
            self.refused
        );
        println!(
            "answers: {} sent, {} drafts, {} abstained; mails leave: {}",
            self.answered,
            self.drafts,
            self.abstained,
            desk.post.describe(&desk.folder.outbox())
        );
    }
}

/// An import on its way. Each mail is worked through before the next one is taken in, so that numbers follow the order
/// of the mails and a reply finds the ticket of the mail that it answers.
struct Import<'a> {
    desk: &'a Desk,
    admin: Actor,
    support: EmailAddress,
    trust: SenderTrust,
    worker: Worker,
    teams: BTreeMap<TeamId, String>,
    bar: &'a ProgressBar,
    summary: Summary,
}

impl<'a> Import<'a> {
    async fn new(desk: &'a Desk, trust: SenderTrust, bar: &'a ProgressBar) -> Result<Self> {
        let admin = desk.actor(Role::Admin).await?;
        let teams = desk.crm.admin().teams(&admin).await?;
        Ok(Self {
            desk,
            admin,
            support: EmailAddress::new(SUPPORT)?,
            trust,
            worker: Worker::new(desk.crm.clone(), WorkerConfig::default()),
            teams: teams.into_iter().map(|team| (team.id, team.name.into_string())).collect(),
            bar,
            summary: Summary::default(),
        })
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| println!("{line}"));
    }

    async fn take(&mut self, name: &str, entry: Entry) -> Result<()> {
        self.summary.mails += 1;
        let line = match entry {
            Entry::TooLarge(actual) => self.refused(name, &MailRefusal::TooLarge { actual }.into()),
            Entry::Mail(bytes) => {
                let envelope = Envelope { trust: self.trust, ..Envelope::to(self.support.clone()) };
                match self.desk.crm.mailbox().receive(&envelope, &Bytes::from(bytes)).await {
                    Ok(received) => self.work(name, &received).await?,
                    Err(error @ Error::Mail(_)) => self.refused(name, &error),
                    Err(error) => return Err(error.into()),
                }
            }
        };
        self.say(&line);
        self.bar.inc(1);
        Ok(())
    }

    fn refused(&mut self, name: &str, error: &Error) -> String {
        self.summary.refused += 1;
        format!("{:>6}  {name}: refused, {error} [{}]", "-", error.code())
    }

    async fn work(&mut self, name: &str, received: &Received) -> Result<String> {
        self.worker.drain().await?;
        let mail = self.desk.crm.mailbox().inbound(&self.admin, received.mail).await?;
        let (ticket, message, note) = match mail.outcome {
            InboundOutcome::Received => {
                return Ok(format!("{:>6}  {name}: stored, not yet filed (see `doctor`)", "-"));
            }
            InboundOutcome::Opened { ticket, message } => (ticket, message, ""),
            InboundOutcome::Appended { ticket, message } => (ticket, message, "appended, "),
            InboundOutcome::Held { ticket, message } => (ticket, message, "held"),
            InboundOutcome::Reported { ticket, message } => (ticket, message, "report"),
            InboundOutcome::Failed { ticket, message, .. } => (ticket, message, "unreadable, "),
        };
        let count = match mail.outcome {
            _ if received.duplicate => &mut self.summary.duplicates,
            InboundOutcome::Appended { .. } => &mut self.summary.appended,
            InboundOutcome::Held { .. } => &mut self.summary.held,
            InboundOutcome::Reported { .. } => &mut self.summary.reports,
            InboundOutcome::Failed { .. } => &mut self.summary.unreadable,
            InboundOutcome::Opened { .. } | InboundOutcome::Received => &mut self.summary.opened,
        };
        *count += 1;
        let ticket = match self.desk.crm.tickets().get(&self.admin, ticket).await {
            Ok(ticket) => ticket,
            Err(error) if error.is_not_found() => {
                return Ok(format!("{:>6}  {name}: duplicate, its ticket was deleted", "-"));
            }
            Err(error) => return Err(error.into()),
        };
        let became = if received.duplicate {
            "duplicate".to_owned()
        } else if matches!(note, "held" | "report") {
            note.to_owned()
        } else {
            format!("{note}{}", self.answer(ticket.id, message).await?)
        };
        Ok(self.line(&ticket, &became))
    }

    /// Says what the assistant did with a message, and whom it quotes.
    async fn answer(&mut self, ticket: TicketId, message: MessageId) -> Result<String> {
        let Some((disposition, answer)) = self.processed(ticket, message).await? else {
            return Ok("not processed (see `doctor`)".to_owned());
        };
        let (count, name) = match disposition {
            Disposition::Send => (&mut self.summary.answered, "answered"),
            Disposition::Suggest => (&mut self.summary.drafts, "draft"),
            Disposition::HandOff => (&mut self.summary.abstained, "abstained"),
        };
        *count += 1;
        let slugs = match answer {
            Some(message) => self.cited(&message).await?,
            None => Vec::new(),
        };
        Ok(if slugs.is_empty() { name.to_owned() } else { format!("{name} [{}]", slugs.join(", ")) })
    }

    async fn processed(
        &self,
        ticket: TicketId,
        asked: MessageId,
    ) -> Result<Option<(Disposition, Option<Message>)>> {
        let tickets = self.desk.crm.tickets();
        let mut after = Position::START;
        loop {
            let events = tickets.timeline(&self.admin, ticket, after, 1_000).await?;
            let Some(last) = events.last() else { return Ok(None) };
            after = last.position;
            for record in events {
                if let Event::Assist(AssistEvent::Processed { message, disposition, answer, .. }) =
                    record.event
                    && message == asked
                {
                    let scope = autocrm_core::access::Scope::of(&self.admin);
                    let written = match answer {
                        Some(id) => self.desk.crm.store().message(&scope, id).await?,
                        None => None,
                    };
                    return Ok(Some((disposition, written)));
                }
            }
        }
    }

    async fn cited(&self, answer: &Message) -> Result<Vec<String>> {
        let MessageKind::Answer(meta) = &answer.kind else { return Ok(Vec::new()) };
        let mut slugs = Vec::new();
        for source in &meta.sources {
            let article = self.desk.crm.knowledge().get(&self.admin, source.article).await?;
            let slug = article.slug.into_string();
            if !slugs.contains(&slug) {
                slugs.push(slug);
            }
        }
        Ok(slugs)
    }

    fn line(&self, ticket: &Ticket, became: &str) -> String {
        let team = ticket.team.and_then(|team| self.teams.get(&team)).map_or("no team", String::as_str);
        format!(
            "{:>6}  {team:<12} {:<7} {became:<34} {}",
            format!("#{}", ticket.number),
            ticket.priority.as_str(),
            ticket.subject
        )
    }
}
