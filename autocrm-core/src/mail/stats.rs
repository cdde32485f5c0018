//! How far the mails of a time got.

use serde::{Deserialize, Serialize};

use crate::mail::{BounceClass, DeliveryState, OutboundMail, OutboundState};

/// How many of the mails that were written within a time got how far. Opened and followed ones are counted by mail, not by
/// opening, and only where the tenant wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailStats {
    /// All of them.
    pub mails: u64,
    /// Not yet handed to the mailer.
    pub waiting: u64,
    /// Taken by the mailer.
    pub sent: u64,
    /// Taken back before they left.
    pub cancelled: u64,
    /// A person has to look.
    pub needs_review: u64,
    /// Wanted later by the other side.
    pub delayed: u64,
    /// Taken by the other side.
    pub delivered: u64,
    /// Not sent by the provider, whatever the reason.
    pub failed: u64,
    /// Came back: there is no such address.
    pub bounced_hard: u64,
    /// Came back: perhaps another time, or other content.
    pub bounced_soft: u64,
    /// Called unwanted.
    pub complained: u64,
    /// Opened by a person, as far as can be told.
    pub opened: u64,
    /// Opened by programs only.
    pub opened_by_machines: u64,
    /// A link was followed by a person, as far as can be told.
    pub clicked: u64,
    /// Links were followed by programs only.
    pub clicked_by_machines: u64,
}

impl MailStats {
    /// Counts one mail more.
    pub fn count(&mut self, mail: &OutboundMail) {
        self.mails += 1;
        let state = match mail.state {
            OutboundState::Pending | OutboundState::Leaving => &mut self.waiting,
            OutboundState::Sent { .. } => &mut self.sent,
            OutboundState::Cancelled { .. } => &mut self.cancelled,
            OutboundState::NeedsReview { .. } => &mut self.needs_review,
        };
        *state += 1;
        let delivery = match mail.delivery {
            DeliveryState::Unknown => None,
            DeliveryState::Delayed => Some(&mut self.delayed),
            DeliveryState::Delivered => Some(&mut self.delivered),
            DeliveryState::Suppressed | DeliveryState::Failed => Some(&mut self.failed),
            DeliveryState::Bounced { class: BounceClass::Hard } => Some(&mut self.bounced_hard),
            DeliveryState::Bounced { .. } => Some(&mut self.bounced_soft),
            DeliveryState::Complained => Some(&mut self.complained),
        };
        if let Some(counter) = delivery {
            *counter += 1;
        }
        let seen = mail.engagement;
        self.opened += u64::from(seen.opens > 0);
        self.opened_by_machines += u64::from(seen.opens == 0 && seen.machine_opens > 0);
        self.clicked += u64::from(seen.clicks > 0);
        self.clicked_by_machines += u64::from(seen.clicks == 0 && seen.machine_clicks > 0);
    }
}
