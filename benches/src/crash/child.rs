//! The process that is killed: writes what it is told, many at once, and says what was acknowledged.

use std::{
    io::{self, BufRead as _, Write as _},
    path::PathBuf,
    sync::Arc,
};

use autocrm_core::{
    access::Actor,
    app::AutoCrm,
    conversation::Reply,
    id::{TenantId, UserId},
    text::Body,
};
use tokio::{sync::Mutex, task::JoinSet};

use super::{Setting, handle, subject, synchronous, texts};
use crate::{
    desk::{data, request},
    failure::{Failure, Result},
    store::open_sqlite,
};

/// The hidden command that `crash` starts.
#[derive(Debug, clap::Args)]
pub(crate) struct ChildArguments {
    #[arg(long)]
    pub(crate) database: PathBuf,
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
    let store = open_sqlite(&arguments.database, synchronous(arguments.synchronous))?;
    let crm = handle(store)?;
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
    let opened = crm
        .processor()
        .keyed(request(&format!("ticket-{number}"))?)
        .create(customer, &data(&subject(number), &first)?)
        .await?;
    say(&format!("T {number} {} {}", opened.id, opened.number))?;
    let reply = Reply { body: Body::new(second)?, internal: false };
    let written = crm
        .conversations()
        .keyed(request(&format!("reply-{number}"))?)
        .reply(customer, opened.id, &reply, None)
        .await?;
    say(&format!("M {number} {}", written.id))
}

/// Acknowledges: the line is in the pipe when this returns, and survives the process.
fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}
