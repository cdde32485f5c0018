//! Runs every program of this package and looks at what it says and leaves behind.

use std::{error::Error, path::Path, process::Command};

#[path = "../../autocrm-storage/tests/postgres/support.rs"]
#[expect(dead_code, reason = "the store's own tests use more of it")]
mod support;

use serde_json::Value;

type Outcome = Result<(), Box<dyn Error>>;

/// Runs a program in an empty directory and returns what it prints.
fn run(program: &str, arguments: &[&Path]) -> Result<String, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let output = Command::new(program).args(arguments).current_dir(&directory).output()?;
    let (printed, complaint) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    if !output.status.success() {
        return Err(format!("{program} failed: {complaint}{printed}").into());
    }
    Ok(printed)
}

#[test]
fn quickstart_opens_a_ticket_and_does_its_job() -> Outcome {
    let printed = run(env!("CARGO_BIN_EXE_quickstart"), &[])?;
    assert_eq!(printed, "ticket 1 is new; 1 job done\n");
    let source = include_str!("../src/bin/quickstart.rs");
    assert!(source.lines().count() < 40, "the quick start is quick to read");
    Ok(())
}

#[test]
fn custom_adapter_takes_the_agents_mail_once() -> Outcome {
    let directory = tempfile::tempdir()?;
    let journal = directory.path().join("mails.jsonl");
    // Half a line is what a crash leaves; the mail has to be whole all the same.
    std::fs::write(&journal, "{\"id\":\"01900000-0000")?;
    run(env!("CARGO_BIN_EXE_custom_adapter"), &[&journal])?;
    let lines = std::fs::read_to_string(&journal)?;
    let mails = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let [mail] = mails.as_slice() else { return Err(format!("one mail, not {}", mails.len()).into()) };
    assert_eq!(mail["to"], "ann@example.com");
    assert_eq!(mail["subject"], "Re: Where is my parcel? [#1]");
    assert_eq!(mail["text"], "It is at the customs office.");
    Ok(())
}

#[test]
fn sqlite_desk_answers_from_its_article_and_keeps_everything() -> Outcome {
    let directory = tempfile::tempdir()?;
    let desk = directory.path().join("desk");
    for number in 1..=2 {
        let printed = run(env!("CARGO_BIN_EXE_sqlite_desk"), &[&desk])?;
        let expected = format!(
            "ticket {number} is waiting_customer, category returns\n\
             assistant: Send []\n\
             answer: You get your refund 5 days after we have received the goods.\n\
             source: returns, bytes 131..191\n"
        );
        assert_eq!(printed, expected);
    }
    Ok(())
}

#[test]
fn host_transaction_commits_both_or_neither() -> Outcome {
    let directory = tempfile::tempdir()?;
    let printed = run(env!("CARGO_BIN_EXE_host_transaction"), &[&directory.path().join("shop.db")])?;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "order 1: refund and ticket are committed",
            "order 2: the bank refuses so large a refund; neither is there",
            "order 3: conflict; the shop plans again",
            "order 3: refund is committed, and ticket 1 is about: Refund of orders 1 and 3",
        ]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn host_transaction_postgres_commits_both_or_neither() -> Outcome {
    let database = support::Database::empty().await;
    let url = database.url();
    let printed = run(env!("CARGO_BIN_EXE_host_transaction_postgres"), &[Path::new(&url)])?;
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(
        lines,
        [
            "order 1: refund and ticket are committed",
            "order 2: the bank refuses so large a refund; neither is there",
            "order 3: conflict; the shop plans again",
        ]
    );
    Ok(())
}
