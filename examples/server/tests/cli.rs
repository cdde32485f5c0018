//! The program, run as a user runs it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

const MAILS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mails");

fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autocrm-server"));
    command
        .env_remove("DATABASE_URL")
        .env_remove("AUTOCRM_DATA_DIR")
        .env_remove("AUTOCRM_LOG")
        .arg("--data-dir")
        .arg(data);
    command
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    program(data).args(arguments).output().unwrap()
}

#[track_caller]
fn good(output: &Output) -> String {
    let (told, failed) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}\n{told}\n{failed}", output.status);
    told
}

#[track_caller]
fn bad(output: &Output, why: &str) {
    let failed = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{failed}");
    assert!(failed.contains(why) && !failed.contains("panicked"), "{failed}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn directory() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    (folder, data)
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn mails_are_imported_once_answered_and_asked_about() {
    let (_folder, data) = directory();
    let mails = fs::read_dir(MAILS)
        .unwrap()
        .filter(|mail| mail.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "eml"));
    let mails = mails.count();

    let first = run(&data, &["import", "--eml", MAILS, "--trust-senders"]);
    let told = good(&first);
    assert!(text(&first.stderr).contains("first start"), "the first start is told");
    assert!(told.contains(&format!("{mails} mails: ")), "{told}");
    assert!(told.contains("0 duplicates, 0 refused"), "{told}");
    assert_eq!(told.lines().filter(|line| line.trim_start().starts_with('#')).count(), mails, "{told}");
    let answered = told.lines().filter(|line| line.contains(" answered [")).count();
    assert!(answered > 0 && told.contains(&format!("answers: {answered} sent")), "{told}");
    assert_eq!(count(&data.join("outbox")), answered, "each answer is a file in the outbox");

    let again = run(&data, &["import", "--eml", MAILS, "--trust-senders"]);
    let told = good(&again);
    assert!(!text(&again.stderr).contains("first start"));
    assert!(told.contains("0 tickets opened") && told.contains(&format!("{mails} duplicates")), "{told}");
    assert_eq!(count(&data.join("outbox")), answered);

    let told = good(&run(&data, &["ask", "How", "long", "is", "an", "idempotency", "key", "kept?"]));
    assert!(told.contains("bytes ") && told.contains("      > "), "{told}");
    let told = good(&run(&data, &["ask", "Which wheelchairs does the charity in Utrecht lend?"]));
    assert!(told.starts_with("no answer: "), "{told}");

    let told = good(&run(&data, &["doctor"]));
    assert!(told.contains("all is well"), "{told}");
    assert!(good(&run(&data, &["reindex"])).contains("indexed anew"));
    assert!(good(&run(&data, &["migrate"])).contains("schema"));
}

#[test]
fn unverified_senders_get_drafts_only() {
    let (_folder, data) = directory();
    let mail = format!("{MAILS}/10-html-only.eml");
    let told = good(&run(&data, &["import", "--eml", &mail]));
    assert!(told.contains("answers: 0 sent"), "{told}");
    assert_eq!(count(&data.join("outbox")), 0);
}

#[test]
fn an_mbox_is_imported() {
    let (folder, data) = directory();
    let mbox = folder.path().join("some.mbox");
    let mut bytes = Vec::new();
    for name in ["01-embed-with-sqlite.eml", "14-unanswerable.eml"] {
        bytes.extend_from_slice(b"From someone@example.org Mon Nov 16 09:00:00 2026\n");
        bytes.extend(fs::read(Path::new(MAILS).join(name)).unwrap());
        bytes.push(b'\n');
    }
    fs::write(&mbox, bytes).unwrap();
    let told = good(&run(&data, &["import", "--mbox", mbox.to_str().unwrap()]));
    assert!(told.contains("2 mails: 2 tickets opened"), "{told}");
}

#[test]
fn bad_input_is_a_clear_error() {
    let (folder, data) = directory();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    bad(&run(&data, &["import", "--eml", empty.to_str().unwrap()]), "there are no .eml files");
    bad(&run(&data, &["import", "--eml", "/no/such/folder"]), "/no/such/folder");
    bad(&run(&data, &["import", "--mbox", "/no/such/file"]), "/no/such/file");
    bad(&run(&data, &["import", "--mbox", &format!("{MAILS}/14-unanswerable.eml")]), "not an mbox file");
    bad(&run(&data, &["doctor"]), "1 errors");
    assert!(!data.exists(), "nothing was made");
    assert_eq!(run(&data, &["import"]).status.code(), Some(2), "a source is needed");

    fs::create_dir(&data).unwrap();
    fs::write(data.join("autocrm.db"), "this is not a database, but text that is long enough".repeat(40))
        .unwrap();
    let output = run(&data, &["ask", "anything"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: "), "{}", text(&output.stderr));
    assert_eq!(run(&data, &["doctor"]).status.code(), Some(1));
}

#[test]
fn an_outdated_schema_is_refused_until_it_is_migrated() {
    let (_folder, data) = directory();
    fs::create_dir(&data).unwrap();
    // A database without a schema is older than any.
    fs::write(data.join("autocrm.db"), "").unwrap();
    for arguments in
        [&["ask", "anything"][..], &["import", "--eml", MAILS], &["serve", "--listen", "127.0.0.1:0"]]
    {
        bad(&run(&data, arguments), "run `autocrm-server migrate`");
    }
    good(&run(&data, &["migrate"]));
    good(&run(&data, &["ask", "How do I embed AutoCRM?"]));
}

#[cfg(unix)]
#[test]
fn secrets_are_readable_by_their_owner_only_and_doctor_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, data) = directory();
    good(&run(&data, &["ask", "What is a ticket?"]));
    for name in ["mail-key", "demo-tokens.json"] {
        assert_eq!(fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    fs::set_permissions(data.join("mail-key"), fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(&data, &["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("others may read it"), "{}", text(&output.stdout));
}

#[cfg(unix)]
#[test]
fn a_first_serve_imports_the_samples_takes_its_own_tokens_and_stops_on_a_signal() {
    let (_folder, data) = directory();
    let mut child = program(&data)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut told, mut token) = (String::new(), None);
    let address = loop {
        let line = lines.next().expect("the server says where it listens").unwrap();
        if let Some(rest) = line.trim().strip_prefix("customer ") {
            token = rest.split_whitespace().last().map(str::to_owned);
        }
        if let Some(rest) = line.strip_prefix("listening on http://") {
            break rest.split_whitespace().next().unwrap().to_owned();
        }
        told.push_str(&line);
    };
    assert!(told.contains("tickets opened"), "{told}");
    let mut stream = TcpStream::connect(&address).unwrap();
    let token = token.unwrap();
    write!(
        stream,
        "GET /api/tickets HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    // One process at a time writes, and a taken port is told.
    bad(&run(&data, &["import", "--eml", MAILS]), "another autocrm-server uses");
    let (_other_folder, other) = directory();
    bad(&run(&other, &["serve", "--listen", &address]), "is taken by another program");
    assert!(!other.exists(), "a taken port leaves no directory behind");
    good(&run(&data, &["ask", "How", "do", "I", "embed", "AutoCRM?"]));

    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut failed = String::new();
    child.stderr.take().unwrap().read_to_string(&mut failed).unwrap();
    assert!(child.wait().unwrap().success(), "{failed}");
    assert!(failed.contains("the demo trusts the senders of its own sample mails"), "{failed}");
    assert!(failed.trim_end().ends_with("stopped"), "{failed}");
    assert!(good(&run(&data, &["doctor"])).contains("all is well"));
}

#[test]
fn every_mail_template_is_shown_and_can_be_replaced() {
    let (folder, data) = directory();
    let told = good(&run(&data, &["mail", "preview"]));
    assert!(told.ends_with("12 templates\n"), "{told}");
    for name in [
        "ticket.created",
        "ticket.updated",
        "ticket.resolved",
        "ticket.assigned",
        "ticket.breached",
        "ticket.csat",
    ] {
        assert!(told.contains(&format!("== {name}, en\nSubject: ")), "{name} in {told}");
    }
    assert!(!data.exists(), "a preview makes no desk");

    let templates = folder.path().join("templates");
    let own = templates.join("ticket.resolved/en");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("subject.txt"), "Done: {{ ticket.subject }}\n").unwrap();
    let body = "<mjml><mj-body><mj-section><mj-column><mj-text>{{ desk }}</mj-text></mj-column></mj-section></mj-body></mjml>";
    fs::write(own.join("body.mjml"), body).unwrap();
    fs::write(own.join("body.txt"), "{{ desk }}\n").unwrap();
    let (place, out) = (templates.to_str().unwrap(), folder.path().join("out"));
    let shown =
        ["--templates", place, "mail", "preview", "--template", "ticket.resolved", "--language", "en"];
    let told = good(&run(&data, &[&shown[..], &["--out", out.to_str().unwrap()]].concat()));
    assert!(
        told.contains("Subject: Done: The printer is on fire") && told.ends_with("1 templates\n"),
        "{told}"
    );
    assert!(fs::read_to_string(out.join("ticket.resolved.en.html")).unwrap().contains("Acme Ltd"));
    fs::write(own.join("body.txt"), "{{ notes }}\n").unwrap();
    bad(&run(&data, &shown), "the text fails");
    bad(&run(&data, &["mail", "preview", "--template", "nothing"]), "no such template");
}

#[test]
fn the_way_out_for_mail_is_checked_before_anything_is_made() {
    let (folder, data) = directory();
    bad(&run(&data, &["--smtp-url", "mail.example.org", "doctor"]), "not an SMTP server");
    let clear = "smtp://ann:pass@mail.example.org?tls=none";
    bad(&run(&data, &["--smtp-url", clear, "doctor"]), "a password needs TLS");
    bad(&run(&data, &["--resend-key-file", "/no/such/file", "doctor"]), "/no/such/file");
    let key = folder.path().join("key");
    fs::write(&key, "whsec_no\n").unwrap();
    bad(&run(&data, &["--resend-webhook-keys", key.to_str().unwrap(), "doctor"]), "expected one key");
    assert!(!data.exists());
}
