//! Filling and laying out.

use std::{fmt, io};

use autocrm_core::{
    error::ErrorKind,
    mail::NoticeData,
    text::{Body, Language, Subject, one_line},
};
use minijinja::{AutoEscape, Environment, ErrorKind as FillError, HtmlEscape, UndefinedBehavior, Value};
use mrml::prelude::{parser::ParserOptions, render::RenderOptions};

use super::source::{MAX_PART, TemplateSource};

/// How many steps filling one part may take.
const FUEL: u64 = 100_000;
/// The largest filled part, in bytes.
const MAX_FILLED: usize = 1_048_576;

/// What filling gave.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) subject: Subject,
    pub(super) text: Body,
    pub(super) html: Body,
}

/// Why a part could not be filled.
#[derive(Debug)]
pub(super) struct Unfilled {
    pub(super) part: &'static str,
    pub(super) kind: ErrorKind,
    pub(super) problem: String,
}

impl Unfilled {
    fn new(part: &'static str, kind: ErrorKind, problem: impl fmt::Display) -> Self {
        Self { part, kind, problem: problem.to_string() }
    }
}

/// Fills and lays out all parts of a template.
pub(super) fn fill(
    source: &TemplateSource,
    language: &Language,
    data: &NoticeData,
) -> Result<Filled, Unfilled> {
    let values =
        minijinja::context! { language => language.as_str(), ..Value::from(minijinja::value::Serde(data)) };
    // A subject is one line: what a template or its data breaks is folded, and no character can begin a header.
    let subject = part("subject", &source.subject, AutoEscape::None, &values)?;
    let subject = Subject::new(one_line(&subject, Subject::MAX))
        .map_err(|error| Unfilled::new("subject", ErrorKind::Invalid, error))?;
    let text = part("text", &source.text, AutoEscape::None, &values)?;
    let text = Body::new(text).map_err(|error| Unfilled::new("text", ErrorKind::Invalid, error))?;
    let mjml = part("mjml", &source.mjml, AutoEscape::Html, &values)?;
    Ok(Filled { subject, text, html: lay_out(&mjml)? })
}

fn lay_out(mjml: &str) -> Result<Body, Unfilled> {
    let wrong = |problem: &dyn fmt::Display| Unfilled::new("mjml", ErrorKind::Invalid, problem);
    // The usual loader of included files refuses every one.
    let parsed = mrml::parse_with_options(mjml, &ParserOptions::default()).map_err(|error| wrong(&error))?;
    let html = parsed.element.render(&RenderOptions::default()).map_err(|error| wrong(&error))?;
    Body::new(html).map_err(|error| Unfilled::new("mjml", ErrorKind::LimitExceeded, error))
}

fn part(name: &'static str, source: &str, escape: AutoEscape, values: &Value) -> Result<String, Unfilled> {
    if source.len() > MAX_PART {
        return Err(Unfilled::new(name, ErrorKind::LimitExceeded, "the part is too large"));
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(move |_| escape.clone());
    environment.set_fuel(Some(FUEL));
    environment.add_filter("lines", lines);
    let failed = |error: minijinja::Error| {
        let kind = match error.kind() {
            FillError::OutOfFuel | FillError::WriteFailure => ErrorKind::LimitExceeded,
            _ => ErrorKind::Invalid,
        };
        Unfilled::new(name, kind, error)
    };
    let template = environment.template_from_str(source).map_err(failed)?;
    let mut out = Bounded(Vec::new());
    template.render_captured_to(values, &mut out).map_err(failed)?;
    String::from_utf8(out.0).map_err(|error| Unfilled::new(name, ErrorKind::Invalid, error))
}

/// Breaks the lines of a text for HTML: the text stays text.
fn lines(text: &str) -> Value {
    let escaped: Vec<String> = text.lines().map(|line| HtmlEscape(line).to_string()).collect();
    Value::from_safe_string(escaped.join("<br />"))
}

/// Takes no more than a filled part may hold.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_FILLED {
            return Err(io::Error::other("the filled part is too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
