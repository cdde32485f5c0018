//! `mail`: raw mails through the whole inbound path.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use autocrm_core::{
    access::Scope,
    app::{AutoCrm, Received},
    id::{MailId, TenantId},
    mail::{Envelope, InboundOutcome, ParsedMail},
    port::MailParser,
    text::EmailAddress,
    worker::{Worker, WorkerConfig, WorkerReport},
};
use autocrm_email::{AuthVerifier, DnsTable, MimeParser};
use bytes::Bytes;

use crate::{
    callers::{self, Until},
    desk::{self, SUPPORT},
    failure::{Failure, Result},
    generate::{self, Kind},
    input, plot,
    progress::{Progress, say},
    report::Report,
    stats::{Latencies, peak_rss_mb, rate},
    store::Choice,
};

/// Takes in raw mails and lets everything that follows from them be done.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A folder of .eml files, an mbox file, or `generated:N`.
    #[arg(long, value_name = "DIR|FILE.mbox|generated:N")]
    messages: String,
    #[command(flatten)]
    store: Choice,
    /// Mails that are handed in at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    clients: u16,
    /// Jobs that the worker runs at once.
    #[arg(long, default_value_t = WorkerConfig::default().concurrency, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    jobs: u16,
    /// Seed of generated mails.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw the distribution of the time until a mail is taken in.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// A parser that counts, so that the end of filing is seen without asking the store all the time.
#[derive(Debug, Clone, Default)]
struct CountingParser {
    inner: MimeParser,
    parsed: Arc<AtomicUsize>,
}

impl MailParser for CountingParser {
    fn parse(&self, raw: &[u8]) -> ParsedMail {
        let parsed = self.inner.parse(raw);
        self.parsed.fetch_add(1, Ordering::Relaxed);
        parsed
    }
}

/// How many of the last mails are looked at one by one.
const LAST_FILED: usize = 300;

/// What became of each mail that was handed in; `None`: it was refused.
type TakenIn = Vec<Option<Received>>;

#[derive(Debug, Default)]
struct Tally {
    tickets: usize,
    appended: usize,
    held: usize,
    reports: usize,
    duplicates: usize,
    failed: usize,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    let Messages { mails, kinds, records } = messages(arguments)?;
    let is_signed = records.is_some();
    let place = arguments.store.place(usize::from(arguments.clients.max(arguments.jobs))).await?;
    let parser = CountingParser::default();
    let verifier = records.map(AuthVerifier::with_table).transpose()?;
    let crm = desk::open(arguments.store.kind, &place, parser.clone(), verifier).await?;
    let desk = desk::found(crm.clone(), 0).await?;

    say("taking in");
    let begun = Instant::now();
    let (taken, mut latencies) = take_in(&crm, &mails, is_signed, usize::from(arguments.clients)).await?;
    let received = begun.elapsed();

    say("filing and processing");
    let fresh: Vec<MailId> =
        taken.iter().flatten().filter(|one| !one.duplicate).map(|one| one.mail).collect();
    let config = WorkerConfig { concurrency: arguments.jobs, ..WorkerConfig::default() };
    let worker = Worker::new(crm.clone(), config);
    let mut drained = tokio::task::JoinSet::new();
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    drained.spawn(async move {
        let report = worker.drain().await;
        ended.store(true, Ordering::Relaxed);
        report
    });
    let watch = Watch { crm: &crm, tenant: desk.tenant, parsed: &parser.parsed, over: &over };
    let filed = watch.filed(&fresh, begun).await?;
    let report = match drained.join_next().await {
        Some(ended) => ended??,
        None => return Err(Failure::new("the worker did not run")),
    };
    let done = begun.elapsed();

    let tally = tally(&crm, desk.tenant, &taken).await?;
    if let Some(path) = &arguments.plot {
        plot::distributions(path, "Taken in within", &mut [("receive".to_owned(), latencies.clone())])?;
    }
    let mut found = summary(&tally, mails.len(), &report);
    found
        .number("per_s", rate(mails.len(), filed))
        .number("drained_per_s", rate(mails.len(), done))
        .number("received_per_s", rate(mails.len(), received))
        .number("p50_ms", latencies.quantile_ms(0.5))
        .number("p99_ms", latencies.quantile_ms(0.99))
        .set("outbox", std::fs::read_dir(place.file("outbox"))?.count())
        .set("bytes_per_message", mails.iter().map(Bytes::len).sum::<usize>() / mails.len().max(1))
        .set("rss_mb", peak_rss_mb().map(f64::round));
    if let Some(kinds) = kinds {
        for (kind, name) in [
            (Kind::New, "new"),
            (Kind::Reply, "reply"),
            (Kind::Stranger, "stranger"),
            (Kind::Duplicate, "duplicate"),
        ] {
            found.set(format!("generated_{name}"), kinds.iter().filter(|one| **one == kind).count());
        }
    }
    Ok(found)
}

/// The mails, and for generated ones what has to become of them and the records that prove their senders.
struct Messages {
    mails: Vec<Bytes>,
    kinds: Option<Vec<Kind>>,
    records: Option<DnsTable>,
}

