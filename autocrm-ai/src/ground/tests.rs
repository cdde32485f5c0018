//! The answerer against its contract and against strange texts.

use autocrm_core::{
    assist::{Abstention, AnswerDraft, SourcePassage},
    id::{ArticleId, ChunkId, TenantId},
    port::{AnswerRequest, LanguageModel},
};
use proptest::prelude::*;
use uuid::Uuid;

use super::{EXTRACTIVE_MODEL, ExtractiveAnswerer, ExtractiveOptions};

/// Where every test passage begins in its article.
const START: u32 = 100;

fn passage(number: u128, title: &str, text: &str, score: f32) -> SourcePassage {
    SourcePassage {
        chunk: ChunkId::from_uuid(Uuid::from_u128(number)),
        article: ArticleId::from_uuid(Uuid::from_u128(number)),
        revision: 3,
        title: title.to_owned(),
        heading: String::new(),
        start: START,
        text: text.to_owned(),
        score,
    }
}

fn desk() -> Vec<SourcePassage> {
    let password = "A password can be reset by its owner. Open the settings and choose “Reset”. A code comes by mail. \
                    The code expires after an hour. Support cannot see passwords.";
    vec![
        passage(1, "Reset a forgotten password", password, 9.0),
        passage(2, "Invoices", "Invoices are sent monthly. They list every seat.", 2.0),
        passage(3, "Exporting data", "Choose Export in the menu. A ZIP archive is made.", 1.5),
    ]
}

fn quote(question: &str, passages: &[SourcePassage]) -> AnswerDraft {
    ExtractiveAnswerer::default().quote(question, Some("en"), passages)
}

/// Checks clauses M1 and M3, and that every quote is made of the article's bytes.
fn check(draft: &AnswerDraft, passages: &[SourcePassage]) {
    assert!((0.0..=1.0).contains(&draft.confidence));
    assert_eq!(draft.model, EXTRACTIVE_MODEL);
    assert_eq!(draft.abstention.is_some(), draft.text.is_empty());
    assert_eq!(draft.abstention.is_some(), draft.citations.is_empty());
    let mut expected = Vec::new();
    for citation in &draft.citations {
        let quoted = passages.iter().find_map(|passage| {
            if (passage.article, passage.revision) != (citation.article, citation.revision) {
                return None;
            }
            let from = citation.start.checked_sub(passage.start)? as usize;
            passage.text.get(from..(citation.end - passage.start) as usize)
        });
        expected.push(quoted.expect("a citation lies within a passage of the request"));
    }
    assert_eq!(draft.text, expected.join("\n\n"));
}

#[test]
fn an_answer_quotes_the_article_byte_for_byte() {
    let draft = quote("How can I reset my password? I have forgotten it.", &desk());
    check(&draft, &desk());
    assert_eq!(draft.citations[0].article, desk()[0].article);
    assert_eq!(draft.citations[0].start, START);
    assert!(draft.text.starts_with("A password can be reset"), "{}", draft.text);
    assert!(draft.text.contains("choose “Reset”."));
}

#[test]
fn the_answer_stays_within_its_bounds() {
    let options = ExtractiveOptions { max_sentences: 1, ..ExtractiveOptions::default() };
    let short =
        ExtractiveAnswerer::new(options).quote("How do I reset a forgotten password?", Some("en"), &desk());
    assert_eq!(short.text, "A password can be reset by its owner.");
    let narrow = ExtractiveOptions { max_bytes: 40, ..ExtractiveOptions::default() };
    let draft =
        ExtractiveAnswerer::new(narrow).quote("How do I reset a forgotten password?", Some("en"), &desk());
    assert!(draft.text.len() <= 40, "{}", draft.text);
}

#[test]
fn what_no_passage_says_is_not_answered() {
    assert_eq!(quote("How do I reset my password?", &[]).abstention, Some(Abstention::NothingFound));
    let elsewhere = quote("Do you ship fridges to Norway on Sundays?", &desk());
    assert_eq!(elsewhere.abstention, Some(Abstention::WeakEvidence));
    check(&elsewhere, &desk());
    for unclear in ["", "how is it?", "🙂🙂", "\0", "???"] {
        assert_eq!(quote(unclear, &desk()).abstention, Some(Abstention::UnclearQuestion), "{unclear:?}");
    }
}

