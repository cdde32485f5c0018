//! Conversations: the messages of a ticket, and templates to write them with.

mod command;
mod event;
mod judge;
mod model;
mod template;

pub use command::{ConversationRefusal, Draft, NewMessage, Reply, Verdict, write_answer, write_message};
pub use event::MessageEvent;
pub use judge::{judge_draft, take_back};
pub use model::{
    AnswerMeta, AnswerState, Attachment, Author, Citation, MAX_ATTACHMENTS, MAX_MESSAGES, Message,
    MessageKind,
};
pub use template::{
    MAX_RENDERED, Template, TemplateEvent, TemplateRefusal, TemplateSpec, create as create_template, render,
    update as update_template,
};