fn messages(arguments: &Arguments) -> Result<Messages> {
    if let Some(count) = arguments.messages.strip_prefix("generated:") {
        let number = count.parse::<usize>().ok().filter(|number| (1..=10_000_000).contains(number));
        let wanted = number.ok_or_else(|| Failure::new("generated:N takes a number from 1 to 10000000"))?;
        let batch = generate::signed(wanted, arguments.seed)?;
        let kinds = Some(batch.mails.iter().map(|mail| mail.kind).collect());
        let mails = batch.mails.into_iter().map(|mail| mail.raw).collect();
        return Ok(Messages { mails, kinds, records: Some(batch.records) });
    }
    let path = PathBuf::from(&arguments.messages);
    let mails = if path.is_dir() { input::mail_folder(&path)? } else { input::mbox(&path)? };
    if mails.is_empty() {
        return Err(Failure::in_file(&path, None, "there are no mails"));
    }
    Ok(Messages { mails, kinds: None, records: None })
}

/// Hands the mails in, in their order, many at once. The time of a mail ends when it is durable.
/// Signed mails speak for themselves; mails of a caller's are vouched for, because nobody has their records.
async fn take_in(
    crm: &AutoCrm,
    mails: &[Bytes],
    is_signed: bool,
    clients: usize,
) -> Result<(TakenIn, Latencies)> {
    let recipient = EmailAddress::new(SUPPORT)?;
    let shared: Arc<Vec<Bytes>> = Arc::new(mails.to_vec());
    let taken: Arc<Mutex<TakenIn>> = Arc::new(Mutex::new(vec![None; mails.len()]));
    let progress = Arc::new(Progress::new("mails", mails.len()));
    let (mailbox, answers) = (crm.mailbox(), Arc::clone(&taken));
    let run = callers::run(clients, Until::Calls(mails.len()), move |number| {
        let (mailbox, shared, answers) = (mailbox.clone(), Arc::clone(&shared), Arc::clone(&answers));
        let (recipient, progress) = (recipient.clone(), Arc::clone(&progress));
        async move {
            let envelope = Envelope::to(recipient);
            let envelope = if is_signed { envelope } else { envelope.vouched() };
            let Some(raw) = shared.get(number) else { return Ok(()) };
            let answer = mailbox.receive(&envelope, raw).await;
            if let Ok(received) = answer
                && let Some(slot) = answers.lock().unwrap_or_else(PoisonError::into_inner).get_mut(number)
            {
                *slot = Some(received);
            }
            progress.tick();
            Ok(())
        }
    })
    .await?;
    let all = std::mem::take(&mut *taken.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((all, run.latencies))
}

/// Looks on while the worker files.
struct Watch<'a> {
    crm: &'a AutoCrm,
    tenant: TenantId,
    parsed: &'a AtomicUsize,
    /// Whether the worker has nothing left to do.
    over: &'a AtomicBool,
}

impl Watch<'_> {
    /// Waits until every mail is filed; returns how long that took since `begun`.
    async fn filed(&self, mails: &[MailId], begun: Instant) -> Result<Duration> {
        while self.parsed.load(Ordering::Relaxed) < mails.len() && !self.over.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // All are read; those whose commit is still under way are among the last ones.
        let mut end = begun.elapsed();
        for id in mails.iter().rev().take(LAST_FILED) {
            while !self.is_settled(*id).await? && !self.over.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(1)).await;
                end = begun.elapsed();
            }
        }
        Ok(end)
    }

    async fn is_settled(&self, id: MailId) -> Result<bool> {
        let mail = self.crm.store().inbound(&Scope::tenant_wide(self.tenant), id).await?;
        Ok(mail.is_some_and(|mail| mail.outcome != InboundOutcome::Received))
    }
}

async fn tally(crm: &AutoCrm, tenant: TenantId, taken: &TakenIn) -> Result<Tally> {
    let scope = Scope::tenant_wide(tenant);
    let mut tally = Tally::default();
    for answer in taken {
        let Some(received) = answer else {
            tally.failed += 1;
            continue;
        };
        if received.duplicate {
            tally.duplicates += 1;
            continue;
        }
        let Some(mail) = crm.store().inbound(&scope, received.mail).await? else {
            return Err(Failure::new(format!("mail {} was acknowledged and is not there", received.mail)));
        };
        match mail.outcome {
            InboundOutcome::Reported { .. } => tally.reports += 1,
            InboundOutcome::Opened { .. } => tally.tickets += 1,
            InboundOutcome::Appended { .. } => tally.appended += 1,
            InboundOutcome::Held { .. } => tally.held += 1,
            InboundOutcome::Failed { .. } | InboundOutcome::Received => tally.failed += 1,
        }
    }
    Ok(tally)
}

fn summary(tally: &Tally, messages: usize, worker: &WorkerReport) -> Report {
    let mut report = Report::default();
    report
        .set("messages", messages)
        .set("tickets", tally.tickets)
        .set("appended", tally.appended)
        .set("held", tally.held)
        .set("reports", tally.reports)
        .set("duplicates", tally.duplicates)
        .set("failed", tally.failed)
        .set("jobs_done", worker.done)
        .set("jobs_retried", worker.retried)
        .set("jobs_dead", worker.dead);
    report
}
