//! Measures AutoCRM on your own data, through its public interface only.
//!
//! Every command ends with a table, or with one JSON object as its last line (`--json`). Exit status 0 means that it
//! measured, not that the figure is good.

mod callers;
mod ceiling;
mod claims;
mod cmd;
mod crash;
mod desk;
mod failure;
mod generate;
mod input;
mod library;
mod load;
mod models;
mod plot;
mod postgres;
mod progress;
mod random;
mod report;
mod stats;
mod store;
mod topics;
mod vectors;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{failure::Result, report::Report};

#[derive(Debug, Parser)]
#[command(name = "autocrm-bench", version, about = "Measures AutoCRM on your own data")]
struct Cli {
    /// Print one JSON object as the last line instead of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Creates, reads, lists, searches and processes tickets with many callers at once.
    Load(cmd::load::Arguments),
    /// Sends raw mails through the whole inbound path.
    Mail(cmd::mail::Arguments),
    /// Finds the newest reply in mail bodies.
    Reply(cmd::reply::Arguments),
    /// Tells reports and automatic answers from people's mail.
    Bounce(cmd::bounce::Arguments),
    /// Lets mails leave through a provider that drops and refuses while workers are killed.
    Outbound(cmd::outbound::Arguments),
    /// Trains and tests the text classifier.
    Classify(cmd::classify::Arguments),
    /// Embeds texts, beside the same model called from Python.
    Embed(cmd::embed::Arguments),
    /// Tells answers that rest on their sources from those that do not.
    Ground(cmd::ground::Arguments),
    /// Searches a corpus with judged queries.
    Retrieve(cmd::retrieve::Arguments),
    /// Fills a vector index and compares what it finds with an exact scan.
    Vectors(cmd::vectors::Arguments),
    /// Kills a writing process and looks for what it had acknowledged.
    Crash(cmd::crash::Arguments),
    /// Drops calls and breaks connections at random moments, and looks for what they left behind.
    Cancel(cmd::cancel::Arguments),
    #[command(hide = true)]
    CrashChild(crash::ChildArguments),
    #[command(hide = true)]
    OutboundChild(cmd::outbound::ChildArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match measure(&cli.command).await {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(report)) => match report.print(cli.json) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        },
        Err(error) => fail(&error),
    }
}

async fn measure(command: &Command) -> Result<Option<Report>> {
    match command {
        Command::Load(arguments) => cmd::load::run(arguments).await.map(Some),
        Command::Mail(arguments) => cmd::mail::run(arguments).await.map(Some),
        Command::Reply(arguments) => cmd::reply::run(arguments).map(Some),
        Command::Bounce(arguments) => cmd::bounce::run(arguments).map(Some),
        Command::Outbound(arguments) => cmd::outbound::run(arguments).await.map(Some),
        Command::Classify(arguments) => cmd::classify::run(arguments).await.map(Some),
        Command::Embed(arguments) => cmd::embed::run(arguments).await.map(Some),
        Command::Ground(arguments) => cmd::ground::run(arguments).map(Some),
        Command::Retrieve(arguments) => cmd::retrieve::run(arguments).await.map(Some),
        Command::Vectors(arguments) => cmd::vectors::run(arguments).await.map(Some),
        Command::Crash(arguments) => cmd::crash::run(arguments).await.map(Some),
        Command::Cancel(arguments) => cmd::cancel::run(arguments).await.map(Some),
        Command::CrashChild(arguments) => crash::run_child(arguments).await.map(|()| None),
        Command::OutboundChild(arguments) => cmd::outbound::run_child(arguments).await.map(|()| None),
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("autocrm-bench: {error}");
    ExitCode::FAILURE
}
