//! `migrate --to`: a SQLite desk moves to PostgreSQL.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    node::{MAILS, Node, bad, good, program, run, text},
    support::Database,
};

/// Returns the program on the SQLite file of a directory.
fn on_file(data: &Path) -> Command {
    let mut command = program(data, "");
    command.env_remove("DATABASE_URL");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_moves_also_when_the_move_is_killed() {
    let database = Database::empty().await;
    let (url, folder) = (database.url(), tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    bad(&on_file(&data).args(["migrate", "--to", &url]).output().unwrap(), "there is no desk in");
    good(&on_file(&data).args(["import", "--eml", MAILS, "--trust-senders"]).output().unwrap());

    // Each is killed as soon as it says that it copies a table that the last one did not reach.
    for table in ["autocrm_tenant", "autocrm_message", "autocrm_event"] {
        let mut child = on_file(&data)
            .args(["migrate", "--to", &url])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let sought = format!("copying {table}");
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let reached = said.any(|line| line.contains(&sought));
        child.kill().unwrap();
        assert!(reached && !child.wait().unwrap().success(), "killed while it copied {table}");
    }
    let output = on_file(&data).args(["migrate", "--to", &url]).output().unwrap();
    let told = good(&output);
    assert_eq!(told.lines().filter(|line| line.starts_with("equal  autocrm_")).count(), 22, "{told}");
    assert!(text(&output.stderr).contains("comparing autocrm_ticket"), "{}", text(&output.stderr));
    bad(&on_file(&data).args(["migrate", "--to", &url]).output().unwrap(), "holds a desk already");

    // The same directory goes on with the server's database: tokens, keys and mails count as before.
    let told = good(&run(&data, &url, &["import", "--eml", MAILS, "--trust-senders"]));
    assert!(told.contains("0 tickets opened"), "{told}");
    let node = Node::start(&data, &url, &[]);
    assert_eq!(node.ask("customer", "GET", "/api/tickets", "").status, 200);
    let found = node.ask("admin", "GET", "/api/tickets/search?q=sqlite", "");
    assert!(found.status == 200 && found.body.contains("subject"), "{found:?}");
}
