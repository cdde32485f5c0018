//! The scheme: a tenant's own statuses, categories and custom fields.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Stamp, Timestamp},
    id::{TeamId, TenantId},
    text::{Key, Name, Note},
    ticket::{FieldValue, Status, StatusCategory},
    transition::{Transition, Version},
};

const MAX_STATUSES: usize = 50;
const MAX_CATEGORIES: usize = 200;
const MAX_DEFINITIONS: usize = 100;
const MAX_CHOICES: usize = 100;

/// A status of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusDefinition {
    /// The key.
    pub key: Key,
    /// The name shown.
    pub name: Name,
    /// What it means to the desk.
    pub category: StatusCategory,
}

/// A kind of request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// The key.
    pub key: Key,
    /// The name shown.
    pub name: Name,
    /// What falls under it, in a sentence; the classifier learns from it before it has seen a ticket.
    #[serde(default)]
    pub description: Option<Note>,
    /// Skills that an agent needs for it, at most 20.
    #[serde(default)]
    pub skills: BTreeSet<Key>,
    /// The team that takes it, whatever the teams say themselves: the first routing rule.
    #[serde(default)]
    pub team: Option<TeamId>,
    /// Whether a good answer may leave without a person.
    #[serde(default)]
    pub auto_send: bool,
}

/// What a custom field holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FieldKind {
    /// Yes or no.
    Flag,
    /// A whole number within bounds.
    Number {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// A line of text.
    Text,
    /// One of at most 100 choices.
    Choice {
        /// The choices.
        options: Vec<Note>,
    },
}

impl FieldKind {
    /// Returns whether `value` is of this kind.
    pub fn admits(&self, value: &FieldValue) -> bool {
        match (self, value) {
            (Self::Flag, FieldValue::Flag(_)) | (Self::Text, FieldValue::Text(_)) => true,
            (Self::Number { min, max }, FieldValue::Number(number)) => min <= number && number <= max,
            (Self::Choice { options }, FieldValue::Text(text)) => options.contains(text),
            _ => false,
        }
    }
}

/// A custom field of the tenant's tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldDefinition {
    /// The name shown.
    pub name: Name,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether customers see and set it.
    #[serde(default)]
    pub customer_visible: bool,
}

/// A tenant's own statuses, categories and custom fields: one row per tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The statuses: at least one for each category; the first of a category is its default. At most 50.
    pub statuses: Vec<StatusDefinition>,
    /// The categories, at most 200.
    pub categories: Vec<Category>,
    /// The custom fields by key, at most 100.
    pub fields: BTreeMap<Key, FieldDefinition>,
    /// When the scheme changed last.
    pub updated_at: Timestamp,
}

/// What happened to a scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SchemeEvent {
    /// Statuses, categories or fields were set.
    Set,
}

/// Why a scheme was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemeRefusal {
    /// A status category has no status.
    #[error("no status for {}", .0.as_str())]
    CategoryWithoutStatus(StatusCategory),
    /// A key is given twice.
    #[error("the key {0} is given twice")]
    KeyTwice(Key),
    /// There are too many of something.
    #[error("at most {max} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// The bounds of a number field are the wrong way round, or a choice has no options.
    #[error("the field {0} admits no value")]
    EmptyField(Key),
}

impl SchemeRefusal {
    /// Returns the stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CategoryWithoutStatus(_) => "scheme_category_without_status",
            Self::KeyTwice(_) => "scheme_key_twice",
            Self::TooMany { .. } => "scheme_too_many",
            Self::EmptyField(_) => "scheme_empty_field",
        }
    }
}

impl Scheme {
    /// Returns the scheme of a tenant that never set one: a status per category, no categories, no fields.
    pub fn standard(tenant: TenantId, at: Timestamp) -> Self {
        let statuses = StatusCategory::ALL
            .into_iter()
            .filter_map(|category| {
                let key = Key::new(category.as_str()).ok()?;
                let name = Name::new(category.as_str().replace('_', " ")).ok()?;
                Some(StatusDefinition { key, name, category })
            })
            .collect();
        Self {
            tenant,
            version: Version::NEW,
            statuses,
            categories: Vec::new(),
            fields: BTreeMap::new(),
            updated_at: at,
        }
    }

    /// Returns the default status of a category.
    pub fn default_status(&self, category: StatusCategory) -> Option<Status> {
        let definition = self.statuses.iter().find(|status| status.category == category)?;
        Some(Status { key: definition.key.clone(), category })
    }

    /// Returns the status named `key`.
    pub fn status(&self, key: &Key) -> Option<Status> {
        let definition = self.statuses.iter().find(|status| status.key == *key)?;
        Some(Status { key: definition.key.clone(), category: definition.category })
    }

    /// Returns the category named `key`.
    pub fn category(&self, key: &Key) -> Option<&Category> {
        self.categories.iter().find(|category| category.key == *key)
    }
}

/// Replaces the scheme after checking it; an equal scheme is no event.
pub fn set_scheme(
    current: Scheme,
    statuses: Vec<StatusDefinition>,
    categories: Vec<Category>,
    fields: BTreeMap<Key, FieldDefinition>,
    stamp: &Stamp<'_>,
) -> Result<Transition<Scheme, SchemeEvent>, SchemeRefusal> {
    for (what, actual, max) in [
        ("statuses", statuses.len(), MAX_STATUSES),
        ("categories", categories.len(), MAX_CATEGORIES),
        ("fields", fields.len(), MAX_DEFINITIONS),
    ] {
        if actual > max {
            return Err(SchemeRefusal::TooMany { what, max });
        }
    }
    let mut seen = BTreeSet::new();
    for status in &statuses {
        if !seen.insert(&status.key) {
            return Err(SchemeRefusal::KeyTwice(status.key.clone()));
        }
    }
    seen.clear();
    for category in &categories {
        if !seen.insert(&category.key) {
            return Err(SchemeRefusal::KeyTwice(category.key.clone()));
        }
    }
    for category in StatusCategory::ALL {
        if !statuses.iter().any(|status| status.category == category) {
            return Err(SchemeRefusal::CategoryWithoutStatus(category));
        }
    }
    for (key, field) in &fields {
        match &field.kind {
            FieldKind::Number { min, max } if min > max => {
                return Err(SchemeRefusal::EmptyField(key.clone()));
            }
            FieldKind::Choice { options } if options.is_empty() => {
                return Err(SchemeRefusal::EmptyField(key.clone()));
            }
            FieldKind::Choice { options } if options.len() > MAX_CHOICES => {
                return Err(SchemeRefusal::TooMany { what: "choices", max: MAX_CHOICES });
            }
            _ => {}
        }
    }
    if current.statuses == statuses && current.categories == categories && current.fields == fields {
        return Ok(Transition::unchanged(current));
    }
    let next = Scheme { statuses, categories, fields, updated_at: stamp.at(), ..current };
    Ok(Transition::new(next, SchemeEvent::Set))
}
