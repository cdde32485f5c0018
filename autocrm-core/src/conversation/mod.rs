//! Conversations: the messages of a ticket, and templates to write them with.

mod command;
mod event;
mod model;
mod template;

pub use command::{
    ConversationRefusal, Draft, NewMessage, Reply, Verdict, judge_draft, write_answer, write_message,
};
pub use event::MessageEvent;
pub use model::{
    AnswerMeta, AnswerState, Attachment, Author, Citation, MAX_ATTACHMENTS, MAX_MESSAGES, Message,
    MessageKind,
};
pub use template::{
    MAX_RENDERED, Template, TemplateEvent, TemplateRefusal, TemplateSpec, create as create_template, render,
    update as update_template,
};
