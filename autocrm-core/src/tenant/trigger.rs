//! Triggers: which event has which mail sent to whom, as data of the tenant.

use serde::{Deserialize, Serialize};

use crate::text::{EmailAddress, Key};

/// The largest number of triggers of a tenant.
pub const MAX_TRIGGERS: usize = 50;
/// The largest number of parties in each of `to`, `cc` and `bcc`.
pub const MAX_PARTIES: usize = 20;

/// What a trigger waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TriggerEvent {
    /// A ticket was opened.
    #[serde(rename = "ticket.created")]
    Created,
    /// A public message was added to it.
    #[serde(rename = "ticket.updated")]
    Updated,
    /// It was resolved.
    #[serde(rename = "ticket.resolved")]
    Resolved,
    /// It was given to an agent.
    #[serde(rename = "ticket.assigned")]
    Assigned,
    /// A promised time has passed. Nothing tells this event yet.
    #[serde(rename = "ticket.breached")]
    Breached,
    /// The customer is asked how satisfied they are. Nothing tells this event yet.
    #[serde(rename = "ticket.csat")]
    Csat,
}

impl TriggerEvent {
    /// Every event.
    pub const ALL: [Self; 6] =
        [Self::Created, Self::Updated, Self::Resolved, Self::Assigned, Self::Breached, Self::Csat];

    /// Returns the stable name, such as `ticket.created`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "ticket.created",
            Self::Updated => "ticket.updated",
            Self::Resolved => "ticket.resolved",
            Self::Assigned => "ticket.assigned",
            Self::Breached => "ticket.breached",
            Self::Csat => "ticket.csat",
        }
    }
}

/// Some of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TriggerSet(u8);

impl TriggerSet {
    /// No event.
    pub const NONE: Self = Self(0);
    /// Every event.
    pub const ALL: Self = Self(u8::MAX);

    /// Returns the set with one event more.
    #[must_use]
    pub const fn with(self, event: TriggerEvent) -> Self {
        Self(self.0 | 1 << event as u8)
    }

    /// Returns whether the event is in it.
    pub const fn has(self, event: TriggerEvent) -> bool {
        self.0 & 1 << event as u8 != 0
    }
}

/// Who gets a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "party", rename_all = "snake_case", deny_unknown_fields)]
pub enum Party {
    /// The customer of the ticket, if their address is verified.
    Requester,
    /// Everybody who takes part, if their address is verified.
    Participants,
    /// The agent in charge.
    Assignee,
    /// An address of the tenant's own choice.
    Address {
        /// The address.
        address: EmailAddress,
    },
}

/// Which event has which mail sent to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The event.
    pub event: TriggerEvent,
    /// The template, such as `ticket.resolved`.
    pub template: Key,
    /// Who gets it, 1..=[`MAX_PARTIES`].
    pub to: Vec<Party>,
    /// Who gets a copy that everybody sees.
    #[serde(default)]
    pub cc: Vec<Party>,
    /// Who gets a copy that nobody else sees.
    #[serde(default)]
    pub bcc: Vec<Party>,
}

/// Returns whether the triggers keep to the limits.
pub(super) fn within_limits(triggers: &[Trigger]) -> bool {
    let fits = |parties: &[Party]| parties.len() <= MAX_PARTIES;
    triggers.len() <= MAX_TRIGGERS
        && triggers.iter().all(|trigger| {
            !trigger.to.is_empty() && fits(&trigger.to) && fits(&trigger.cc) && fits(&trigger.bcc)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set = TriggerSet::NONE.with(TriggerEvent::Resolved).with(TriggerEvent::Csat);
        let held: Vec<_> = TriggerEvent::ALL.into_iter().filter(|event| set.has(*event)).collect();
        assert_eq!(held, [TriggerEvent::Resolved, TriggerEvent::Csat]);
        assert!(TriggerEvent::ALL.into_iter().all(|event| TriggerSet::ALL.has(event)));
    }

    #[test]
    fn names_are_those_on_the_wire() {
        for event in TriggerEvent::ALL {
            assert_eq!(serde_json::to_string(&event).unwrap(), format!("\"{}\"", event.as_str()));
        }
    }

    #[test]
    fn limits_hold() {
        let trigger = |to: usize, cc: usize| Trigger {
            event: TriggerEvent::Created,
            template: "ticket.created".parse().unwrap(),
            to: vec![Party::Requester; to],
            cc: vec![Party::Assignee; cc],
            bcc: Vec::new(),
        };
        assert!(within_limits(&vec![trigger(20, 20); 50]));
        assert!(!within_limits(&vec![trigger(1, 0); 51]));
        assert!(!within_limits(&[trigger(0, 1)]) && !within_limits(&[trigger(21, 0)]));
        assert!(!within_limits(&[trigger(1, 21)]));
    }
}
