//! Templates that each break one clause, and some that break none.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    conformance::{Backend, broken::Broken},
    error::{Error, ErrorKind, Result},
    mail::Notice,
    port::{NoticeRequest, Templates},
    tenant::TriggerEvent,
    text::{Body, Language, Subject, one_line},
};

/// How templates are broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TemplatesFault {
    None,
    /// N1: every mail is another.
    Moody,
    /// N2: the plain form tells nothing.
    EmptyTwin,
    /// N3: data is markup.
    Unescaped,
    /// N4: any name is a template.
    AnyName,
    /// N5: only the usual language is known.
    OneLanguage,
    /// N5: the language wanted is named, whatever was found.
    WrongLanguage,
}

/// Tells every event in one sentence.
struct PlainTemplates {
    fault: TemplatesFault,
    rendered: AtomicUsize,
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Invalid, "render").source(error)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl Templates for PlainTemplates {
    fn render(&self, request: &NoticeRequest<'_>) -> Result<Notice> {
        let known = TriggerEvent::ALL.iter().any(|event| event.as_str() == request.template.as_str());
        if !known && self.fault != TemplatesFault::AnyName {
            return Err(Error::new(ErrorKind::NotFound, "render").context(request.template));
        }
        let usual = Language::new("en").map_err(invalid)?;
        let other = request.language.filter(|wanted| **wanted != usual);
        if other.is_some() && self.fault == TemplatesFault::OneLanguage {
            return Err(Error::new(ErrorKind::NotFound, "render"));
        }
        let data = request.data;
        let quoted = data.message.as_ref().map_or("", |message| message.text.as_str());
        let mut told =
            format!("{}: {} by {}\n{quoted}", data.event.as_str(), data.ticket.subject, data.requester);
        if self.fault == TemplatesFault::Moody {
            told = format!("{told} {}", self.rendered.fetch_add(1, Ordering::Relaxed));
        }
        let html = if self.fault == TemplatesFault::Unescaped { told.clone() } else { escaped(&told) };
        let text = if self.fault == TemplatesFault::EmptyTwin { String::new() } else { told };
        Ok(Notice {
            subject: Subject::new(one_line(&data.ticket.subject, Subject::MAX)).map_err(invalid)?,
            text: Body::new(text).map_err(invalid)?,
            html: Body::new(format!("<p>{html}</p>")).map_err(invalid)?,
            language: match other {
                Some(wanted) if self.fault == TemplatesFault::WrongLanguage => wanted.clone(),
                _ => usual,
            },
        })
    }
}

fn library(fault: TemplatesFault) -> Arc<dyn Templates> {
    Arc::new(PlainTemplates { fault, rendered: AtomicUsize::new(0) })
}

/// Returns templates that break nothing.
pub fn plain_templates() -> Backend<dyn Templates> {
    Backend::new(library(TemplatesFault::None))
}

/// Returns all broken templates.
pub fn broken_templates() -> Vec<Broken<dyn Templates>> {
    fn broken(fault: TemplatesFault) -> impl Fn(Arc<dyn Templates>) -> Arc<dyn Templates> {
        move |_| library(fault)
    }
    port_twins! {
        "moody", ["N1"], broken(TemplatesFault::Moody);
        "empty twin", ["N2"], broken(TemplatesFault::EmptyTwin);
        "data is markup", ["N3"], broken(TemplatesFault::Unescaped);
        "any name", ["N4"], broken(TemplatesFault::AnyName);
        "one language", ["N5"], broken(TemplatesFault::OneLanguage);
        "wrong language", ["N5"], broken(TemplatesFault::WrongLanguage);
    }
}
