//! `outbound`: whether every mail leaves once, when the provider drops and refuses and workers are killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use autocrm_core::{
    access::{Actor, Scope},
    app::{AutoCrm, TicketData},
    change::{Event, Position, RetryPolicy},
    clock::{Clock as _, SystemClock},
    conversation::Reply,
    id::{IdSource as _, OutboundId, RandomIds, TenantId, UserId},
    mail::{MailEvent, MailKey, MailKeys, OutboundState},
    tenant::TenantPolicy,
    text::{Body, EmailAddress, Name, Subject},
    ticket::{Channel, NewTicket},
    user::{NewUser, Role},
    worker::{Worker, WorkerConfig, shutdown},
};
use autocrm_email::{
    ApiKey, ResendConfig, ResendMailer,
    testing::{ResendScript, ScriptedResend, TEST_KEY},
};
use autocrm_storage::sqlite::Synchronous;

use crate::{
    callers::{self, Until},
    desk::{SUPPORT, address},
    failure::{Failure, Result},
    progress::Progress,
    random::Random,
    report::Report,
    stats::rate,
    store::{Workplace, open_sqlite},
};

/// How many answers stand on one ticket.
const PER_TICKET: usize = 10;
/// How many events are read at once.
const EVENTS: u16 = 1_000;
/// A run in which no mail leaves for so long hangs.
const SILENCE: Duration = Duration::from_mins(3);
/// How long the jobs of a killed worker are held.
const LEASE: Duration = Duration::from_secs(2);

/// Lets mails leave through a scripted provider while workers are killed, then counts what arrived.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Mails that are to leave.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    mails: u32,
    /// How often a worker is killed.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    kills: u32,
    /// How many requests the provider carries out and then drops, in percent.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=50))]
    dropped: u8,
    /// How many requests it answers 409, 429 or 500, in percent.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(0..=50))]
    refused: u8,
    /// Seed of script and moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder in which the database is made.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// The hidden command that `outbound` starts.
#[derive(Debug, clap::Args)]
pub(crate) struct ChildArguments {
    #[arg(long)]
    database: PathBuf,
    #[arg(long)]
    provider: String,
    #[arg(long)]
    tenant: TenantId,
    #[arg(long)]
    admin: UserId,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    let place = Workplace::new(arguments.folder.as_deref())?;
    let database = place.file("outbound.db");
    let script =
        ResendScript { seed: arguments.seed, dropped: arguments.dropped, refused: arguments.refused };
    let provider = ScriptedResend::start(script).await?;
    let mails = arguments.mails as usize;
    let (tenant, admin) = write(&database, mails).await?;
    let begun = Instant::now();
    let start = || start(&database, &provider.url(), tenant, admin);
    let kills = torment(arguments, &provider, start).await?;
    let elapsed = begun.elapsed();
    let outcome = look(&database, &provider, tenant, admin).await?;
    let mut report = Report::default();
    report
        .set("mails", outcome.composed)
        .set("missing", outcome.missing)
        .set("second_deliveries", outcome.second_deliveries)
        .set("kills", kills)
        .set("unrecorded", outcome.unrecorded)
        .set("keys_with_two_bodies", provider.reused_keys())
        .set("requests", provider.requests())
        .number("seconds", elapsed.as_secs_f64())
        .number("per_s", rate(mails, elapsed));
    Ok(report)
}

fn keys() -> Result<MailKeys> {
    let key = MailKey::new(vec![7; 32]).ok_or_else(|| Failure::new("the mail key is too short"))?;
    Ok(MailKeys::new(key, Vec::new()))
}

/// Writes the answers, each with its mail and job in one commit; nothing is sent yet.
async fn write(database: &Path, mails: usize) -> Result<(TenantId, UserId)> {
    let store = open_sqlite(database, Synchronous::Full)?;
    let crm = AutoCrm::builder().store(store).mail_keys(keys()?).build()?;
    let tenant = TenantId::from_uuid(RandomIds.uuid(SystemClock.now()));
    let system = Actor::system(tenant);
    let support = EmailAddress::new(SUPPORT)?;
    crm.admin().found_tenant(tenant, &Name::new("Desk")?, Some(&support), TenantPolicy::default()).await?;
    let chief = NewUser { role: Role::Admin, ..NewUser::customer(Name::new("Chief")?) };
    let admin = crm.admin().create_user(&system, &chief).await?.id;
    let customer = NewUser {
        email: Some(EmailAddress::new(address(0))?),
        email_verified: true,
        ..NewUser::customer(Name::new("Customer")?)
    };
    let requester = crm.admin().create_user(&system, &customer).await?.id;
    let agent = crm.actor(tenant, admin).await?;
    let progress = Arc::new(Progress::new("mails", mails));
    callers::run(16, Until::Calls(mails.div_ceil(PER_TICKET)), move |number| {
        let (crm, agent, progress) = (crm.clone(), agent.clone(), Arc::clone(&progress));
        async move {
            let opening = TicketData {
                requester: Some(requester),
                channel: Channel::Email,
                ticket: NewTicket::about(Subject::new(format!("Question {number}"))?),
                body: Body::new("How do I do that?")?,
            };
            let ticket = crm.processor().create(&agent, &opening).await?;
            for answer in 0..PER_TICKET.min(mails - number * PER_TICKET) {
                let reply = Reply { body: Body::new(format!("Answer {number}.{answer}"))?, internal: false };
                crm.conversations().reply(&agent, ticket.id, &reply, None).await?;
                progress.tick();
            }
            Ok(())
        }
    })
    .await?;
    Ok((tenant, admin))
}

