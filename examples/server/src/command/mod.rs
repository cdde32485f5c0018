//! The subcommands.

mod ask;
mod doctor;
mod import;
mod mbox;
mod migrate;
mod progress;
mod reindex;
mod serve;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::{EnvFilter, fmt};

use crate::desk::{DataFolder, Result};

/// A desk that supports AutoCRM itself: HTTP interface, mail import, questions and maintenance.
///
/// Everything lies in one data directory; no other service and no key is needed. On an empty directory a demo tenant is
/// made whose knowledge base is AutoCRM's own documentation.
#[derive(Debug, Parser)]
#[command(name = "autocrm-server")]
pub(crate) struct Arguments {
    /// The data directory.
    #[arg(long, global = true, env = "AUTOCRM_DATA_DIR", default_value = "./autocrm-data")]
    data_dir: PathBuf,
    /// What to log on stderr, such as `info` or `autocrm_core=debug`.
    #[arg(long, global = true, env = "AUTOCRM_LOG", default_value = "warn")]
    log: String,
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
    /// Brings the schema of the database up to date.
    Migrate,
    /// Looks for what is wrong; exit status 1 when something is.
    Doctor,
    /// Builds the search index anew.
    Reindex,
    /// Prints the description of the HTTP interface (OpenAPI, JSON).
    Openapi,
}

#[derive(Debug, Args)]
struct ServeArguments {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl Default for ServeArguments {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
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
    let folder = DataFolder::new(arguments.data_dir);
    match arguments.command.unwrap_or(Command::Serve(ServeArguments::default())) {
        Command::Serve(options) => serve::run(&folder, options.listen).await,
        Command::Import(options) => {
            import::run(&folder, options.mbox.as_deref(), options.eml.as_deref(), options.trust_senders).await
        }
        Command::Ask { question } => ask::run(&folder, &question.join(" ")).await,
        Command::Migrate => migrate::run(&folder),
        Command::Doctor => doctor::run(&folder).await,
        Command::Reindex => reindex::run(&folder).await,
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
