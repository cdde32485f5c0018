//! The process that is killed: writes what it is told, many at once, and says what was acknowledged.

use std::{
    io::{self, BufRead as _, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use autocrm_core::{
    access::Actor,
    app::{self, AutoCrm},
    conversation::Reply,
    id::{TenantId, UserId},
    text::Body,
};
use tokio::{sync::Mutex, task::JoinSet};

use super::{Setting, Target, subject, texts};
use crate::{
    desk::{data, request},
    failure::{Failure, Result},
};

/// The hidden command that `crash` starts.
#[derive(Debug, clap::Args)]
pub(crate) struct ChildArguments {
    #[arg(long)]
    pub(crate) database: Target,
    #[arg(long, value_enum)]
    pub(crate) synchronous: Setting,
    #[arg(long)]
    pub(crate) tenant: TenantId,
    #[arg(long)]
    pub(crate) customer: UserId,
    #[arg(long)]
    pub(crate) writers: usize,
}

/// Reads numbers from standard input, one a line, and for each opens a ticket and replies on it, under keys of their own.
pub(crate) async fn run(arguments: &ChildArguments) -> Result<()> {
    let crm = arguments.database.open(arguments.synchronous).await?;
    let mut work = Vec::new();
    for line in io::stdin().lock().lines() {
        let text = line?;
        let number = text.trim().parse().map_err(|_| Failure::new(format!("not a number: {text}")))?;
        work.push(number);
    }
    say("R")?;
    work.reverse();
    let queue: Arc<Mutex<Vec<usize>>> = Arc::new(Mutex::new(work));
    let customer = Actor::customer(arguments.tenant, arguments.customer);
    let mut writers = JoinSet::new();
    for _ in 0..arguments.writers {
        let (crm, customer, queue) = (crm.clone(), customer.clone(), Arc::clone(&queue));
        writers.spawn(async move {
            loop {
                let next = queue.lock().await.pop();
                let Some(number) = next else { return Ok::<_, Failure>(()) };
                write(&crm, &customer, number).await?;
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    Ok(())
}

async fn write(crm: &AutoCrm, customer: &Actor, number: usize) -> Result<()> {
    let [first, second] = texts(number);
    let opening = data(&subject(number), &first)?;
    let key = request(&format!("ticket-{number}"))?;
    let patience = Patience::begin();
    let opened = loop {
        match crm.processor().keyed(key.clone()).create(customer, &opening).await {
            Ok(opened) => break opened,
            Err(error) => patience.bear(error).await?,
        }
    };
    say(&format!("T {number} {} {}", opened.id, opened.number))?;
    let reply = Reply { body: Body::new(second)?, internal: false };
    let key = request(&format!("reply-{number}"))?;
    let patience = Patience::begin();
    let written = loop {
        match crm.conversations().keyed(key.clone()).reply(customer, opened.id, &reply, None).await {
            Ok(written) => break written,
            Err(error) => patience.bear(error).await?,
        }
    };
    say(&format!("M {number} {}", written.id))
}

/// Has a write repeated that fails because the server is away, under the same key, as a host does.
struct Patience(Instant);

impl Patience {
    /// For how long a write is repeated.
    const LONGEST: Duration = Duration::from_mins(1);

    fn begin() -> Self {
        Self(Instant::now())
    }

    /// Waits a little; fails with what repeating does not help against.
    async fn bear(&self, error: app::Error) -> Result<()> {
        if !error.is_retryable() || self.0.elapsed() > Self::LONGEST {
            return Err(error.into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(())
    }
}

/// Acknowledges: the line is in the pipe when this returns, and survives the process.
fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}
