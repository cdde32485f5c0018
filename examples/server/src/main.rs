//! The AutoCRM desk as a program: HTTP interface, mail import, questions and maintenance.

mod command;
mod desk;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = command::Arguments::parse();
    command::log(&arguments);
    match command::run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
