//! The suites on the parser, the outbox, SMTP and Resend.

#![expect(clippy::expect_used, reason = "a harness that cannot start fails")]

use std::sync::Arc;

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Delivered, Harness, Probe},
    error::Result,
    id::OutboundId,
    mail::OutboundMail,
    port::{Delivery, MailParser, Mailer},
    text::EmailAddress,
};
use autocrm_email::{
    ApiKey, FileOutbox, MimeParser, ResendConfig, ResendMailer, SmtpConfig, SmtpMailer,
    testing::{ResendScript, ScriptedResend, SmtpSink, TEST_KEY},
};
use tempfile::TempDir;

struct Local;

/// Looks into the folder of an outbox.
struct Folder(TempDir);

#[async_trait]
impl Probe for Folder {
    async fn delivered(&self, mail: OutboundId) -> Option<Delivered> {
        let file = self.0.path().join(format!("{mail}.eml"));
        let raw = std::fs::read(file).ok();
        Some(Delivered { times: usize::from(raw.is_some()), raw: raw.map(Into::into) })
    }
}

#[async_trait]
impl Harness<dyn Mailer> for Local {
    async fn fresh(&self) -> Backend<dyn Mailer> {
        let folder = tempfile::tempdir().expect("a folder");
        let outbox = FileOutbox::open(folder.path()).expect("an outbox");
        Backend::new(Arc::new(outbox) as Arc<dyn Mailer>).with_probe(Folder(folder))
    }
}

/// An SMTP server with TLS from the first byte, and one with `STARTTLS`.
struct Implicit;
struct StartTls;

/// Looks into what a server was given. SMTP knows no ids: mails are told apart by their Message-ID, which the suite
/// begins with the id.
struct Sink(SmtpSink);

#[async_trait]
impl Probe for Sink {
    async fn refuse(&self, recipient: &EmailAddress) -> bool {
        self.0.refuse(recipient);
        true
    }

    async fn delivered(&self, mail: OutboundId) -> Option<Delivered> {
        let mark = format!("Message-ID: <{mail}@");
        let mails = self.0.mails();
        let mut found = mails.iter().filter(|mail| String::from_utf8_lossy(&mail.raw).contains(&mark));
        let raw = found.next().map(|mail| mail.raw.clone().into());
        Some(Delivered { times: usize::from(raw.is_some()) + found.count(), raw })
    }
}

fn over_smtp(sink: SmtpSink) -> Backend<dyn Mailer> {
    let config = SmtpConfig::from_url(&sink.url(None)).expect("a configuration");
    let trusting = config.root_certificate(sink.certificate().as_bytes()).expect("a certificate");
    let mailer = SmtpMailer::new(trusting).expect("a mailer");
    Backend::new(Arc::new(mailer.clone()) as Arc<dyn Mailer>)
        .with_second(Arc::new(mailer))
        .with_probe(Sink(sink))
}

#[async_trait]
impl Harness<dyn Mailer> for Implicit {
    async fn fresh(&self) -> Backend<dyn Mailer> {
        over_smtp(SmtpSink::implicit().await.expect("a server"))
    }
}

#[async_trait]
impl Harness<dyn Mailer> for StartTls {
    async fn fresh(&self) -> Backend<dyn Mailer> {
        over_smtp(SmtpSink::starttls().await.expect("a server"))
    }
}

/// A Resend that does as it is told, and one that drops and refuses.
struct Resend;
struct RoughResend;

/// Looks into what Resend was given, by the id in the key.
struct Provider(Arc<ScriptedResend>);

#[async_trait]
impl Probe for Provider {
    async fn refuse(&self, recipient: &EmailAddress) -> bool {
        self.0.refuse(recipient);
        true
    }

    async fn delivered(&self, mail: OutboundId) -> Option<Delivered> {
        let mark = format!("<{mail}@");
        let deliveries = self.0.deliveries();
        let of_mail = |asked: &serde_json::Value| {
            asked["headers"]["Message-ID"].as_str().is_some_and(|id| id.starts_with(&mark))
        };
        Some(Delivered { times: deliveries.iter().filter(|(_, asked)| of_mail(asked)).count(), raw: None })
    }
}

fn resend_mailer(provider: &ScriptedResend) -> Arc<dyn Mailer> {
    let key = ApiKey::new(TEST_KEY).expect("a key");
    let config = ResendConfig::new(key).base_url(&provider.url()).expect("an address").per_second(u16::MAX);
    Arc::new(ResendMailer::new(config).expect("a mailer"))
}

#[async_trait]
impl Harness<dyn Mailer> for Resend {
    async fn fresh(&self) -> Backend<dyn Mailer> {
        let provider = Arc::new(ScriptedResend::start(ResendScript::default()).await.expect("a provider"));
        let later = Arc::clone(&provider);
        Backend::new(resend_mailer(&provider))
            .with_second(resend_mailer(&provider))
            .with_reopen(Box::new(move || Box::pin(async move { resend_mailer(&later) })))
            .with_probe(Provider(provider))
    }
}

/// Asks again whenever that may help, as the worker does.
struct Patient(Arc<dyn Mailer>);

#[async_trait]
impl Mailer for Patient {
    async fn send(&self, mail: &OutboundMail) -> Result<Delivery> {
        loop {
            match self.0.send(mail).await {
                Err(error) if error.is_retryable() => {}
                answer => return answer,
            }
        }
    }
}

#[async_trait]
impl Harness<dyn Mailer> for RoughResend {
    async fn fresh(&self) -> Backend<dyn Mailer> {
        let script = ResendScript { seed: 7, dropped: 30, refused: 20 };
        let provider = Arc::new(ScriptedResend::start(script).await.expect("a provider"));
        let patient =
            |provider: &ScriptedResend| -> Arc<dyn Mailer> { Arc::new(Patient(resend_mailer(provider))) };
        Backend::new(patient(&provider)).with_second(patient(&provider)).with_probe(Provider(provider))
    }
}

#[async_trait]
impl Harness<dyn MailParser> for Local {
    async fn fresh(&self) -> Backend<dyn MailParser> {
        Backend::new(Arc::new(MimeParser::default()) as Arc<dyn MailParser>)
    }
}

mod mailer {
    use super::Local;

    autocrm_core::mailer_conformance!(Local);
}

mod smtp_implicit {
    use super::Implicit;

    autocrm_core::mailer_conformance!(Implicit);
}

mod smtp_starttls {
    use super::StartTls;

    autocrm_core::mailer_conformance!(StartTls);
}

mod resend {
    use super::Resend;

    autocrm_core::mailer_conformance!(Resend);
}

mod resend_rough {
    use super::RoughResend;

    autocrm_core::mailer_conformance!(RoughResend);
}

mod parser {
    use super::Local;

    autocrm_core::mail_parser_conformance!(Local);
}
