//! Tickets: what somebody asks for, from the first word to the last.

mod change;
mod command;
mod event;
mod filter;
mod model;
mod refusal;
mod scheme;
mod status;

pub use change::{assign, delete, snooze, update, wake};
pub use command::{NewTicket, TicketChange, create, move_to, note_activity, take_back_activity};
pub use event::TicketEvent;
pub use filter::{TicketFilter, TicketOrder, TicketQuery};
pub use model::{
    CategorySource, Channel, EntityLink, FieldValue, LinkKind, MAX_FIELDS, MAX_LINKS, MAX_PARTICIPANTS,
    MAX_TAGS, Priority, Ticket, TicketLink, TicketNumber,
};
pub use refusal::TicketRefusal;
pub use scheme::{
    Category, FieldDefinition, FieldKind, Scheme, SchemeEvent, SchemeRefusal, StatusDefinition, set_scheme,
};
pub use status::{MOVES, Status, StatusCategory};
