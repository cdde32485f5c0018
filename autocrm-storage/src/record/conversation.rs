//! Messages and templates.

use autocrm_core::{
    clock::Timestamp,
    conversation::{Attachment, Message, Template},
    error::Result,
    text::{Body, Language},
    transition::Version,
};
#[cfg(feature = "sqlite")]
use diesel::prelude::*;

use crate::column::{Code, Uid, author, author_columns, corrupt, from_json, narrow, number, time, to_json};

/// A row of `autocrm_message`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset, Queryable, Selectable))]
#[cfg_attr(feature = "postgres", derive(sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_message, primary_key(tenant, id)))]
#[cfg_attr(feature = "sqlite", diesel(treat_none_as_default_value = false, treat_none_as_null = true))]
pub(crate) struct MessageRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) ticket: Uid,
    pub(crate) version: i64,
    pub(crate) sequence: i64,
    pub(crate) audience: i64,
    pub(crate) kind: String,
    pub(crate) author: i64,
    pub(crate) author_user: Option<Uid>,
    pub(crate) body: String,
    pub(crate) reply_at: Option<i64>,
    pub(crate) trimmed_at: Option<i64>,
    pub(crate) language: Option<String>,
    pub(crate) attachments: Option<String>,
    pub(crate) held: i64,
    pub(crate) mail: Option<Uid>,
    pub(crate) sent_at: Option<i64>,
    pub(crate) created_at: i64,
}

impl MessageRecord {
    /// Encodes a message.
    pub(crate) fn of(message: &Message) -> Result<Self> {
        let (author, author_user) = author_columns(message.author);
        let attachments =
            if message.attachments.is_empty() { None } else { Some(to_json(&message.attachments)?) };
        Ok(Self {
            tenant: Uid::of(message.tenant),
            id: Uid::of(message.id),
            ticket: Uid::of(message.ticket),
            version: number(message.version.get()),
            sequence: i64::from(message.sequence),
            audience: message.audience().code(),
            kind: to_json(&message.kind)?,
            author,
            author_user,
            body: message.body.as_str().to_owned(),
            reply_at: message.reply_at.map(i64::from),
            trimmed_at: message.trimmed_at.map(i64::from),
            language: message.language.clone().map(Language::into_string),
            attachments,
            held: i64::from(message.held),
            mail: message.mail.map(Uid::of),
            sent_at: message.sent_at.map(Timestamp::as_micros),
            created_at: message.created_at.as_micros(),
        })
    }

    /// Decodes the message.
    pub(crate) fn decode(self) -> Result<Message> {
        let attachments: Vec<Attachment> = match &self.attachments {
            Some(text) => from_json(text, "attachments")?,
            None => Vec::new(),
        };
        let language = self.language.map(Language::new).transpose();
        Ok(Message {
            id: self.id.to(),
            tenant: self.tenant.to(),
            ticket: self.ticket.to(),
            version: Version::new(narrow(self.version, "version")?),
            sequence: narrow(self.sequence, "sequence")?,
            kind: from_json(&self.kind, "message kind")?,
            author: author(self.author, self.author_user)?,
            body: Body::new(self.body).map_err(|error| corrupt("body").source(error))?,
            reply_at: self.reply_at.map(|at| narrow(at, "reply_at")).transpose()?,
            trimmed_at: self.trimmed_at.map(|at| narrow(at, "trimmed_at")).transpose()?,
            language: language.map_err(|error| corrupt("language").source(error))?,
            attachments,
            held: self.held != 0,
            mail: self.mail.map(Uid::to),
            sent_at: self.sent_at.map(time),
            created_at: time(self.created_at),
        })
    }
}

/// A row of `autocrm_template`.
#[derive(Debug)]
#[cfg_attr(all(feature = "sqlite", feature = "postgres"), derive(diesel::QueryableByName, sqlx::FromRow))]
#[cfg_attr(feature = "sqlite", derive(Insertable, AsChangeset))]
#[cfg_attr(feature = "sqlite", diesel(table_name = crate::schema::autocrm_template, primary_key(tenant, id)))]
#[cfg_attr(feature = "sqlite", diesel(treat_none_as_default_value = false, treat_none_as_null = true))]
pub(crate) struct TemplateRecord {
    pub(crate) tenant: Uid,
    pub(crate) id: Uid,
    pub(crate) version: i64,
    pub(crate) team: Option<Uid>,
    pub(crate) document: String,
}

impl TemplateRecord {
    /// Encodes a template.
    pub(crate) fn of(template: &Template) -> Result<Self> {
        Ok(Self {
            tenant: Uid::of(template.tenant),
            id: Uid::of(template.id),
            version: number(template.version.get()),
            team: template.team.map(Uid::of),
            document: to_json(template)?,
        })
    }
}
