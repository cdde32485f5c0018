//! Every command runs on something tiny, and its figures add up.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn start(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_autocrm-bench")).args(arguments).output().unwrap()
}

fn measured(arguments: &[&str]) -> Value {
    let output = start(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = start(arguments);
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

fn numbers(found: &Value, keys: &[&str]) {
    for key in keys {
        let value = found[key].as_f64().unwrap_or_else(|| panic!("{key} is no number in {found}"));
        assert!(value > 0.0, "{key} is {value}");
    }
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn load_measures_memory() {
    let arguments = ["load", "--store", "memory", "--clients", "4", "--seconds", "0.1", "--tickets", "50"];
    let found = measured(&arguments);
    numbers(
        &found,
        &["create_per_s", "get_per_s", "list_p50_ms", "search_p99_ms", "process_per_s", "growth_list"],
    );
    assert_eq!(found["tickets"], 50);
    assert!(refused(&[&arguments[..], &["--ceiling"]].concat()).contains("needs --store sqlite"));
}

#[test]
fn load_compares_sqlite_with_its_ceiling_and_draws() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("load.svg");
    let found = measured(&[
        "load",
        "--store",
        "sqlite",
        "--clients",
        "4",
        "--seconds",
        "0.2",
        "--tickets",
        "30",
        "--ceiling",
        "--plot",
        svg.to_str().unwrap(),
    ]);
    numbers(
        &found,
        &[
            "create_p50_ms",
            "create_p99_ms",
            "ceiling_create_per_s",
            "ceiling_rows_per_s",
            "create_to_ceiling",
            "single_create_per_s",
            "ceiling_get_per_s",
            "ceiling_list_p50_ms",
        ],
    );
    // Ticket, message, participant, two events, job, idempotency key, search row.
    assert_eq!(found["rows_per_create"], 8);
    assert!(fs::read_to_string(svg).unwrap().contains("<polyline"));
}

#[test]
fn every_mail_is_accounted_for() {
    for store in ["memory", "sqlite"] {
        let found = measured(&["mail", "--messages", "generated:600", "--store", store, "--clients", "8"]);
        let count = |key: &str| found[key].as_u64().unwrap();
        let parts = ["tickets", "appended", "held", "reports", "duplicates", "failed"];
        assert_eq!(parts.iter().map(|key| count(key)).sum::<u64>(), 600, "{found}");
        assert_eq!(count("tickets"), count("generated_new"), "{found}");
        assert_eq!(count("appended"), count("generated_reply"), "{found}");
        assert_eq!(count("held"), count("generated_stranger"), "{found}");
        assert_eq!(count("duplicates"), count("generated_duplicate"), "{found}");
        assert_eq!(count("jobs_dead") + count("jobs_retried"), 0, "{found}");
        assert!(count("outbox") > 0, "{found}");
        numbers(&found, &["per_s", "drained_per_s", "p50_ms", "p99_ms"]);
    }
}

#[test]
fn mails_come_from_a_box_and_a_bad_box_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mail = "From a Mon\nFrom: Ann <ann@example.org>\nTo: support@desk.example\nSubject: Hello\n\nHow are you?\n\n";
    let path = write(folder.path(), "two.mbox", &format!("{mail}{}", mail.replace("Hello", "Again")));
    let found = measured(&["mail", "--messages", &path, "--store", "memory"]);
    assert_eq!((found["messages"].as_u64(), found["tickets"].as_u64()), (Some(2), Some(2)));
    let bad = write(folder.path(), "bad.mbox", "\nSubject: x\n");
    assert!(refused(&["mail", "--messages", &bad, "--store", "memory"]).contains("bad.mbox:2: "));
    assert!(refused(&["mail", "--messages", "generated:0", "--store", "memory"]).contains("generated:N"));
}

#[test]
fn replies_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let quoted = "Yes, it does.\n\nOn 3 Mar 2026 at 10:12, Ann <ann@example.com> wrote:\n> Does it?\n";
    write(folder.path(), "good.txt", quoted);
    write(folder.path(), "good.expected.txt", "Yes,   it does.\n");
    write(folder.path(), "wrong.eml", "From: a@b.example\nSubject: x\n\nNo.\n");
    write(folder.path(), "wrong.expected.txt", "Yes.\n");
    let found = measured(&["reply", "--cases", folder.path().to_str().unwrap()]);
    assert_eq!(found["cases"], 2);
    assert_eq!(found["exact"], 0.5);
    assert_eq!(found["failures"], serde_json::json!(["wrong"]));
    write(folder.path(), "lonely.expected.txt", "x");
    assert!(refused(&["reply", "--cases", folder.path().to_str().unwrap()]).contains("lonely"));
}

