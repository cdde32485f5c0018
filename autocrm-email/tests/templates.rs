//! Templates in MJML: the suite on them, and what a host's own templates may and may not do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use autocrm_core::{
    conformance::{Backend, Harness},
    error::ErrorKind,
    id::TenantId,
    mail::{Notice, NoticeData},
    port::{NoticeRequest, Templates},
    tenant::TriggerEvent,
    text::{Key, Language},
};
use autocrm_email::template::{MjmlTemplates, TemplateError, TemplateSource};

struct Mjml;

#[async_trait]
impl Harness<dyn Templates> for Mjml {
    async fn fresh(&self) -> Backend<dyn Templates> {
        Backend::new(Arc::new(MjmlTemplates::default()) as Arc<dyn Templates>)
    }
}

autocrm_core::templates_conformance!(Mjml);

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn language(text: &str) -> Language {
    Language::new(text).unwrap()
}

fn tenant(number: u8) -> TenantId {
    format!("01934b7e-0000-7000-8000-0000000000{number:02}").parse().unwrap()
}

fn source(subject: &str, mjml: &str, text: &str) -> TemplateSource {
    TemplateSource {
        subject: subject.to_owned(),
        mjml: format!(
            "<mjml><mj-body><mj-section><mj-column><mj-text>{mjml}</mj-text></mj-column></mj-section></mj-body></mjml>"
        ),
        text: text.to_owned(),
    }
}

fn render(
    library: &MjmlTemplates,
    owner: TenantId,
    name: &str,
    wanted: Option<&str>,
) -> autocrm_core::error::Result<Notice> {
    let data = NoticeData::sample(TriggerEvent::Created);
    let wanted = wanted.map(language);
    library.render(&NoticeRequest {
        tenant: owner,
        template: &key(name),
        language: wanted.as_ref(),
        data: &data,
    })
}

#[test]
fn every_event_has_a_template_in_each_language_that_lays_out() {
    let library = MjmlTemplates::default();
    assert_eq!(library.names().count(), 12);
    for event in TriggerEvent::ALL {
        for code in ["en", "de"] {
            let notice = render(&library, tenant(1), event.as_str(), Some(code)).unwrap();
            assert_eq!(notice.language.as_str(), code);
            assert!(notice.subject.contains("[#42]") && notice.text.contains("Acme Ltd"), "{notice:?}");
            assert!(notice.html.starts_with("<!doctype html>") && notice.html.contains("Acme Ltd"));
            assert!(!notice.html.contains("<mj-") && !notice.text.contains("{{"), "{}", notice.html);
            assert!(notice.html.len() < 102_400, "mail programs cut what is larger");
        }
    }
}

#[test]
fn a_text_s_lines_stay_lines_and_its_markup_text() {
    let notice = render(&MjmlTemplates::default(), tenant(1), "ticket.updated", None).unwrap();
    assert!(
        notice.html.contains("Please pull the plug.<br /><br />Then &lt;b&gt;wait&lt;&#x2f;b&gt; until"),
        "{}",
        notice.html
    );
    assert!(notice.text.contains("Please pull the plug.\n\nThen <b>wait</b> until tray 2 is cold."));
}

#[test]
fn a_tenant_s_own_template_goes_before_that_of_all() {
    let own =
        |who: &str| source(&format!("{who} {{{{ ticket.number }}}}"), "<b>{{ desk }}</b>", "{{ desk }}");
    let created = key("ticket.created");
    let library = MjmlTemplates::default()
        .with(None, &created, &language("en"), own("all"))
        .unwrap()
        .with(Some(tenant(2)), &created, &language("en"), own("two"))
        .unwrap()
        .with(Some(tenant(2)), &key("welcome"), &language("fr"), own("bienvenue"))
        .unwrap();
    let subject = |owner, name: &str, wanted| {
        render(&library, owner, name, wanted).map(|notice| notice.subject.to_string())
    };
    assert_eq!(subject(tenant(1), "ticket.created", None).unwrap(), "all 42");
    assert_eq!(subject(tenant(2), "ticket.created", Some("en")).unwrap(), "two 42");
    assert!(subject(tenant(2), "ticket.created", Some("de")).unwrap().starts_with("Ihre Nachricht"));
    assert_eq!(subject(tenant(2), "ticket.created", Some("fr")).unwrap(), "two 42");
    assert_eq!(subject(tenant(2), "welcome", Some("fr")).unwrap(), "bienvenue 42");
    // Another tenant does not learn that it exists.
    let missing = render(&library, tenant(1), "welcome", Some("fr")).unwrap_err();
    let unknown = render(&library, tenant(1), "nothing", Some("fr")).unwrap_err();
    assert_eq!((missing.kind(), unknown.kind()), (ErrorKind::NotFound, ErrorKind::NotFound));
}

#[test]
fn a_template_that_asks_for_what_is_not_there_is_refused() {
    let put = |template| MjmlTemplates::default().with(None, &key("own"), &language("en"), template);
    let part = |template| match put(template).unwrap_err() {
        TemplateError::Part { part, .. } | TemplateError::TooLarge { part, .. } => part,
        TemplateError::Name(name) => panic!("{name}"),
    };
    assert!(put(source("{{ desk }}", "{{ desk }}", "{{ desk }}")).is_ok());
    assert_eq!(part(source("{{ dsk }}", "x", "x")), "subject");
    assert_eq!(part(source("x", "{{ ticket.notes }}", "x")), "mjml");
    assert_eq!(part(source("x", "x", "{{ message.text }}")), "text", "there may be no message");
    assert_eq!(part(source("x", "{% if %}", "x")), "mjml");
    assert_eq!(part(source("x", "x", "{{ 'x' | nofilter }}")), "text");
    assert_eq!(part(source("", "x", "x")), "subject");
    assert_eq!(part(source("x", "</mj-text>", "x")), "mjml");
    assert_eq!(part(source("x", "{% include 'ticket.created' %}", "x")), "mjml");
    assert_eq!(part(source("x", &"x".repeat(300_000), "x")), "mjml");
    let mut included = source("x", "x", "x");
    included.mjml = "<mjml><mj-body><mj-include path=\"/etc/passwd\" /></mj-body></mjml>".to_owned();
    assert_eq!(part(included), "mjml");
}

#[test]
fn a_template_cannot_spend_more_than_it_is_given() {
    let begun = Instant::now();
    for costly in [
        "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 2000000 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ] {
        for template in [source("x", costly, "x"), source("x", "x", costly), source(costly, "x", "x")] {
            // Folding makes one line of whatever a subject is, but not of what is too large.
            assert!(
                MjmlTemplates::default().with(None, &key("own"), &language("en"), template).is_err(),
                "{costly}"
            );
        }
    }
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn what_a_subject_breaks_is_folded() {
    let broken = source("Hello\r\nBcc: eve@example.org {{ desk }}\n", "x", "x");
    let library = MjmlTemplates::default().with(None, &key("own"), &language("en"), broken).unwrap();
    let notice = render(&library, tenant(1), "own", None).unwrap();
    assert_eq!(notice.subject.as_str(), "Hello Bcc: eve@example.org Acme Ltd");
}
