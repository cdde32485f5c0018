//! `crash`: what is left of acknowledged writes when the process is killed, or the power fails.

use std::path::{Path, PathBuf};

use autocrm_core::{
    access::Actor,
    clock::{Clock as _, SystemClock},
    id::{IdSource as _, RandomIds, TenantId},
    tenant::TenantPolicy,
    text::Name,
    user::{NewUser, Role},
};

use crate::{
    crash::{Acknowledged, Cast, Ended, Killer, Server, Setting, Shim, Target, Verdict, Victim, verify},
    failure::{Failure, Result},
    progress::Progress,
    random::Random,
    report::Report,
    store::{StoreKind, Workplace},
};

/// Kills a writing process again and again, then looks for every write that it had acknowledged.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The store: sqlite, or postgres with a server of the run's own, which is killed too.
    #[arg(long, value_enum)]
    store: StoreKind,
    /// Writes to be acknowledged: half of them open a ticket, half reply on one.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(2..=10_000_000))]
    writes: u32,
    /// How often the process is killed.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    kills: u32,
    /// Discard at every kill what was not synced.
    #[arg(long)]
    power_loss: bool,
    /// When a commit counts as durable; `off` shows that the loss is detected.
    #[arg(long, value_enum, default_value = "full")]
    synchronous: Setting,
    /// Seed of the moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder in which the database is made.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The script that starts the PostgreSQL server; that of this repository unless it is named.
    #[arg(long, value_name = "FILE")]
    services: Option<PathBuf>,
}

struct Outcome {
    acknowledged: Acknowledged,
    kills: usize,
    server_kills: usize,
    undone: usize,
    /// Why the run ended before its end.
    damaged: Option<String>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    let place = Workplace::new(arguments.folder.as_deref())?;
    let folder = place.path().canonicalize()?;
    let (database, server, shim) = match arguments.store {
        StoreKind::Memory => {
            return Err(Failure::new(
                "--store memory does not outlive its process: there is nothing to look for",
            ));
        }
        StoreKind::Sqlite => {
            let file = folder.join("crash.db");
            let shim = shim(&folder, &file, arguments.power_loss)?;
            (Target::File(file), None, shim)
        }
        StoreKind::Postgres if arguments.power_loss || arguments.synchronous != Setting::Full => {
            return Err(Failure::new("--power-loss and --synchronous need --store sqlite"));
        }
        StoreKind::Postgres => {
            let server = Server::start(arguments.services.as_deref(), &folder)?;
            (Target::Server(server.url()?), Some(server), None)
        }
    };
    let cast = set_up(&database).await?;
    let program = std::env::current_exe()?;
    let synchronous = arguments.synchronous;
    let killer = Killer { program, database: database.clone(), synchronous, cast, shim, server };
    let outcome = tokio::task::block_in_place(|| torment(&killer, arguments))?;
    let syncs = killer.shim.as_ref().map(Shim::syncs);
    let verdict = verify(&database, cast, &outcome.acknowledged).await?;
    Ok(report(arguments, &outcome, verdict, syncs))
}

fn shim(folder: &Path, database: &Path, power_loss: bool) -> Result<Option<Shim>> {
    match Shim::build(folder, database, power_loss) {
        Ok(shim) => Ok(Some(shim)),
        Err(error) if power_loss => Err(error),
        Err(error) => {
            use std::io::Write as _;
            writeln!(std::io::stderr(), "syncs are not counted: {error}")?;
            Ok(None)
        }
    }
}

async fn set_up(database: &Target) -> Result<Cast> {
    let crm = database.open(Setting::Full).await?;
    let tenant = TenantId::from_uuid(RandomIds.uuid(SystemClock.now()));
    let system = Actor::system(tenant);
    crm.admin().found_tenant(tenant, &Name::new("Desk")?, None, TenantPolicy::default()).await?;
    let chief = NewUser { role: Role::Admin, ..NewUser::customer(Name::new("Chief")?) };
    let admin = crm.admin().create_user(&system, &chief).await?.id;
    let customer = crm.admin().create_user(&system, &NewUser::customer(Name::new("Customer")?)).await?.id;
    Ok(Cast { tenant, admin, customer })
}

/// Runs the rounds: all but the last one end with a kill.
fn torment(killer: &Killer, arguments: &Arguments) -> Result<Outcome> {
    let (writes, rounds) = (arguments.writes as usize, arguments.kills as usize);
    let numbers = writes.div_ceil(2);
    let mut random = Random::new(arguments.seed);
    let mut outcome = Outcome {
        acknowledged: Acknowledged::default(),
        kills: 0,
        server_kills: 0,
        undone: 0,
        damaged: None,
    };
    let progress = Progress::new("kills", rounds);
    for round in 0..=rounds {
        let last = round == rounds;
        let done = outcome.acknowledged.count();
        let share = (writes.saturating_sub(done) / (rounds - round + 1)).max(1);
        let enough = if last { 0 } else { done + 1 + random.below(2 * share) };
        let open: Vec<usize> = (0..numbers)
            .filter(|number| !outcome.acknowledged.replies.contains_key(number))
            .take(if last { numbers } else { 2 * share + 64 })
            .collect();
        // Every fourth round the server dies, if there is one.
        let is_server = killer.server.is_some() && round % 4 == 2 && !last;
        let victim = if is_server { Victim::Server } else { Victim::Process };
        match killer.round(&open, enough, victim, &mut random, &mut outcome.acknowledged) {
            Ok(ended) => {
                let died = usize::from(ended == Ended::Killed);
                outcome.kills += died;
                outcome.server_kills += if is_server { died } else { 0 };
            }
            Err(error) => outcome.damaged = Some(error.to_string()),
        }
        if let Some(shim) = killer.shim.as_ref().filter(|_| arguments.power_loss) {
            outcome.undone += shim.cut_power()?;
        }
        if outcome.damaged.is_some() {
            break;
        }
        progress.tick();
    }
    Ok(outcome)
}

fn report(arguments: &Arguments, outcome: &Outcome, verdict: Verdict, syncs: Option<u64>) -> Report {
    let mut report = Report::default();
    report
        .set("acknowledged", outcome.acknowledged.count())
        .set("lost", verdict.lost)
        .set("duplicated", verdict.duplicated)
        .set("orphans", verdict.orphans)
        .set("torn", verdict.torn)
        .set("kills", outcome.kills)
        .set("server_kills", outcome.server_kills)
        .set("synchronous", arguments.synchronous.as_str())
        .set("fsyncs", syncs)
        .set("power_loss", arguments.power_loss)
        .set("undone_writes", outcome.undone)
        .set("tickets", verdict.tickets)
        .set("damaged", outcome.damaged.clone())
        .set("details", verdict.details);
    report
}
