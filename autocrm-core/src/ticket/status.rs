//! Statuses: six categories with a table of legal moves, and a tenant's own statuses on them.

use serde::{Deserialize, Serialize};

use crate::text::Key;

/// What a status means to the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusCategory {
    /// Nobody has answered yet.
    New,
    /// The desk has to act.
    Open,
    /// The customer has to act.
    WaitingCustomer,
    /// Somebody else has to act, or the ticket sleeps until a set time.
    OnHold,
    /// Solved, unless the customer says otherwise.
    Resolved,
    /// Finished for good; a late answer opens a linked ticket.
    Closed,
}

/// The legal moves between categories. A move within a category (between two custom statuses) is always legal; no move
/// leads back to `New`.
pub const MOVES: &[(StatusCategory, &[StatusCategory])] = {
    use StatusCategory::{Closed, New, OnHold, Open, Resolved, WaitingCustomer};
    &[
        (New, &[Open, WaitingCustomer, OnHold, Resolved, Closed]),
        (Open, &[WaitingCustomer, OnHold, Resolved, Closed]),
        (WaitingCustomer, &[Open, OnHold, Resolved, Closed]),
        (OnHold, &[Open, WaitingCustomer, Resolved, Closed]),
        (Resolved, &[Open, Closed]),
        (Closed, &[Open]),
    ]
};

impl StatusCategory {
    /// Every category, in the order of a ticket's life.
    pub const ALL: [Self; 6] =
        [Self::New, Self::Open, Self::WaitingCustomer, Self::OnHold, Self::Resolved, Self::Closed];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::WaitingCustomer => "waiting_customer",
            Self::OnHold => "on_hold",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }

    /// Returns whether a ticket may move from this category to `to`.
    pub fn may_move_to(self, to: Self) -> bool {
        self == to || MOVES.iter().any(|(from, targets)| *from == self && targets.contains(&to))
    }

    /// Returns whether the desk still works on the ticket: it counts against an agent's capacity.
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Resolved | Self::Closed)
    }

    /// Returns whether the ticket waits for an agent.
    pub const fn is_queued(self) -> bool {
        matches!(self, Self::New | Self::Open)
    }
}

impl std::str::FromStr for StatusCategory {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|category| category.as_str() == text).ok_or(UnknownName)
    }
}

/// A stable name that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;

/// A ticket's status: the tenant's own key and the category it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The tenant's key, such as `waiting_supplier`.
    pub key: Key,
    /// What it means to the desk.
    pub category: StatusCategory,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_move_leads_back_to_new_and_every_category_has_a_way_out() {
        for from in StatusCategory::ALL {
            assert!(from == StatusCategory::New || !from.may_move_to(StatusCategory::New));
            assert!(StatusCategory::ALL.into_iter().any(|to| to != from && from.may_move_to(to)), "{from:?}");
        }
    }

    #[test]
    fn names_round_trip() {
        for category in StatusCategory::ALL {
            assert_eq!(category.as_str().parse::<StatusCategory>(), Ok(category));
        }
    }
}
