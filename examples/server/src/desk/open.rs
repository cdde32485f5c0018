//! Opening a desk: the local adapters around a data directory and a database.

use std::path::PathBuf;

use autocrm_ai::{
    classify::TenantClassifiers, ground::ExtractiveAnswerer, language::TrigramDetector, lexical::LexicalIndex,
};
use autocrm_core::{
    access::Actor,
    app::{AutoCrm, AutoCrmBuilder},
    error::ErrorKind,
    mail::{MailKey, MailKeys},
    port::Embedder as _,
    user::Role,
};
use autocrm_email::{AuthVerifier, MimeParser, TrustedResults, webhook::WebhookKey};
use autocrm_storage::blob::FileBlobs;

use crate::desk::{
    DataFolder, Database, DemoTokens, Failure, Hold, Meaning, ModelFiles, Post, Result, demo, templates,
};

/// Where a desk is: its data directory, its database and its way out for mail.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) folder: DataFolder,
    pub(crate) database: Database,
    /// The sentence model, where one is named.
    pub(crate) model: Option<ModelFiles>,
    pub(crate) senders: Senders,
    pub(crate) post: Post,
    /// The folder of templates of one's own.
    pub(crate) templates: Option<PathBuf>,
    /// By which keys webhooks of Resend are believed.
    pub(crate) webhook_keys: Vec<WebhookKey>,
}

/// Whether senders of received mails are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Senders {
    /// Only the word of whoever hands a mail in counts.
    Unverified,
    /// By DKIM and DMARC, and by the results of the named mail server.
    Verified { server: Option<String> },
}

/// How a command uses the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It writes: one process at a time.
    Exclusive,
    /// It reads, beside a process that may be writing.
    Shared,
}

/// A desk that is open.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) crm: AutoCrm,
    pub(crate) index: LexicalIndex,
    /// The space in which passages are found by meaning, where they are.
    pub(crate) embeddings: Option<String>,
    pub(crate) folder: DataFolder,
    pub(crate) post: Post,
    pub(crate) tokens: DemoTokens,
    /// Whether this call made the demo tenant.
    pub(crate) fresh: bool,
    _hold: Option<Hold>,
}

impl Desk {
    /// Opens the desk. An empty directory or database becomes one, with the demo tenant; each step of that is announced. An
    /// existing schema that is outdated is refused: only `migrate` migrates it.
    pub(crate) async fn open(home: &Home, access: Access, announce: &mut impl FnMut(&str)) -> Result<Self> {
        let (folder, database) = (&home.folder, &home.database);
        folder.make()?;
        let hold = match folder.hold() {
            Ok(hold) => Some(hold),
            // Beside a first start that is still under way there is nothing to read yet.
            Err(Failure::Busy(_)) if access == Access::Shared && folder.tokens().exists() => None,
            Err(failure) => return Err(failure),
        };
        // Of nodes that start at once one makes the desk, and the others find it.
        let founding = database.found().await?;
        if database.is_missing().await? {
            announce(&format!("first start: creating and migrating {database}"));
            database.migrate().await?;
        }
        let index = open_index(folder)?;
        let meaning = Meaning::open(home.model.as_ref(), folder)?;
        if let (Meaning::Off(why), Some(_)) = (&meaning, &home.model) {
            announce(&format!("passages are found by their words alone: {why}"));
        }
        let mut builder = home.senders.install(database.open(AutoCrm::builder()).await?)?;
        let mut embeddings = None;
        if let Meaning::On { embedder, vectors } = meaning {
            embeddings = Some(embedder.space().to_string());
            builder = builder.embedder(embedder).vectors(vectors);
        }
        let crm = assemble(home, builder, index.clone())?;
        let mut fresh = false;
        let mut noting = |line: &str| {
            fresh = true;
            announce(line);
        };
        let tokens = demo::ensure(&crm, folder, &mut noting).await?;
        drop(founding);
        if hold.is_some() {
            crm.feed().sync_index().await?;
        }
        let post = home.post.clone();
        Ok(Self { crm, index, embeddings, folder: folder.clone(), post, tokens, fresh, _hold: hold })
    }

    /// Deletes the search index of a directory that nobody uses, damaged or not; opening builds it anew.
    pub(crate) fn forget_index(folder: &DataFolder) -> Result<()> {
        let _hold = folder.hold()?;
        LexicalIndex::create(folder.index())?;
        match std::fs::remove_dir_all(folder.vectors()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::file(folder.vectors())(error));
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the demo tenant's first user of a role, as they are now.
    pub(crate) async fn actor(&self, role: Role) -> Result<Actor> {
        Ok(self.crm.actor(self.tokens.tenant, self.tokens.user(role)?).await?)
    }
}

/// Opens the search index, or makes an empty one.
pub(crate) fn open_index(folder: &DataFolder) -> Result<LexicalIndex> {
    match LexicalIndex::open_or_create(folder.index()) {
        Err(error) if error.kind() == ErrorKind::Corrupt => Err(Failure::Damaged {
            path: folder.index(),
            problem: "the search index is damaged: run `autocrm-server reindex`".to_owned(),
        }),
        opened => Ok(opened?),
    }
}

impl Senders {
    fn install(&self, builder: AutoCrmBuilder) -> Result<AutoCrmBuilder> {
        let Self::Verified { server } = self else { return Ok(builder) };
        let mut verifier = AuthVerifier::system()?;
        if let Some(server) = server {
            verifier = verifier.trusting(TrustedResults::of(server.clone()));
        }
        Ok(builder.verifier(verifier))
    }
}

fn assemble(home: &Home, builder: AutoCrmBuilder, index: LexicalIndex) -> Result<AutoCrm> {
    let folder = &home.folder;
    let path = folder.mail_key();
    let key = MailKey::new(folder.secret(&path)?);
    let key = key.ok_or(Failure::Damaged { path, problem: "the key is too short".to_owned() })?;
    let crm = home
        .post
        .equip(builder, folder)?
        .blobs(FileBlobs::open(folder.blobs())?)
        .index(index)
        .detector(TrigramDetector)
        .classifier(TenantClassifiers::default())
        .model(ExtractiveAnswerer::default())
        .parser(MimeParser::default())
        .templates(templates(home.templates.as_deref())?)
        .mail_keys(MailKeys::new(key, earlier_keys(folder)?))
        .build()?;
    Ok(crm)
}

/// Reads the keys that went before, latest first: what they signed is still believed. A key whose file is gone is retired.
fn earlier_keys(folder: &DataFolder) -> Result<Vec<MailKey>> {
    let mut keys = Vec::new();
    for path in folder.earlier_mail_keys().into_iter().filter(|path| path.exists()) {
        let key = MailKey::new(folder.secret(&path)?);
        keys.push(key.ok_or(Failure::Damaged { path, problem: "the key is too short".to_owned() })?);
    }
    Ok(keys)
}
