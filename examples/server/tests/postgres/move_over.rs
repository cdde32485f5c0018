//! `migrate --to`: a SQLite desk moves to PostgreSQL.

use std::{
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
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

    let mut killed = 0;
    for pause in [150, 250, 350] {
        let mut child = on_file(&data)
            .args(["migrate", "--to", &url])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(pause));
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0, "at least the first one was killed");
    let output = on_file(&data).args(["migrate", "--to", &url]).output().unwrap();
    let told = good(&output);
    assert_eq!(told.lines().filter(|line| line.starts_with("equal  autocrm_")).count(), 21, "{told}");
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
