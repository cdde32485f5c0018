//! The subcommands.

mod ask;
mod doctor;
mod imap;
mod import;
mod mail;
mod mbox;
mod migrate;
mod progress;
mod reindex;
mod serve;
mod transfer;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::{EnvFilter, fmt};

use crate::desk::{
    DataFolder, Database, Home, ModelFiles, Post, PostArguments, Result, Senders, Server, webhook_keys,
};

/// The lease of a job, in seconds.
const LEASE: u64 = 60;

/// A desk that supports AutoCRM itself: HTTP interface, mail import, questions and maintenance.
///
/// Everything lies in one data directory; no other service and no key is needed. With `--database-url` the desk lies on a
/// PostgreSQL server instead, which any number of nodes share. On an empty directory or database a demo tenant is made
/// whose knowledge base is AutoCRM's own documentation.
#[derive(Debug, Parser)]
#[command(name = "autocrm-server")]
pub(crate) struct Arguments {
    /// The data directory.
    #[arg(long, global = true, env = "AUTOCRM_DATA_DIR", default_value = "./autocrm-data")]
    data_dir: PathBuf,
    /// What to log on stderr, such as `info` or `autocrm_core=debug`.
    #[arg(long, global = true, env = "AUTOCRM_LOG", default_value = "warn")]
    log: String,
    /// The PostgreSQL database of the desk, such as `postgres://USER:PASSWORD@HOST/NAME`; without it the desk lies in a
    /// SQLite file of the data directory.
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// How many connections to PostgreSQL are opened at most.
    #[arg(long, global = true, value_name = "N", env = "AUTOCRM_CONNECTIONS", default_value_t = 16)]
    #[arg(value_parser = clap::value_parser!(u32).range(4..=1_000))]
    connections: u32,
    /// A directory that all nodes of a desk on PostgreSQL share: keys, tokens, large raw mails and the outbox. It is the
    /// data directory unless this is given.
    #[arg(long, global = true, value_name = "DIR", env = "AUTOCRM_SHARED_DIR", requires = "database_url")]
    shared_dir: Option<PathBuf>,
    /// Verify the senders of received mails by DKIM and DMARC, with the name servers of this machine.
    #[arg(long, global = true, env = "AUTOCRM_VERIFY_SENDERS")]
    verify_senders: bool,
    /// Believe the `Authentication-Results` of your own mail server, by the name that it writes there. It has to verify
    /// DMARC and to delete fields that claim its name.
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "AUTOCRM_TRUSTED_RESULTS",
        requires = "verify_senders"
    )]
    trusted_results: Option<String>,
    #[command(flatten)]
    post: PostArguments,
    /// A folder of mail templates that go before those that come along: `NAME/LANGUAGE/subject.txt`, `body.mjml` and
    /// `body.txt`, and the same below `tenants/ID` for one tenant.
    #[arg(long, global = true, value_name = "DIR", env = "AUTOCRM_TEMPLATES")]
    templates: Option<PathBuf>,
    /// The directory of a sentence model (`model.onnx`, `tokenizer.json`), by which passages are found by their meaning,
    /// too. Without it, or where it does not work, words alone are searched.
    #[arg(long, global = true, value_name = "DIR", env = "AUTOCRM_MODEL", requires = "onnxruntime")]
    model: Option<PathBuf>,
    /// The ONNX Runtime library, 1.24 or newer, that runs the model: `libonnxruntime.so`.
    #[arg(long, global = true, value_name = "FILE", env = "AUTOCRM_ONNXRUNTIME", requires = "model")]
    onnxruntime: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the HTTP interface and works through the jobs (the default).
    Serve(ServeArguments),
    /// Takes in mails and works through what they bring about: one line per mail.
    Import(ImportArguments),
    /// Answers a question from the knowledge base, with its sources, or says why not.
    Ask {
        /// The question.
        #[arg(required = true, num_args = 1..)]
        question: Vec<String>,
    },
    /// Brings the schema of the database up to date, or copies the desk to a PostgreSQL server.
    Migrate(MigrateArguments),
    /// Looks for what is wrong; exit status 1 when something is.
    Doctor,
    /// Builds the search index anew.
    Reindex,
    /// Looks after outgoing mails.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Prints the description of the HTTP interface (OpenAPI, JSON).
    Openapi,
}

