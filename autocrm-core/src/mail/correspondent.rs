//! What the desk remembers of an address that it writes to: whether it may, and when it did so unasked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Stamp, Timestamp},
    id::{CorrespondentId, OutboundId, TenantId},
    mail::{Fate, MailEvent},
    text::EmailAddress,
    transition::{Transition, Version},
};

/// How long a delivery that may work later is remembered.
const SOFT_WINDOW: Duration = Duration::from_hours(7 * 24);
/// The number of such deliveries within the window from which staff is told.
pub const SOFT_LIMIT: usize = 3;
/// The largest number of them that is kept.
const MAX_SOFT: usize = 10;
/// For how long after an acknowledgement none goes to the same address.
pub const ACKNOWLEDGEMENT_PAUSE: Duration = Duration::from_mins(10);
/// How many acknowledgements go to one address within a day.
pub const ACKNOWLEDGEMENTS_PER_DAY: usize = 5;
const DAY: Duration = Duration::from_hours(24);

/// Why nothing is sent to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// A mail to it came back for good.
    HardBounce,
    /// Its owner complained about a mail.
    Complaint,
    /// A person, or the host, wants it so.
    Manual,
}

impl SuppressionReason {
    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::HardBounce => "hard_bounce",
            Self::Complaint => "complaint",
            Self::Manual => "manual",
        }
    }
}

/// That nothing is sent to an address, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// Why.
    pub reason: SuppressionReason,
    /// The mail that came back or was complained about.
    pub mail: Option<OutboundId>,
    /// Since when.
    pub at: Timestamp,
}

/// A mail that came back for now: a full mailbox, a server that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftBounce {
    /// The mail.
    pub mail: OutboundId,
    /// When it was first heard of.
    pub at: Timestamp,
}

/// An address that the desk writes to. One row per tenant and address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correspondent {
    /// The id.
    pub id: CorrespondentId,
    /// The tenant.
    pub tenant: TenantId,
    /// The version, for optimistic locking.
    pub version: Version,
    /// The address; unique within the tenant.
    pub address: EmailAddress,
    /// Whether nothing is sent to it.
    pub suppression: Option<Suppression>,
    /// Which mails to it came back for now, within seven days, the latest ten.
    pub soft_bounces: Vec<SoftBounce>,
    /// When an acknowledgement went to it, within a day, the latest five.
    pub acknowledged: Vec<Timestamp>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row changed last.
    pub updated_at: Timestamp,
}

/// Begins to remember an address. The row is written with what is remembered first.
pub fn meet(tenant: TenantId, address: EmailAddress, stamp: &Stamp<'_>) -> Correspondent {
    Correspondent {
        id: stamp.id(),
        tenant,
        version: Version::NEW,
        address,
        suppression: None,
        soft_bounces: Vec::new(),
        acknowledged: Vec::new(),
        created_at: stamp.at(),
        updated_at: stamp.at(),
    }
}

/// Stops sending to an address; a second reason changes nothing.
pub fn suppress(
    mut known: Correspondent,
    reason: SuppressionReason,
    mail: Option<OutboundId>,
    stamp: &Stamp<'_>,
) -> Transition<Correspondent, MailEvent> {
    if known.suppression.is_some() {
        return Transition::unchanged(known);
    }
    known.suppression = Some(Suppression { reason, mail, at: stamp.at() });
    known.updated_at = stamp.at();
    let event = MailEvent::Suppressed { correspondent: known.id, reason };
    Transition::new(known, event)
}

/// Sends to an address again.
pub fn release(mut known: Correspondent, stamp: &Stamp<'_>) -> Transition<Correspondent, MailEvent> {
    if known.suppression.take().is_none() {
        return Transition::unchanged(known);
    }
    known.soft_bounces.clear();
    known.updated_at = stamp.at();
    let event = MailEvent::Released { correspondent: known.id };
    Transition::new(known, event)
}

/// Remembers what a report says about an address. A refusal by a rule says nothing about it.
pub fn note_fate(
    mut known: Correspondent,
    fate: Fate,
    mail: OutboundId,
    stamp: &Stamp<'_>,
) -> Transition<Correspondent, MailEvent> {
    match fate {
        Fate::Reached | Fate::Policy => Transition::unchanged(known),
        Fate::Hard => suppress(known, SuppressionReason::HardBounce, Some(mail), stamp),
        Fate::Complained => suppress(known, SuppressionReason::Complaint, Some(mail), stamp),
        Fate::Soft => {
            known.soft_bounces.retain(|bounce| stamp.at().since(bounce.at) < SOFT_WINDOW);
            // Servers tell of one delay again and again.
            if known.soft_bounces.iter().any(|bounce| bounce.mail == mail) {
                return Transition::unchanged(known);
            }
            known.soft_bounces.push(SoftBounce { mail, at: stamp.at() });
            let surplus = known.soft_bounces.len().saturating_sub(MAX_SOFT);
            known.soft_bounces.drain(..surplus);
            known.updated_at = stamp.at();
            let event = MailEvent::SoftBounced { correspondent: known.id, mail };
            Transition::new(known, event)
        }
    }
}

