//! `doctor`: names what is wrong.

use std::{fs, path::Path};

use autocrm_core::{
    access::{Actor, Scope},
    app::AutoCrm,
    change::{EntityRef, Position},
    id::TenantId,
    page::PageRequest,
    port::{Embedder as _, TextIndex as _},
};
use autocrm_storage::Severity;

use crate::desk::{
    DataFolder, Database, DemoTokens, Failure, Home, ModelFiles, Post, Result, open_index, reason,
};

/// How many tenants are looked at.
const TENANTS: u16 = 1_000;
/// How many events are read at once.
const EVENTS: u16 = 1_000;
/// How many dead jobs of a tenant are named.
const DEAD: u16 = 5;

/// What was found so far.
#[derive(Debug, Default)]
struct Findings {
    errors: usize,
    warnings: usize,
}

impl Findings {
    fn good(what: &str) {
        println!("ok       {what}");
    }

    fn warning(&mut self, what: &str) {
        self.warnings += 1;
        println!("warning  {what}");
    }

    fn error(&mut self, what: &str) {
        self.errors += 1;
        println!("error    {what}");
    }
}

/// Examines data directory and database; nothing is changed. Fails when something is wrong.
pub(super) async fn run(home: &Home) -> Result<()> {
    let mut findings = Findings::default();
    if let Database::File(path) = &home.database
        && !path.exists()
    {
        findings.error(&format!("there is no database {}: `serve` or `import` makes one", path.display()));
        return verdict(&findings);
    }
    database(&home.database, &mut findings).await;
    secrets(&home.folder, &mut findings);
    if matches!(home.post, Post::Outbox) {
        writable(&home.folder.outbox(), "outbox", &mut findings);
    }
    if let Err(failure) = desk(home, &mut findings).await {
        findings.error(&failure.to_string());
    }
    meaning(home, &mut findings);
    verdict(&findings)
}

/// Whether a model that was named works.
fn meaning(home: &Home, findings: &mut Findings) {
    match home.model.as_ref().map(ModelFiles::open) {
        None => Findings::good("models: none needed (linear classifier, extractive answers, trigrams)"),
        Some(Ok(embedder)) => Findings::good(&format!("models: {} works", embedder.space())),
        Some(Err(error)) => {
            findings.warning(&format!("models: passages are found by their words alone: {}", reason(&error)));
        }
    }
}

fn verdict(findings: &Findings) -> Result<()> {
    if findings.errors == 0 && findings.warnings == 0 {
        println!("all is well");
        return Ok(());
    }
    Err(Failure::Unhealthy(format!("{} errors and {} warnings", findings.errors, findings.warnings)))
}

/// Schema, integrity and rows that do not belong together; in a file the WAL, on a server roles, partitions and indexes.
async fn database(database: &Database, findings: &mut Findings) {
    let found = database.doctor().await;
    if found.is_empty() {
        Findings::good(match database {
            Database::File(_) => "database: schema, integrity, WAL",
            Database::Server(_) => "database: schema, roles, extensions, partitions, indexes, queue",
        });
    }
    for finding in found {
        let line = format!("database: {} [{}]", finding.message, finding.code);
        match finding.severity {
            Severity::Warning => findings.warning(&line),
            Severity::Error => findings.error(&line),
        }
    }
}

/// Keys and tokens are there and only their owner reads them.
fn secrets(folder: &DataFolder, findings: &mut Findings) {
    let before = findings.errors;
    for path in [folder.mail_key(), folder.tokens()] {
        match fs::metadata(&path) {
            Ok(metadata) if others_read(&metadata) => {
                findings.error(&format!("{}: others may read it; chmod 600", path.display()));
            }
            Ok(_) => {}
            Err(error) => findings.error(&format!("{}: {error}", path.display())),
        }
    }
    if findings.errors == before {
        Findings::good("secrets: mail key and tokens are readable by their owner only");
    }
    writable(&folder.blobs(), "blobs", findings);
}

fn writable(folder: &Path, what: &str, findings: &mut Findings) {
    match tempfile::NamedTempFile::new_in(folder) {
        Ok(_) => Findings::good(&format!("{what}: {} is writable", folder.display())),
        Err(error) => findings.error(&format!("{what}: {} is not writable: {error}", folder.display())),
    }
}

#[cfg(unix)]
fn others_read(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn others_read(_: &fs::Metadata) -> bool {
    false
}

/// Search index and jobs.
async fn desk(home: &Home, findings: &mut Findings) -> Result<()> {
    let (folder, crm) = (&home.folder, home.database.rows().await?);
    let tenants = crm.store().tenants(None, TENANTS).await?;
    if let Some(tokens) = DemoTokens::load(folder)?
        && !tenants.contains(&tokens.tenant)
    {
        findings.error(&format!("{} names a tenant that the database lacks", folder.tokens().display()));
    }
    if folder.index().join("meta.json").exists() {
        index(folder, &crm, &tenants, findings).await?;
    } else {
        findings.error("index: it is missing; run `autocrm-server reindex`");
    }
    jobs(&crm, &tenants, findings).await
}

async fn index(
    folder: &DataFolder,
    crm: &AutoCrm,
    tenants: &[TenantId],
    findings: &mut Findings,
) -> Result<()> {
    let index = open_index(folder)?;
    if let Err(error) = index.verify() {
        findings.error(&format!("index: {error}; run `autocrm-server reindex`"));
        return Ok(());
    }
    let mut behind = 0;
    for tenant in tenants {
        let head = crm.store().head(&Scope::tenant_wide(*tenant)).await?;
        let cursor = index.cursor(*tenant).await?;
        if cursor > head {
            findings.error(&format!("index: it is ahead of tenant {tenant}; run `autocrm-server reindex`"));
        }
        behind += missed(crm, *tenant, cursor).await?;
    }
    if behind > 0 {
        findings.warning(&format!("index: it misses {behind} changes of articles; `serve` catches up"));
    } else {
        Findings::good(&format!("index: {} passages, no change of an article is missing", index.passages()));
    }
    Ok(())
}

/// Returns how many events on articles follow the position; other events need no place in the index.
async fn missed(crm: &AutoCrm, tenant: TenantId, cursor: Position) -> Result<usize> {
    let (mut after, mut missed) = (cursor, 0);
    loop {
        let events = crm.feed().events(&Actor::system(tenant), after, EVENTS).await?;
        let Some(last) = events.last() else { return Ok(missed) };
        after = last.position;
        missed += events.iter().filter(|event| matches!(event.subject, EntityRef::Article(_))).count();
    }
}

async fn jobs(crm: &AutoCrm, tenants: &[TenantId], findings: &mut Findings) -> Result<()> {
    let (mut ready, mut dead) = (0, 0);
    for tenant in tenants {
        let system = Actor::system(*tenant);
        let depth = crm.jobs().depth(&system).await?;
        ready += depth.ready;
        dead += depth.dead;
        for job in crm.jobs().dead(&system, &PageRequest::first(DEAD)).await?.items {
            let error = job.last_error.unwrap_or_default();
            findings.error(&format!("jobs: {} ({}) failed for good: {error}", job.id, job.kind));
        }
    }
    if dead > 0 {
        findings.error(&format!("jobs: {dead} dead letters"));
    } else {
        Findings::good(&format!("jobs: {ready} waiting, no dead letters"));
    }
    Ok(())
}