fn start(database: &Path, provider: &str, tenant: TenantId, admin: UserId) -> Result<Child> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(&program);
    command
        .arg("outbound-child")
        .arg("--database")
        .arg(database)
        .args(["--provider", provider, "--tenant", &tenant.to_string(), "--admin", &admin.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.spawn().map_err(|error| Failure::in_file(&program, None, error))
}

/// Kills a worker whenever a random number of further mails has arrived; the last one works to the end.
async fn torment(
    arguments: &Arguments,
    provider: &ScriptedResend,
    start: impl Fn() -> Result<Child>,
) -> Result<u32> {
    let (mails, mut random) = (arguments.mails as usize, Random::new(arguments.seed));
    let progress = Progress::new("kills", arguments.kills as usize);
    let mut kills = 0;
    for round in 0..arguments.kills {
        let done = provider.keys();
        let share = (mails.saturating_sub(done) / (arguments.kills - round + 1) as usize).max(1);
        let enough = (done + 1 + random.below(2 * share)).min(mails);
        let mut child = start()?;
        let mut seen = (provider.requests(), Instant::now());
        let ended = loop {
            if let Some(status) = child.try_wait()? {
                break Some(status);
            }
            if provider.keys() >= enough {
                tokio::time::sleep(Duration::from_micros(random.below(20_000) as u64)).await;
                break None;
            }
            let requests = provider.requests();
            if requests != seen.0 {
                seen = (requests, Instant::now());
            } else if seen.1.elapsed() > SILENCE {
                end(&mut child)?;
                return Err(Failure::new("the worker hangs"));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        match ended {
            None => {
                end(&mut child)?;
                kills += 1;
            }
            Some(status) if status.success() => {}
            Some(status) => return Err(Failure::new(format!("the worker failed: {status}"))),
        }
        progress.tick();
    }
    let mut last = start()?;
    let begun = Instant::now();
    while begun.elapsed() < SILENCE + Duration::from_millis(20) * arguments.mails {
        if let Some(status) = last.try_wait()? {
            let failed = || Failure::new(format!("the worker failed: {status}"));
            return if status.success() { Ok(kills) } else { Err(failed()) };
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    end(&mut last)?;
    Err(Failure::new("the last worker hangs"))
}

/// Kills at once (SIGKILL).
fn end(child: &mut Child) -> Result<()> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// What became of the mails.
struct Outcome {
    composed: usize,
    missing: usize,
    second_deliveries: usize,
    /// Mails that the desk does not know to be sent.
    unrecorded: usize,
}

async fn look(
    database: &Path,
    provider: &ScriptedResend,
    tenant: TenantId,
    admin: UserId,
) -> Result<Outcome> {
    let crm = AutoCrm::builder().store(open_sqlite(database, Synchronous::Full)?).build()?;
    let actor = crm.actor(tenant, admin).await?;
    let (mut mails, mut after): (BTreeSet<OutboundId>, Position) = (BTreeSet::new(), Position::default());
    loop {
        let events = crm.feed().events(&actor, after, EVENTS).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        mails.extend(events.iter().filter_map(|record| match &record.event {
            Event::Mail(MailEvent::Composed { mail, .. }) => Some(*mail),
            _ => None,
        }));
    }
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for (_, asked) in provider.deliveries() {
        let id = asked["headers"]["Message-ID"].as_str().unwrap_or_default().to_owned();
        *arrived.entry(id).or_default() += 1;
    }
    let mut outcome = Outcome { composed: mails.len(), missing: 0, second_deliveries: 0, unrecorded: 0 };
    let mut expected = BTreeSet::new();
    for id in mails {
        let found = crm.store().outbound(&Scope::tenant_wide(tenant), id).await?;
        let mail = found.ok_or_else(|| Failure::new("a mail is gone"))?;
        let header = format!("<{}>", mail.message_id);
        outcome.missing += usize::from(!arrived.contains_key(&header));
        outcome.unrecorded += usize::from(!matches!(mail.state, OutboundState::Sent { .. }));
        expected.insert(header);
    }
    for (header, times) in arrived {
        // What nobody wrote counts as well.
        outcome.second_deliveries += if expected.contains(&header) { times - 1 } else { times };
    }
    Ok(outcome)
}

/// Works until no job of the desk is left but the hourly one.
pub(crate) async fn run_child(arguments: &ChildArguments) -> Result<()> {
    let store = open_sqlite(&arguments.database, Synchronous::Full)?;
    let config = ResendConfig::new(ApiKey::new(TEST_KEY).map_err(|error| Failure::new(error.to_string()))?);
    let local = config.base_url(&arguments.provider).map_err(|error| Failure::new(error.to_string()))?;
    let mailer = ResendMailer::new(local.per_second(u16::MAX))?;
    let crm = AutoCrm::builder().store(store).mailer(mailer).mail_keys(keys()?).build()?;
    let actor = crm.actor(arguments.tenant, arguments.admin).await?;
    let retry = RetryPolicy {
        first_pause: Duration::from_millis(200),
        longest_pause: Duration::from_secs(5),
        ..RetryPolicy::STANDARD
    };
    let worker = Worker::new(
        crm.clone(),
        WorkerConfig {
            concurrency: 256,
            lease: LEASE,
            poll: Duration::from_millis(100),
            retry,
            ..WorkerConfig::default()
        },
    );
    let (handle, signal) = shutdown();
    let watch = async {
        loop {
            let depth = crm.jobs().depth(&actor).await?;
            if depth.ready + depth.scheduled + depth.leased <= 1 {
                handle.stop();
                return Ok::<_, Failure>(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (_, watched) = tokio::join!(worker.run(signal), watch);
    watched
}
