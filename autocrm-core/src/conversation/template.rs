//! Response templates: texts with variables that agents start from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Stamp, Timestamp},
    id::{TeamId, TemplateId, TenantId},
    text::{Body, Language, Name},
    transition::{Transition, Version},
};

/// The largest rendered template, in bytes.
pub const MAX_RENDERED: usize = 65_536;

/// A text with variables such as `{{customer.name}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The id.
    pub id: TemplateId,
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The name.
    pub name: Name,
    /// The text.
    pub body: Body,
    /// The team that uses it; `None`: every team.
    pub team: Option<TeamId>,
    /// The language of the text.
    pub language: Option<Language>,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What a template is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateSpec {
    /// The name.
    pub name: Name,
    /// The text, at most 64 KiB.
    pub body: Body,
    /// The team that uses it.
    #[serde(default)]
    pub team: Option<TeamId>,
    /// The language of the text.
    #[serde(default)]
    pub language: Option<Language>,
}

/// What happened to a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TemplateEvent {
    /// The template was made.
    Created,
    /// The template changed.
    Updated,
}

/// Why a template was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateRefusal {
    /// The text, or what it renders to, is too long.
    #[error("a template renders to at most {MAX_RENDERED} bytes")]
    TooLong,
    /// `{{` without `}}`.
    #[error("a variable is not closed")]
    Unclosed,
    /// The text names a variable that is not given.
    #[error("the variable {0} is not known")]
    UnknownVariable(String),
    /// The team does not exist.
    #[error("the team does not exist")]
    UnknownTeam,
}

impl TemplateRefusal {
    /// Returns the stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "template_too_long",
            Self::Unclosed => "template_unclosed",
            Self::UnknownVariable(_) => "template_unknown_variable",
            Self::UnknownTeam => "template_unknown_team",
        }
    }
}

fn check(spec: &TemplateSpec) -> Result<(), TemplateRefusal> {
    if spec.body.len() > MAX_RENDERED {
        return Err(TemplateRefusal::TooLong);
    }
    // Rendering with every variable known proves that each one is closed.
    expand(&spec.body, |_| Some(String::new())).map(drop)
}

/// Makes a template.
pub fn create(
    tenant: TenantId,
    spec: TemplateSpec,
    stamp: &Stamp<'_>,
) -> Result<Transition<Template, TemplateEvent>, TemplateRefusal> {
    check(&spec)?;
    let template = Template {
        id: stamp.id(),
        tenant,
        version: Version::NEW,
        name: spec.name,
        body: spec.body,
        team: spec.team,
        language: spec.language,
        updated_at: stamp.at(),
    };
    Ok(Transition::new(template, TemplateEvent::Created))
}

/// Replaces what a template is made of; an equal specification is no event.
pub fn update(
    template: Template,
    spec: TemplateSpec,
    stamp: &Stamp<'_>,
) -> Result<Transition<Template, TemplateEvent>, TemplateRefusal> {
    check(&spec)?;
    let present = TemplateSpec {
        name: template.name.clone(),
        body: template.body.clone(),
        team: template.team,
        language: template.language.clone(),
    };
    if present == spec {
        return Ok(Transition::unchanged(template));
    }
    let next = Template {
        name: spec.name,
        body: spec.body,
        team: spec.team,
        language: spec.language,
        updated_at: stamp.at(),
        ..template
    };
    Ok(Transition::new(next, TemplateEvent::Updated))
}

/// Fills in the variables. An unknown variable is refused, so that no customer reads `{{ticket.nubmer}}`.
pub fn render(template: &Template, variables: &BTreeMap<String, String>) -> Result<String, TemplateRefusal> {
    expand(&template.body, |name| variables.get(name).cloned())
}

fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, TemplateRefusal> {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else {
            return Err(TemplateRefusal::Unclosed);
        };
        let name = name.trim();
        let value = lookup(name).ok_or_else(|| TemplateRefusal::UnknownVariable(name.to_owned()))?;
        rendered.push_str(before);
        rendered.push_str(&value);
        if rendered.len() > MAX_RENDERED {
            return Err(TemplateRefusal::TooLong);
        }
        rest = tail;
    }
    rendered.push_str(rest);
    if rendered.len() > MAX_RENDERED { Err(TemplateRefusal::TooLong) } else { Ok(rendered) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RandomIds;

    fn template(body: &str) -> Result<Template, TemplateRefusal> {
        let spec = TemplateSpec {
            name: Name::new("greeting").unwrap(),
            body: Body::new(body).unwrap(),
            team: None,
            language: None,
        };
        let stamp = Stamp::new(Timestamp::EPOCH, &RandomIds);
        create(TenantId::from_uuid(uuid::Uuid::nil()), spec, &stamp).map(|made| made.state)
    }

    #[test]
    fn variables_are_filled_in_once() {
        let variables = BTreeMap::from([("name".to_owned(), "{{name}}".to_owned())]);
        assert_eq!(render(&template("Dear {{ name }},").unwrap(), &variables).unwrap(), "Dear {{name}},");
        assert_eq!(
            render(&template("{{ticket.nubmer}}").unwrap(), &variables),
            Err(TemplateRefusal::UnknownVariable("ticket.nubmer".to_owned()))
        );
        assert_eq!(template("Dear {{name").unwrap_err(), TemplateRefusal::Unclosed);
    }

    #[test]
    fn growth_is_bounded() {
        let variables = BTreeMap::from([("x".to_owned(), "y".repeat(10_000))]);
        assert_eq!(
            render(&template(&"{{x}}".repeat(10)).unwrap(), &variables),
            Err(TemplateRefusal::TooLong)
        );
    }
}
