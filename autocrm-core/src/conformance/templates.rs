//! Templates: the same mail again, one line of subject, data that stays text, and a language that is always found. The
//! suite asks for the templates that are named like events.

use crate::{
    conformance::{Backend, rig::assert_refused},
    error::{ErrorKind, Result},
    id::TenantId,
    mail::{Notice, NoticeData, NoticeMessage, NoticeTicket},
    port::{NoticeRequest, Templates},
    tenant::TriggerEvent,
    text::{Key, Language},
};

/// Templates.
type Library = Backend<dyn Templates>;

fn ask(library: &Library, template: &str, language: Option<&str>, data: &NoticeData) -> Result<Notice> {
    let template = Key::new(template).expect("a name");
    let language = language.map(|code| Language::new(code).expect("a language"));
    let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(7));
    library.port().render(&NoticeRequest { tenant, template: &template, language: language.as_ref(), data })
}

fn filled(library: &Library, event: TriggerEvent, data: &NoticeData) -> Notice {
    ask(library, event.as_str(), None, data).expect("the template is there and takes the data")
}

/// N1: the same request gives the same mail.
pub async fn n1_the_same_request_gives_the_same_mail(library: Library) {
    for event in TriggerEvent::ALL {
        let data = NoticeData::sample(event);
        assert_eq!(filled(&library, event, &data), filled(&library, event, &data));
        let bare = NoticeData { agent: None, message: None, ..data };
        assert_eq!(filled(&library, event, &bare), filled(&library, event, &bare));
    }
}

/// N2: no data breaks the subject's line, and what one form of the mail tells the other does too.
pub async fn n2_the_subject_is_one_line_and_both_forms_tell_the_same(library: Library) {
    let event = TriggerEvent::Updated;
    let sample = NoticeData::sample(event);
    let data = NoticeData {
        ticket: NoticeTicket {
            subject: "Fire\r\nBcc: eve@example.org\u{2028}\0".to_owned(),
            ..sample.ticket
        },
        requester: "Ann\nX: y".to_owned(),
        desk: "Acme\r\n\r\nbody".to_owned(),
        message: Some(NoticeMessage { author: "Cleo".to_owned(), text: "uniqueword".to_owned() }),
        ..sample
    };
    // NUL has no place in a text; any other data is taken.
    if let Ok(notice) = ask(&library, event.as_str(), None, &data) {
        assert!(!notice.subject.chars().any(char::is_control), "{:?}", notice.subject);
    }
    let clean =
        NoticeData { ticket: NoticeTicket { subject: "Fire".to_owned(), ..data.ticket.clone() }, ..data };
    let notice = filled(&library, event, &clean);
    assert!(!notice.subject.chars().any(char::is_control), "{:?}", notice.subject);
    assert!(notice.text.contains("uniqueword") && notice.html.contains("uniqueword"));
}

/// N3: in HTML, data is text.
pub async fn n3_data_is_text_in_html(library: Library) {
    for event in TriggerEvent::ALL {
        for hostile in [
            "<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>",
            "</mj-text><mj-raw><b onclick=x>",
            "{{ desk }}{% raw %}<i>",
            "&lt;script&gt; &amp;",
        ] {
            let text = || hostile.to_owned();
            let data = NoticeData {
                event,
                desk: text(),
                ticket: NoticeTicket { number: 1, subject: text(), status: text(), priority: text() },
                requester: text(),
                agent: Some(text()),
                message: Some(NoticeMessage { author: text(), text: format!("a\n{hostile}\nb") }),
            };
            let html = filled(&library, event, &data).html.to_lowercase();
            for made in ["<script", "<img src=x", "<b onclick", "<mj-", "<i>"] {
                assert!(!html.contains(made), "{made} of {hostile} in {html}");
            }
        }
    }
}

/// N4: a template that does not exist is not found.
pub async fn n4_a_template_that_does_not_exist_is_not_found(library: Library) {
    let data = NoticeData::sample(TriggerEvent::Created);
    let missing = ask(&library, "no.such.template", None, &data);
    assert_refused(missing, ErrorKind::NotFound, "a template that does not exist");
}

/// N5: a language without a template is answered in the usual one, which is named.
pub async fn n5_another_language_is_answered_in_the_usual_one(library: Library) {
    for event in TriggerEvent::ALL {
        let data = NoticeData::sample(event);
        let usual = filled(&library, event, &data);
        let other = ask(&library, event.as_str(), Some("tlh"), &data).expect("the usual language answers");
        assert_eq!(other, usual);
    }
}
