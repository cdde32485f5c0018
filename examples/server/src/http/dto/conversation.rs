//! Messages on the wire.

use autocrm_core::{
    access::MessageAudience,
    app::Error,
    conversation::{AnswerMeta, AnswerState, Attachment, Author, Citation, Message, MessageKind, Reply},
    id::TicketId,
    text::Body,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::dto::{Viewer, id};

/// A message to be written.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMessageRequest {
    /// The ticket.
    ticket_id: Uuid,
    /// The text, at most 1,048,576 bytes, not blank.
    body: String,
    /// Whether only staff reads it; staff only.
    #[serde(default)]
    internal: bool,
}

impl NewMessageRequest {
    pub(crate) fn read(self) -> Result<(TicketId, Reply), Error> {
        Ok((id(self.ticket_id), Reply { body: Body::new(self.body)?, internal: self.internal }))
    }
}

/// Who wrote a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AuthorView {
    /// `customer`, `agent`, `assistant` (no person wrote it) or `system`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Uuid>,
}

impl AuthorView {
    fn of(author: Author) -> Self {
        let (kind, user) = match author {
            Author::Customer { user } => ("customer", Some(user.as_uuid())),
            Author::Agent { user } => ("agent", Some(user.as_uuid())),
            Author::Assistant => ("assistant", None),
            Author::System => ("system", None),
        };
        Self { kind, user }
    }
}

/// A passage of an article that an answer rests on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct CitationView {
    article: Uuid,
    revision: u32,
    /// The first byte of the passage in that revision.
    start: u32,
    /// The byte after the passage.
    end: u32,
}

impl CitationView {
    fn of(citation: &Citation) -> Self {
        Self {
            article: citation.article.as_uuid(),
            revision: citation.revision,
            start: citation.start,
            end: citation.end,
        }
    }
}

/// How an answer of the assistant came about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AnswerView {
    sources: Vec<CitationView>,
    /// `draft`, `sent` or `rejected`; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// The model; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// How sure the model is, 0..=1; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f32>,
}

impl AnswerView {
    fn of(answer: &AnswerMeta, viewer: &Viewer) -> Self {
        let state = match answer.state {
            AnswerState::Draft => "draft",
            AnswerState::Sent => "sent",
            AnswerState::Rejected => "rejected",
        };
        let staff = viewer.is_staff();
        Self {
            sources: answer.sources.iter().map(CitationView::of).collect(),
            state: staff.then_some(state),
            model: staff.then(|| answer.model.clone()),
            confidence: staff.then_some(answer.confidence),
        }
    }
}

/// What is known of an attached file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AttachmentView {
    id: Uuid,
    name: String,
    /// The type that the sender declared.
    content_type: String,
    /// The size, in bytes.
    size: u64,
}

impl AttachmentView {
    fn of(file: &Attachment) -> Self {
        Self {
            id: file.id.as_uuid(),
            name: file.name.to_string(),
            content_type: file.content_type.clone(),
            size: file.size,
        }
    }
}

/// A message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MessageView {
    id: Uuid,
    ticket_id: Uuid,
    /// `public`, `note`, `system` or `answer`.
    kind: &'static str,
    author: AuthorView,
    /// The whole text.
    body: String,
    /// What the author wrote now, without what a mail quotes and without a signature; absent where that is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerView>,
    attachments: Vec<AttachmentView>,
    created_at: String,
    /// The place in the conversation, from 1; only for staff, because the gaps would tell of notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u32>,
    /// Whether only staff reads it; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    internal: Option<bool>,
    /// Whether the sender is not known to be who they say; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
}

impl MessageView {
    pub(crate) fn of(message: &Message, viewer: &Viewer) -> Self {
        let (kind, answer) = match &message.kind {
            MessageKind::Public => ("public", None),
            MessageKind::Note => ("note", None),
            MessageKind::Draft => ("draft", None),
            MessageKind::System => ("system", None),
            MessageKind::Answer(answer) => ("answer", Some(AnswerView::of(answer, viewer))),
        };
        let staff = viewer.is_staff();
        Self {
            id: message.id.as_uuid(),
            ticket_id: message.ticket.as_uuid(),
            kind,
            author: AuthorView::of(message.author),
            body: message.body.to_string(),
            newest: Some(message.newest_text())
                .filter(|newest| newest.len() < message.body.len())
                .map(ToOwned::to_owned),
            answer,
            attachments: message.attachments.iter().map(AttachmentView::of).collect(),
            created_at: message.created_at.to_string(),
            sequence: staff.then_some(message.sequence),
            internal: staff.then(|| message.audience() == MessageAudience::Internal),
            held: staff.then_some(message.held),
        }
    }
}

/// A page of a conversation, first to last.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ConversationPage {
    pub(crate) messages: Vec<MessageView>,
    /// Leads to the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

/// Which part of a conversation is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConversationQuery {
    /// The size of a page, 1..=200, 50 unless given.
    pub(crate) limit: Option<u16>,
    /// Where the page begins: from `next` or the `Link` header of the page before.
    pub(crate) cursor: Option<String>,
}