#[test]
fn reports_are_told_from_people() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    write(
        folder.path(),
        "a.eml",
        "Return-Path: <>\nFrom: mailer-daemon@x.example\nSubject: failure notice\n\n<a@b.example>:\n550 no such user\n",
    );
    write(folder.path(), "b.eml", "From: a@b.example\nAuto-Submitted: auto-replied\n\nAway.\n");
    write(folder.path(), "c.eml", "From: a@b.example\nSubject: Hello\n\nHow are you?\n");
    write(
        folder.path(),
        "d.eml",
        "From: a@b.example\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n",
    );
    let labels = "file,class\na.eml,bounce\nb.eml,auto_reply\nc.eml,human\nd.eml,feedback\n";
    write(folder.path(), "labels.csv", labels);
    let found = measured(&["bounce", "--cases", path]);
    assert_eq!((found["cases"].as_u64(), found["correct"].as_u64()), (Some(4), Some(4)), "{found}");
    assert_eq!((found["macro_f1"].as_f64(), found["human_as_bounce"].as_u64()), (Some(1.0), Some(0)));
    assert_eq!(found["per_class"]["bounce"]["recall"], 1.0);
    numbers(&found, &["per_s"]);
    write(folder.path(), "labels.csv", &labels.replace("a.eml,bounce", "a.eml,human"));
    let found = measured(&["bounce", "--cases", path]);
    assert_eq!(found["human_as_bounce"], 1);
    write(folder.path(), "labels.csv", "file,class\na.eml,spam\n");
    assert!(refused(&["bounce", "--cases", path]).contains("labels.csv:2: `spam` is none of"));
    write(folder.path(), "labels.csv", "file,class\ngone.eml,human\n");
    assert!(refused(&["bounce", "--cases", path]).contains("gone.eml"));
}

#[test]
fn texts_are_classified() {
    let folder = tempfile::tempdir().unwrap();
    let (mut train, mut test) = ("text,label\n".to_owned(), "text,label\n".to_owned());
    for number in 0..30 {
        writeln!(train, "my invoice {number} is wrong,billing\nI forgot my password {number},login").unwrap();
        writeln!(train, "the weather number {number},none").unwrap();
    }
    test.push_str("another invoice,billing\nthe password is gone,login\nsome weather,none\n");
    let (train, test) = (write(folder.path(), "train.csv", &train), write(folder.path(), "test.csv", &test));
    let found = measured(&[
        "classify",
        "--train",
        &train,
        "--test",
        &test,
        "--out-of-scope",
        "none",
        "--model",
        "none",
    ]);
    assert_eq!(found["classes"], 2);
    assert_eq!(found["accuracy"], 1.0);
    numbers(&found, &["train_s", "predict_per_s", "oos_auroc", "in_scope_accuracy"]);
    let few = measured(&[
        "classify", "--train", &train, "--test", &test, "--shots", "5", "--seed", "3", "--model", "none",
    ]);
    assert_eq!((few["train"].as_u64(), few["classes"].as_u64()), (Some(15), Some(3)));
    let bad = write(folder.path(), "bad.csv", "text,label\na,b,c\n");
    assert!(refused(&["classify", "--train", &bad, "--test", &test]).contains("bad.csv:2: 3 fields"));
}

#[test]
fn documents_are_retrieved() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = write(
        folder.path(),
        "corpus.jsonl",
        "{\"_id\":\"a\",\"title\":\"Refunds\",\"text\":\"How to get a refund.\"}\n{\"_id\":\"b\",\"title\":\"Passwords\",\"text\":\"How to reset a password.\"}\n",
    );
    let queries = write(folder.path(), "queries.jsonl", "{\"_id\":\"q\",\"text\":\"reset my password\"}\n");
    let qrels = write(folder.path(), "qrels.tsv", "query-id\tcorpus-id\tscore\nq\tb\t1\n");
    let arguments = ["retrieve", "--corpus", &corpus, "--queries", &queries, "--qrels", &qrels, "--mode"];
    let found = measured(&[&arguments[..], &["lexical"]].concat());
    assert_eq!((found["ndcg_10"].as_f64(), found["mrr_10"].as_f64()), (Some(1.0), Some(1.0)));
    assert_eq!(found["documents"], 2);
    assert!(refused(&[&arguments[..], &["vector", "--model", "none"]].concat()).contains("needs a model"));
}

