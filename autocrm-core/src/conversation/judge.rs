//! Judging proposed answers, and taking answers back.

use crate::{
    conversation::{AnswerState, Author, ConversationRefusal, Message, MessageEvent, MessageKind, Verdict},
    transition::Transition,
};

/// Judges a proposed answer, or one that was taken back: an accepted one becomes a public message, a rejected one stays
/// for the record.
pub fn judge_draft(
    mut message: Message,
    verdict: Verdict,
) -> Result<Transition<Message, MessageEvent>, ConversationRefusal> {
    let is_draft = match &message.kind {
        MessageKind::Draft => true,
        MessageKind::Answer(answer) => answer.state == AnswerState::Draft,
        MessageKind::Public | MessageKind::Note | MessageKind::System => false,
    };
    if !is_draft {
        return Err(ConversationRefusal::NotADraft);
    }
    let mut edited = false;
    let state = match verdict {
        Verdict::Reject => AnswerState::Rejected,
        Verdict::Accept { body } => {
            if let Some(body) = body {
                if body.trim().is_empty() {
                    return Err(ConversationRefusal::Blank);
                }
                edited = body != message.body;
                message.body = body;
            }
            AnswerState::Sent
        }
    };
    match &mut message.kind {
        MessageKind::Answer(answer) => answer.state = state,
        kind if state == AnswerState::Sent => *kind = MessageKind::Public,
        kind => *kind = MessageKind::Note,
    }
    let event = MessageEvent::AnswerJudged { ticket: message.ticket, message: message.id, state, edited };
    Ok(Transition::new(message, event))
}

/// Takes back an answer of the desk whose mail has not left: it is a draft again, read by staff only.
pub fn take_back(mut message: Message) -> Result<Transition<Message, MessageEvent>, ConversationRefusal> {
    match &mut message.kind {
        MessageKind::Answer(answer) if answer.state == AnswerState::Sent => answer.state = AnswerState::Draft,
        kind @ MessageKind::Public if matches!(message.author, Author::Agent { .. }) => {
            *kind = MessageKind::Draft;
        }
        _ => return Err(ConversationRefusal::NotAnAnswer),
    }
    let event = MessageEvent::TakenBack { ticket: message.ticket, message: message.id };
    Ok(Transition::new(message, event))
}
