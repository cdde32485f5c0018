//! `serve`: HTTP interface and worker, until a signal asks to stop.

use std::{
    convert::Infallible,
    future::{Future, pending},
    io,
    net::SocketAddr,
    time::Duration,
};

use autocrm_core::{
    app::AutoCrm,
    worker::{ShutdownHandle, Worker, WorkerConfig, shutdown},
};
use autocrm_email::{resend::ResendInbox, webhook::WebhookVerifier};
use autocrm_server::{CursorKey, Options, ResendWebhooks, router};
use autocrm_storage::postgres::PostgresStore;
use axum::Router;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    command::{announce, imap::ImapArguments, import::import_samples},
    desk::{Access, Database, Desk, Failure, Home, MAILS, Post, Result},
};

/// How long open connections may take to finish after a stop was asked for.
const GRACE: Duration = Duration::from_secs(10);
/// How often the database is looked after.
const DAY: Duration = Duration::from_hours(24);
/// How often Resend is asked for mails that were missed.
const RECONCILIATION: Duration = Duration::from_mins(15);

/// Serves until SIGINT or SIGTERM: then no new connection is taken, requests and jobs finish, and the store closes.
pub(super) async fn run(
    home: &Home,
    listen: SocketAddr,
    lease: Duration,
    imap: &ImapArguments,
) -> Result<()> {
    let folder = imap.config()?;
    // Before anything is made: a taken port leaves the directory as it is.
    let listener = bind(listen).await?;
    let desk = Desk::open(home, Access::Exclusive, &mut announce).await?;
    if desk.fresh {
        announce(&format!("first start: importing {} sample mails", MAILS.len()));
        announce("the demo trusts the senders of its own sample mails: answers may leave by themselves");
        import_samples(&desk, MAILS).await?;
    }
    introduce(&desk, &listener)?;
    let inbox = match &home.post {
        Post::Resend(mailer) => Some(ResendInbox::of(mailer)),
        Post::Outbox | Post::Smtp(_) => None,
    };
    let app = router(desk.crm.clone(), options(home, &desk, inbox.clone())?);
    let worker = Worker::new(desk.crm.clone(), WorkerConfig { lease, ..WorkerConfig::default() });
    let (handle, signal) = shutdown();
    let asked = stop_asked()?;
    let working = async { tokio::join!(serve(listener, app, asked, handle), worker.run(signal)) };
    let (served, report) = tokio::select! {
        ended = working => ended,
        never = maintain(&home.database) => match never {},
        never = imap.follow(&desk, folder) => match never {},
        never = reconcile(&desk.crm, inbox) => match never {},
    };
    served.map_err(|error| Failure::Usage(format!("the listener failed: {error}")))?;
    tracing::info!(
        done = report.done,
        retried = report.retried,
        dead = report.dead,
        "the worker has stopped"
    );
    announce("stopped");
    Ok(())
}

/// Looks after the database at once and then daily; never returns.
async fn maintain(database: &Database) -> Infallible {
    let Database::Server(server) = database else { return pending().await };
    loop {
        if let Err(error) = PostgresStore::maintain(&server.pool).await {
            tracing::warn!(%error, "the database could not be maintained: let the owner of its tables do so");
        }
        tokio::time::sleep(DAY).await;
    }
}

/// Takes in what Resend told while nobody listened, at once and then every quarter of an hour; never returns.
async fn reconcile(crm: &AutoCrm, inbox: Option<ResendInbox>) -> Infallible {
    let Some(inbox) = inbox else { return pending().await };
    loop {
        match inbox.reconcile(crm).await {
            Ok(found) if found.taken_in > 0 => {
                tracing::info!(taken_in = found.taken_in, "mails that were missed have been taken in");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(code = error.code(), "Resend could not be asked for missed mails"),
        }
        tokio::time::sleep(RECONCILIATION).await;
    }
}

async fn bind(listen: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| {
        Failure::Usage(match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("{listen} is taken by another program: choose another address with --listen")
            }
            _ => format!("cannot listen on {listen}: {error}"),
        })
    })
}

fn options(home: &Home, desk: &Desk, inbox: Option<ResendInbox>) -> Result<Options> {
    let path = desk.folder.cursor_key();
    let key = CursorKey::new(desk.folder.secret(&path)?);
    let key = key.ok_or(Failure::Damaged { path, problem: "the key is too short".to_owned() })?;
    let mut options = Options::new(desk.tokens.bearer(), key);
    if let Some(space) = &desk.embeddings {
        options = options.adapter("embeddings", space.clone());
    }
    if !home.webhook_keys.is_empty() {
        let verifier = WebhookVerifier::new(home.webhook_keys.clone());
        options = options.webhooks(ResendWebhooks::new(verifier, inbox));
    }
    Ok(options
        .index(desk.index.clone())
        .adapter("index", "tantivy, BM25")
        .adapter("answers", autocrm_ai::ground::EXTRACTIVE_MODEL)
        .adapter("classifier", autocrm_ai::classify::LINEAR_MODEL)
        .adapter("language", "trigrams"))
}

fn introduce(desk: &Desk, listener: &TcpListener) -> Result<()> {
    let address = listener.local_addr().map_err(|error| Failure::Usage(error.to_string()))?;
    println!("tokens of the demo tenant (kept in {}, mode 0600):", desk.folder.tokens().display());
    for token in &desk.tokens.tokens {
        println!("  {:<12} {:<9} {}", token.name, token.role.as_str(), token.token);
    }
    println!("outgoing mails: {}", desk.post.describe(&desk.folder.outbox()));
    println!("listening on http://{address} (interface: http://{address}/openapi.json); Ctrl-C stops");
    Ok(())
}

/// Serves until a stop is asked for and open connections have finished, or the grace time is over; then the worker is
/// asked to stop.
async fn serve(
    listener: TcpListener,
    app: Router,
    asked: impl Future<Output = ()>,
    worker: ShutdownHandle,
) -> io::Result<()> {
    let (tell, mut told) = watch::channel(false);
    let stop = async move {
        // An error means that the sender is gone, which asks for a stop as well.
        let _ = told.wait_for(|stop| *stop).await;
    };
    let serving = axum::serve(listener, app).with_graceful_shutdown(stop).into_future();
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = asked => {
            tell.send_replace(true);
            tokio::time::timeout(GRACE, serving).await.unwrap_or(Ok(()))
        }
    };
    worker.stop();
    served
}

#[cfg(unix)]
fn stop_asked() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| Failure::Usage(format!("no signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on other systems listening for signals can fail")]
fn stop_asked() -> Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
