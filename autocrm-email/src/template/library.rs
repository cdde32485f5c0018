//! Which template is taken.

use std::{collections::BTreeMap, fmt, sync::Arc};

use autocrm_core::{
    error::{Error, ErrorKind, Result},
    id::TenantId,
    mail::{Notice, NoticeData},
    port::{NoticeRequest, Templates},
    tenant::TriggerEvent,
    text::{Key, Language},
};

use super::{
    engine::fill,
    source::{MAX_PART, TemplateError, TemplateSource},
};

const RENDER: &str = "templates.render";
/// The language that stands in for one without a template.
const FALLBACK: &str = "en";

macro_rules! built_in {
    ($($name:literal $language:literal;)+) => {
        &[$((
            $name,
            $language,
            include_str!(concat!("../../templates/", $name, "/", $language, "/subject.txt")),
            include_str!(concat!("../../templates/", $name, "/", $language, "/body.mjml")),
            include_str!(concat!("../../templates/", $name, "/", $language, "/body.txt")),
        )),+]
    };
}

/// The templates that come along: name, language, subject, body in MJML, and plain twin.
pub const BUILT_IN: &[(&str, &str, &str, &str, &str)] = built_in! {
    "ticket.created" "en";
    "ticket.created" "de";
    "ticket.updated" "en";
    "ticket.updated" "de";
    "ticket.resolved" "en";
    "ticket.resolved" "de";
    "ticket.assigned" "en";
    "ticket.assigned" "de";
    "ticket.breached" "en";
    "ticket.breached" "de";
    "ticket.csat" "en";
    "ticket.csat" "de";
};

/// Where a template is found: that of the tenant goes before that of all.
type Shelf = BTreeMap<(Option<TenantId>, String, String), TemplateSource>;

/// Templates in MJML: those that come along, and the host's own in their place.
#[derive(Clone)]
pub struct MjmlTemplates {
    shelf: Arc<Shelf>,
}

impl Default for MjmlTemplates {
    fn default() -> Self {
        let mut shelf = Shelf::new();
        for (name, language, subject, mjml, text) in BUILT_IN {
            let source = TemplateSource {
                subject: (*subject).to_owned(),
                mjml: (*mjml).to_owned(),
                text: (*text).to_owned(),
            };
            shelf.insert((None, (*name).to_owned(), (*language).to_owned()), source);
        }
        Self { shelf: Arc::new(shelf) }
    }
}

impl fmt::Debug for MjmlTemplates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MjmlTemplates").field("templates", &self.shelf.len()).finish()
    }
}

impl MjmlTemplates {
    /// Puts a template in the place of the one that comes along, or beside them under a name of its own; for one tenant,
    /// or for all. It is tried out on the sample data of every event first.
    ///
    /// # Errors
    /// If a part is too large, cannot be read, or fails on the sample data.
    pub fn with(
        mut self,
        tenant: Option<TenantId>,
        name: &Key,
        language: &Language,
        source: TemplateSource,
    ) -> std::result::Result<Self, TemplateError> {
        for (part, text) in [("subject", &source.subject), ("mjml", &source.mjml), ("text", &source.text)] {
            if text.len() > MAX_PART {
                return Err(TemplateError::TooLarge { part, actual: text.len() });
            }
        }
        for event in TriggerEvent::ALL {
            let sample = NoticeData::sample(event);
            let bare = NoticeData { agent: None, message: None, ..sample.clone() };
            for data in [sample, bare] {
                fill(&source, language, &data).map_err(|unfilled| TemplateError::Part {
                    part: unfilled.part,
                    problem: unfilled.problem,
                })?;
            }
        }
        let place = (tenant, name.as_str().to_owned(), language.as_str().to_owned());
        Arc::make_mut(&mut self.shelf).insert(place, source);
        Ok(self)
    }

    /// Returns the name and language of every template for all tenants.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.shelf
            .keys()
            .filter(|(tenant, _, _)| tenant.is_none())
            .map(|(_, name, language)| (name.as_str(), language.as_str()))
    }

    /// The language wanted goes before the fallback, and within a language the tenant's own before that of all.
    fn find(&self, request: &NoticeRequest<'_>) -> Option<(&TemplateSource, &str)> {
        let wanted = request.language.map(Language::as_str);
        for language in wanted.into_iter().chain([FALLBACK]) {
            for tenant in [Some(request.tenant), None] {
                let place = (tenant, request.template.as_str().to_owned(), language.to_owned());
                if let Some(((_, _, found), source)) = self.shelf.get_key_value(&place) {
                    return Some((source, found));
                }
            }
        }
        None
    }
}

impl Templates for MjmlTemplates {
    fn render(&self, request: &NoticeRequest<'_>) -> Result<Notice> {
        let Some((source, language)) = self.find(request) else {
            return Err(Error::new(ErrorKind::NotFound, RENDER).context(request.template));
        };
        let language =
            Language::new(language).map_err(|error| Error::new(ErrorKind::Internal, RENDER).source(error))?;
        let filled = fill(source, &language, request.data).map_err(|unfilled| {
            // The problem may quote data: only the part is told.
            Error::new(unfilled.kind, RENDER).context(format_args!("{}, {}", request.template, unfilled.part))
        })?;
        Ok(Notice { subject: filled.subject, text: filled.text, html: filled.html, language })
    }
}
