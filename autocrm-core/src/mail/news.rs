//! What is heard of a mail after it left.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{OutboundId, TenantId},
    mail::{Fate, MailEvent, OutboundMail},
    text::ExternalId,
    transition::Transition,
};

/// Why a mail came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BounceClass {
    /// It may be taken another time: a full mailbox, a busy server.
    Soft,
    /// The content or the sender was refused; the address is not dead.
    Policy,
    /// There is no such address.
    Hard,
}

/// How far a mail got, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(tag = "delivery", rename_all = "snake_case")]
pub enum DeliveryState {
    /// Nothing was heard.
    #[default]
    Unknown,
    /// The other side wants it later; the provider goes on.
    Delayed,
    /// The other side took it.
    Delivered,
    /// The provider did not send it: the address is on its list of dead ones.
    Suppressed,
    /// The provider could not send it.
    Failed,
    /// It came back.
    Bounced {
        /// Why.
        class: BounceClass,
    },
    /// The recipient calls it unwanted.
    Complained,
}

/// How often a mail was opened and its links followed. Programs that do so by themselves are kept apart; in doubt it was
/// a program. Nothing else is kept: no address, no name of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engagement {
    /// By people, as far as can be told.
    pub opens: u32,
    /// By programs.
    pub machine_opens: u32,
    /// Links followed by people, as far as can be told.
    pub clicks: u32,
    /// Links followed by programs.
    pub machine_clicks: u32,
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NewsKind {
    /// The other side wants it later.
    Delayed,
    /// The other side took it.
    Delivered,
    /// The provider did not send it.
    Suppressed,
    /// The provider could not send it.
    Failed,
    /// It came back.
    Bounced {
        /// Why.
        class: BounceClass,
    },
    /// The recipient calls it unwanted.
    Complained,
    /// It was opened.
    Opened {
        /// By a program.
        machine: bool,
    },
    /// A link of it was followed.
    Clicked {
        /// By a program.
        machine: bool,
    },
}

impl NewsKind {
    /// Returns what is told of the address, if anything is.
    pub(crate) const fn fate(self) -> Option<Fate> {
        match self {
            Self::Suppressed | Self::Bounced { class: BounceClass::Hard } => Some(Fate::Hard),
            Self::Bounced { class: BounceClass::Policy } => Some(Fate::Policy),
            Self::Bounced { class: BounceClass::Soft } => Some(Fate::Soft),
            Self::Complained => Some(Fate::Complained),
            Self::Delayed | Self::Delivered | Self::Failed | Self::Opened { .. } | Self::Clicked { .. } => {
                None
            }
        }
    }
}

/// What a provider tells of a mail that left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryNews {
    /// The provider's id of the news, the same for every repetition.
    pub id: ExternalId,
    /// The tenant.
    pub tenant: TenantId,
    /// The mail.
    pub mail: OutboundId,
    /// What is told.
    pub kind: NewsKind,
    /// When it happened.
    pub at: Timestamp,
}

/// Takes note of news. They come in any order and more than once: a mail never gets less far, so that what was overtaken
/// changes nothing. Opened and followed links count only where `tracked` says that the tenant wants to know.
pub fn take_news(
    mut mail: OutboundMail,
    kind: NewsKind,
    tracked: bool,
) -> Transition<OutboundMail, MailEvent> {
    let (id, ticket) = (mail.id, mail.ticket);
    let state = match kind {
        NewsKind::Delayed => DeliveryState::Delayed,
        NewsKind::Delivered => DeliveryState::Delivered,
        NewsKind::Suppressed => DeliveryState::Suppressed,
        NewsKind::Failed => DeliveryState::Failed,
        NewsKind::Bounced { class } => DeliveryState::Bounced { class },
        NewsKind::Complained => DeliveryState::Complained,
        NewsKind::Opened { machine } | NewsKind::Clicked { machine } => {
            if !tracked {
                return Transition::unchanged(mail);
            }
            let clicked = matches!(kind, NewsKind::Clicked { .. });
            let counter = match (clicked, machine) {
                (false, false) => &mut mail.engagement.opens,
                (false, true) => &mut mail.engagement.machine_opens,
                (true, false) => &mut mail.engagement.clicks,
                (true, true) => &mut mail.engagement.machine_clicks,
            };
            *counter = counter.saturating_add(1);
            return Transition::new(mail, MailEvent::Engaged { mail: id, ticket, clicked, machine });
        }
    };
    if state <= mail.delivery {
        return Transition::unchanged(mail);
    }
    mail.delivery = state;
    Transition::new(mail, MailEvent::DeliveryChanged { mail: id, ticket, state })
}
