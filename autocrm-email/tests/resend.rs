//! Mails through Resend: the idempotency key goes through, its pace is kept, and failures say what they are about.

#![expect(clippy::unwrap_used, reason = "a helper fails as the test that calls it")]

use std::time::{Duration, Instant};

use autocrm_core::{
    error::{ErrorKind, Retry},
    mail::OutboundMail,
    port::Mailer as _,
    text::EmailAddress,
};
use autocrm_email::{
    ApiKey, ResendConfig, ResendMailer,
    testing::{ResendScript, ScriptedResend, TEST_KEY},
};
use mail::outbound;

#[path = "support/mail.rs"]
mod mail;

async fn provider(script: ResendScript) -> ScriptedResend {
    ScriptedResend::start(script).await.unwrap()
}

fn config(provider: &ScriptedResend) -> ResendConfig {
    ResendConfig::new(ApiKey::new(TEST_KEY).unwrap()).base_url(&provider.url()).unwrap().per_second(1_000)
}

fn mailer(provider: &ScriptedResend) -> ResendMailer {
    ResendMailer::new(config(provider)).unwrap()
}

#[tokio::test]
async fn a_mail_is_asked_for_with_all_that_it_has() {
    let provider = provider(ResendScript::default()).await;
    let sent = outbound();
    let taken = mailer(&provider).send(&sent).await.unwrap();
    let (id, asked) = provider.deliveries().remove(0);
    assert_eq!(taken.provider_id, id);
    assert_eq!(provider.delivered_under(&format!("autocrm/{}/{}", sent.tenant, sent.id)), 1);
    assert_eq!(asked["from"], "\"Acme, \\\"Inc\\\": Größe\" <help@acme.example>");
    assert_eq!(asked["to"], serde_json::json!(["cleo@example.org"]));
    assert_eq!(asked["cc"], serde_json::json!(["copy@example.org"]));
    assert_eq!(asked["bcc"], serde_json::json!(["blind@example.org"]));
    assert_eq!(asked["reply_to"], "help+1.token@acme.example");
    assert_eq!(asked["text"], sent.text.as_str());
    assert_eq!(asked["html"], sent.html.unwrap().as_str());
    let headers = &asked["headers"];
    assert_eq!(headers["Message-ID"], format!("<{}>", sent.message_id));
    assert_eq!(headers["References"], "<zeroth@example.org> <first@example.org>");
    assert_eq!(headers["Auto-Submitted"], "auto-replied");
    assert_eq!(headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    let plain = OutboundMail { automatic: false, unsubscribe: None, html: None, ..outbound() };
    mailer(&provider).send(&plain).await.unwrap();
    let (_, asked) = provider.deliveries().remove(1);
    assert!(asked.get("html").is_none() && asked["headers"].get("Auto-Submitted").is_none());
    assert!(asked["headers"].get("List-Unsubscribe").is_none());
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_key() {
    let rough = provider(ResendScript { seed: 1, dropped: 100, refused: 0 }).await;
    let sent = outbound();
    let error = mailer(&rough).send(&sent).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unavailable && error.is_retryable(), "{error:?}");
    assert_eq!(rough.deliveries().len(), 1, "it was taken all the same");
    rough.follow(ResendScript::default());
    mailer(&rough).send(&sent).await.unwrap();
    assert_eq!((rough.deliveries().len(), rough.reused_keys()), (1, 0));
}

#[tokio::test]
async fn too_fast_is_waited_out_by_everybody() {
    let strict = provider(ResendScript { seed: 3, dropped: 0, refused: 100 }).await;
    let mailer = mailer(&strict);
    let mut told = None;
    for _ in 0..60 {
        let error = mailer.send(&outbound()).await.unwrap_err();
        assert!(error.is_retryable());
        if error.kind() == ErrorKind::Overloaded {
            told = Some(error.retry_advice());
            break;
        }
    }
    assert_eq!(told, Some(Retry::Later(Duration::from_secs(1))));
    strict.follow(ResendScript::default());
    let begun = Instant::now();
    mailer.send(&outbound()).await.unwrap();
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_wrong_key_is_not_the_mail_s_fault() {
    let provider = provider(ResendScript::default()).await;
    let wrong = ResendConfig::new(ApiKey::new("re_wrong").unwrap()).base_url(&provider.url()).unwrap();
    let error = ResendMailer::new(wrong).unwrap().send(&outbound()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.retry_advice(), Retry::Later(Duration::from_mins(5)));
    assert!(error.to_string().contains("401 restricted_api_key"), "{error}");
    assert!(!format!("{error:?}").contains("re_wrong"));
    assert!(provider.deliveries().is_empty());
}

#[tokio::test]
async fn a_batch_is_taken_once_as_a_whole() {
    let rough = provider(ResendScript { seed: 5, dropped: 50, refused: 30 }).await;
    let mut first = outbound();
    first.html = None;
    let mails: Vec<OutboundMail> =
        (0..100).map(|_| OutboundMail { id: outbound().id, ..first.clone() }).collect();
    let mailer = mailer(&rough);
    let taken = loop {
        match mailer.send_batch(&mails).await {
            Ok(taken) => break taken,
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
    };
    assert_eq!(taken.len(), 100);
    assert_eq!((rough.deliveries().len(), rough.keys(), rough.reused_keys()), (100, 1, 0));
    rough.follow(ResendScript::default());
    assert_eq!(mailer.send_batch(&mails).await.unwrap(), taken);
    assert_eq!(rough.deliveries().len(), 100);
    // Limits: none, too many, several tenants.
    let kind = async |mails: &[OutboundMail]| mailer.send_batch(mails).await.unwrap_err().kind();
    assert_eq!(kind(&[]).await, ErrorKind::Invalid);
    let many: Vec<OutboundMail> = mails.iter().cloned().chain([outbound()]).collect();
    assert_eq!(kind(&many).await, ErrorKind::Invalid);
    assert_eq!(kind(&[first, outbound()]).await, ErrorKind::Invalid);
    assert_eq!(rough.deliveries().len(), 100);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is_asked_for() {
    let provider = provider(ResendScript::default()).await;
    let mailer = mailer(&provider);
    let accented = EmailAddress::new("änn@example.org").unwrap();
    let many = (0..49).map(|number| EmailAddress::new(format!("a{number}@example.org")).unwrap()).collect();
    for bad in [OutboundMail { to: accented, ..outbound() }, OutboundMail { cc: many, ..outbound() }] {
        assert_eq!(mailer.send(&bad).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert_eq!(provider.requests(), 0);
}