/// The folder of `scripts/models`.
fn models() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test reads where its models are")]
    let folder = std::env::var("AUTOCRM_TEST_MODELS_DIR");
    folder.expect(
        "AUTOCRM_TEST_MODELS_DIR is not set: `scripts/models fetch`, then `eval \"$(scripts/models env)\"`",
    )
}

#[test]
fn a_model_embeds_retrieves_and_classifies() {
    let (folder, home) = (tempfile::tempdir().unwrap(), models());
    let model = format!("{home}/all-MiniLM-L6-v2");
    let library = format!("{home}/onnxruntime/libonnxruntime.so");
    let with = ["--model", &model, "--onnxruntime", &library];
    let texts = write(folder.path(), "texts.txt", "How do I pay?\nWhere is my parcel?\n");
    let python = format!("{home}/python/bin/python");
    let found = measured(&[&["embed", "--texts", &texts, "--python", &python], &with[..]].concat());
    numbers(&found, &["per_s", "p50_ms", "peer_per_s"]);
    assert!(found["cosine_min"].as_f64().unwrap() > 0.99, "{found}");

    let corpus = write(
        folder.path(),
        "corpus.jsonl",
        "{\"_id\":\"a\",\"title\":\"Refunds\",\"text\":\"How to get your money back.\"}\n{\"_id\":\"b\",\"title\":\"Passwords\",\"text\":\"How to reset a password.\"}\n",
    );
    let queries = write(folder.path(), "queries.jsonl", "{\"_id\":\"q\",\"text\":\"I cannot log in\"}\n");
    let qrels = write(folder.path(), "qrels.tsv", "query-id\tcorpus-id\tscore\nq\tb\t1\n");
    for mode in ["vector", "rrf", "hybrid"] {
        let asked =
            ["retrieve", "--corpus", &corpus, "--queries", &queries, "--qrels", &qrels, "--mode", mode];
        let found = measured(&[&asked[..], &with].concat());
        assert_eq!(found["ndcg_10"].as_f64(), Some(1.0), "{mode}");
    }

    let mut train = "text,label\n".to_owned();
    for number in 0..25 {
        writeln!(train, "my invoice {number} is wrong,billing\nI forgot my password {number},login").unwrap();
    }
    let train = write(folder.path(), "train.csv", &train);
    let test = write(
        folder.path(),
        "test.csv",
        "text,label\nis the invoice wrong,billing\nforgot the password,login\n",
    );
    let found = measured(&[&["classify", "--train", &train, "--test", &test], &with[..]].concat());
    assert_eq!(found["accuracy"], 1.0, "{found}");
    numbers(&found, &["baseline_accuracy", "embed_s"]);
}

fn crash(more: &[&str]) -> Value {
    let arguments = ["crash", "--store", "sqlite", "--writes", "300", "--kills", "4"];
    measured(&[&arguments[..], more].concat())
}

#[test]
fn a_killed_process_loses_nothing() {
    let found = crash(&[]);
    for key in ["lost", "duplicated", "orphans", "torn"] {
        assert_eq!(found[key], 0, "{found}");
    }
    assert_eq!((found["acknowledged"].as_u64(), found["kills"].as_u64()), (Some(300), Some(4)), "{found}");
    numbers(&found, &["fsyncs"]);
}

#[test]
fn a_lost_power_loses_nothing_unless_nothing_is_synced() {
    let found = crash(&["--power-loss"]);
    for key in ["lost", "duplicated", "orphans", "torn"] {
        assert_eq!(found[key], 0, "{found}");
    }
    let careless = crash(&["--power-loss", "--synchronous", "off"]);
    numbers(&careless, &["lost"]);
}

#[test]
fn every_mail_leaves_once_though_workers_are_killed() {
    let found = measured(&["outbound", "--mails", "60", "--kills", "3", "--seed", "4"]);
    assert_eq!(found["mails"], 60, "{found}");
    for key in ["missing", "second_deliveries", "unrecorded", "keys_with_two_bodies"] {
        assert_eq!(found[key], 0, "{key}: {found}");
    }
    numbers(&found, &["kills", "requests", "per_s"]);
}