/// Why an address gets no acknowledgement now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooSoon {
    /// One went to it within ten minutes.
    Pause,
    /// Five went to it within a day.
    Daily,
}

/// Remembers that an acknowledgement goes to an address now, unless too many did lately.
pub fn note_acknowledgement(
    mut known: Correspondent,
    stamp: &Stamp<'_>,
) -> Result<Transition<Correspondent, MailEvent>, TooSoon> {
    known.acknowledged.retain(|at| stamp.at().since(*at) < DAY);
    // A clock that was set back counts as no time at all.
    if known.acknowledged.iter().any(|at| stamp.at().since(*at) < ACKNOWLEDGEMENT_PAUSE) {
        return Err(TooSoon::Pause);
    }
    if known.acknowledged.len() >= ACKNOWLEDGEMENTS_PER_DAY {
        return Err(TooSoon::Daily);
    }
    known.acknowledged.push(stamp.at());
    known.updated_at = stamp.at();
    let event = MailEvent::Acknowledged { correspondent: known.id };
    Ok(Transition::new(known, event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RandomIds;

    fn at(minutes: i64) -> Stamp<'static> {
        Stamp::new(Timestamp::from_micros(1_795_000_000_000_000 + minutes * 60_000_000), &RandomIds)
    }

    fn known() -> Correspondent {
        let tenant = at(0).id();
        meet(tenant, EmailAddress::new("ann@example.org").unwrap(), &at(0))
    }

    #[test]
    fn hard_soft_and_policy_are_kept_apart() {
        let mail = at(0).id();
        for (fate, suppressed, soft) in [
            (Fate::Reached, None, 0),
            (Fate::Policy, None, 0),
            (Fate::Soft, None, 1),
            (Fate::Hard, Some(SuppressionReason::HardBounce), 0),
            (Fate::Complained, Some(SuppressionReason::Complaint), 0),
        ] {
            let noted = note_fate(known(), fate, mail, &at(1));
            let reason = noted.state.suppression.as_ref().map(|found| found.reason);
            assert_eq!((reason, noted.state.soft_bounces.len()), (suppressed, soft), "{fate:?}");
            assert_eq!(noted.events.is_empty(), matches!(fate, Fate::Reached | Fate::Policy));
        }
    }

    #[test]
    fn soft_bounces_are_forgotten_after_seven_days_and_counted_to_ten() {
        let mut row = known();
        for hour in 0..30 {
            row = note_fate(row, Fate::Soft, at(0).id(), &at(hour * 60)).state;
        }
        assert_eq!(row.soft_bounces.len(), MAX_SOFT);
        let mail = row.soft_bounces[0].mail;
        assert!(note_fate(row.clone(), Fate::Soft, mail, &at(60 * 30)).events.is_empty(), "told twice");
        let later = note_fate(row, Fate::Soft, mail, &at(60 * 24 * 9)).state;
        assert_eq!(later.soft_bounces.len(), 1);
        assert!(later.suppression.is_none(), "whatever happens often is no proof that an address is dead");
    }

    #[test]
    fn a_suppression_keeps_its_first_reason_and_is_released() {
        let first = suppress(known(), SuppressionReason::Complaint, None, &at(1)).state;
        let again = suppress(first.clone(), SuppressionReason::HardBounce, None, &at(2));
        assert!(again.events.is_empty() && again.state == first);
        let released = release(first, &at(3));
        assert!(released.state.suppression.is_none() && released.events.len() == 1);
        assert!(release(released.state, &at(4)).events.is_empty());
    }

    #[test]
    fn acknowledgements_have_a_pause_and_a_daily_limit() {
        let mut row = note_acknowledgement(known(), &at(0)).unwrap().state;
        assert_eq!(note_acknowledgement(row.clone(), &at(9)).unwrap_err(), TooSoon::Pause);
        assert_eq!(
            note_acknowledgement(row.clone(), &at(-5)).unwrap_err(),
            TooSoon::Pause,
            "a clock set back"
        );
        for number in 1..5 {
            row = note_acknowledgement(row, &at(number * 10)).unwrap().state;
        }
        assert_eq!(note_acknowledgement(row.clone(), &at(60)).unwrap_err(), TooSoon::Daily);
        assert!(note_acknowledgement(row, &at(24 * 60 + 1)).is_ok(), "the first of them is a day ago");
    }
}