#[test]
fn a_lone_passage_is_not_trusted_for_being_alone() {
    let lone = [passage(1, "Invoices", "Invoices are sent monthly.", 5.0)];
    let draft =
        quote("Which printers and scanners are compatible with invoices for customers abroad?", &lone);
    assert_eq!(draft.abstention, Some(Abstention::WeakEvidence));
}

#[test]
fn a_second_article_adds_what_the_first_leaves_out() {
    let passages = [
        passage(1, "Reset a password", "Open the settings to reset a password.", 9.0),
        passage(2, "Hardware keys", "Hardware keys are registered under Security.", 3.0),
    ];
    let draft = quote("How do I reset my password and register hardware keys?", &passages);
    check(&draft, &passages);
    assert_eq!(draft.citations.len(), 2, "{}", draft.text);
    assert_eq!(
        draft.text,
        "Open the settings to reset a password.\n\nHardware keys are registered under Security."
    );
}

#[test]
fn equal_requests_get_equal_answers() {
    let first = quote("How do I reset my password?", &desk());
    assert_eq!(first, quote("How do I reset my password?", &desk()));
}

#[test]
fn other_scripts_are_quoted_too() {
    let passages = [
        passage(1, "パスワード", "パスワードを再設定するには、設定を開きます。確認コードが届きます。", 8.0),
        passage(2, "請求書", "請求書は毎月送られます。", 1.0),
    ];
    let draft = ExtractiveAnswerer::default().quote("パスワードを再設定する方法", Some("ja"), &passages);
    check(&draft, &passages);
    assert!(draft.abstention.is_none());
    let hebrew = [
        passage(1, "איפוס סיסמה", "כדי לאפס סיסמה פותחים את ההגדרות.", 8.0),
        passage(2, "חשבוניות", "חשבוניות נשלחות מדי חודש.", 1.0),
    ];
    check(&ExtractiveAnswerer::default().quote("איפוס סיסמה", Some("he"), &hebrew), &hebrew);
}

#[test]
fn hostile_passages_do_no_harm() {
    let huge = "reset password ".repeat(700_000);
    let mut far = passage(5, "Reset password", "Reset the password.", f32::NAN);
    far.start = u32::MAX;
    let passages = [
        passage(1, "Reset password", &huge, f32::INFINITY),
        passage(2, "", "", -1.0),
        passage(3, "🙂", "\0\0\0", 0.0),
        far,
    ];
    check(&quote("How do I reset my password?", &passages), &passages);
    check(&quote("How do I reset my password?", &passages[3..]), &passages[3..]);
    check(&quote(&huge, &desk()), &desk());
    let many = vec![passage(1, "Reset", "Reset it.", 1.0); 500];
    check(&quote("reset", &many), &many);
}

#[tokio::test]
async fn the_port_answers_likewise() {
    let request = AnswerRequest {
        tenant: TenantId::from_uuid(Uuid::from_u128(1)),
        question: "How do I reset my password?".to_owned(),
        language: None,
        passages: desk(),
    };
    let draft = ExtractiveAnswerer::default().answer(&request).await.unwrap();
    assert_eq!(draft, quote("How do I reset my password?", &desk()));
}

proptest! {
    #[test]
    fn every_draft_keeps_the_contract(
        question in "[a-f ?]{0,40}",
        texts in prop::collection::vec(("[a-f ]{0,20}", "[a-f .!\\n#`|\\-é日]{0,200}", -1.0_f32..20.0), 0..6),
        threshold in 0.0_f32..1.0,
        max_sentences in 0_usize..6,
    ) {
        let passages: Vec<_> =
            (1..).zip(&texts).map(|(number, (title, text, score))| passage(number, title, text, *score)).collect();
        let options = ExtractiveOptions { threshold, max_sentences, max_bytes: 60 };
        check(&ExtractiveAnswerer::new(options).quote(&question, None, &passages), &passages);
    }
}