#[derive(Debug, Subcommand)]
enum MailCommand {
    /// Fills every template with sample data and prints what comes out.
    Preview(mail::PreviewArguments),
}

#[derive(Debug, Args)]
struct ServeArguments {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// After how many seconds the jobs of a node that died are taken over by another.
    #[arg(long, value_name = "SECONDS", env = "AUTOCRM_LEASE", default_value_t = LEASE)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3_600))]
    lease: u64,
    #[command(flatten)]
    imap: imap::ImapArguments,
}

impl Default for ServeArguments {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            lease: LEASE,
            imap: imap::ImapArguments::default(),
        }
    }
}

#[derive(Debug, Args)]
struct MigrateArguments {
    /// Copy the desk of the data directory into this empty PostgreSQL database, or go on with an interrupted copy.
    #[arg(long, value_name = "URL", conflicts_with = "database_url")]
    to: Option<String>,
}

#[derive(Debug, Args)]
struct ImportArguments {
    /// A file of many mails (mboxrd, mboxo or mboxcl).
    #[arg(long, value_name = "FILE")]
    mbox: Option<PathBuf>,
    /// A folder of `.eml` files, read in the order of their names; or one such file.
    #[arg(long, value_name = "DIR", required_unless_present = "mbox", conflicts_with = "mbox")]
    eml: Option<PathBuf>,
    /// Vouch for the senders of these mails: they may write on their tickets, and answers may leave by themselves.
    #[arg(long)]
    trust_senders: bool,
}

/// Sets up logging on stderr. A wrong filter is told and the default taken.
pub(crate) fn log(arguments: &Arguments) {
    let filter = EnvFilter::try_new(&arguments.log).unwrap_or_else(|error| {
        eprintln!("--log {}: {error}; logging warnings", arguments.log);
        EnvFilter::new("warn")
    });
    fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Runs the command asked for.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let folder = DataFolder::new(arguments.data_dir, arguments.shared_dir);
    let database = match &arguments.database_url {
        Some(url) => Database::Server(Server::new(url, arguments.connections)?),
        None => Database::File(folder.database()),
    };
    let senders = if arguments.verify_senders {
        Senders::Verified { server: arguments.trusted_results }
    } else {
        Senders::Unverified
    };
    let model = arguments.model.zip(arguments.onnxruntime);
    let home = Home {
        folder,
        database,
        model: model.map(|(directory, library)| ModelFiles { directory, library }),
        senders,
        post: Post::of(&arguments.post)?,
        templates: arguments.templates,
        webhook_keys: webhook_keys(&arguments.post)?,
    };
    match arguments.command.unwrap_or(Command::Serve(ServeArguments::default())) {
        Command::Serve(options) => {
            serve::run(&home, options.listen, Duration::from_secs(options.lease), &options.imap).await
        }
        Command::Import(options) => {
            import::run(&home, options.mbox.as_deref(), options.eml.as_deref(), options.trust_senders).await
        }
        Command::Ask { question } => ask::run(&home, &question.join(" ")).await,
        Command::Migrate(MigrateArguments { to: None }) => migrate::run(&home).await,
        Command::Migrate(MigrateArguments { to: Some(url) }) => {
            transfer::run(&home.folder, &Server::new(&url, arguments.connections)?).await
        }
        Command::Doctor => doctor::run(&home).await,
        Command::Reindex => reindex::run(&home).await,
        Command::Mail(MailCommand::Preview(options)) => mail::preview(home.templates.as_deref(), &options),
        Command::Openapi => {
            println!("{}", autocrm_server::openapi_json());
            Ok(())
        }
    }
}

/// Tells on stderr what a first start does.
fn announce(line: &str) {
    eprintln!("{line}");
}
