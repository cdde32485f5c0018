//! Change sets of one tenant, applied together: what they require is locked and compared first, losers are dropped
//! whole, and the rest is written by one statement per table.

use std::collections::HashSet;

use autocrm_core::{
    change::{EntityRef, Receipt, Requirement},
    error::{Error, ErrorKind, Result},
    transition::Version,
};
use sqlx::PgConnection;

use crate::{
    column::{Uid, number},
    plan::{Plan, Row},
    postgres::{apply, erase, receipt, rows::Rows},
};

const COMMIT: &str = "commit";

/// Returns the refusal of a change set.
pub(crate) fn conflict(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Conflict, COMMIT).context(what)
}

/// What is to be done with a change set in this round.
enum Verdict {
    Holds,
    Refused(Error),
    /// It depends on what an earlier one of the round is about to write.
    Later,
}

type Numbered<'a> = (usize, &'a mut Plan);

/// Applies change sets of a tenant, and returns the outcome of each. An error is the server's: nothing of the
/// transaction can be kept.
pub(crate) async fn apply(
    connection: &mut PgConnection,
    tenant: Uid,
    group: Vec<Numbered<'_>>,
) -> Result<Vec<(usize, Result<Receipt>)>> {
    let mut answered = Vec::with_capacity(group.len());
    let mut open = group;
    while !open.is_empty() {
        open = one_round(connection, tenant, open, &mut answered).await?;
    }
    Ok(answered)
}

/// Applies one change set.
pub(crate) async fn apply_one(
    connection: &mut PgConnection,
    tenant: Uid,
    plan: &mut Plan,
) -> Result<Result<Receipt>> {
    let answered = apply(connection, tenant, vec![(0, plan)]).await?;
    let missing = || Error::new(ErrorKind::Internal, COMMIT).context("a change set without an outcome");
    answered.into_iter().next().map(|(_, outcome)| outcome).ok_or_else(missing)
}

/// Applies those that do not depend on each other, and returns the others. The first one is never among those.
async fn one_round<'a>(
    connection: &mut PgConnection,
    tenant: Uid,
    open: Vec<Numbered<'a>>,
    answered: &mut Vec<(usize, Result<Receipt>)>,
) -> Result<Vec<Numbered<'a>>> {
    let open = replay(connection, tenant, open, answered).await?;
    let mut rows = Rows::lock(connection, tenant, open.iter().map(|(_, plan)| &**plan)).await?;
    let (mut accepted, mut later): (Vec<Numbered<'a>>, Vec<Numbered<'a>>) = (Vec::new(), Vec::new());
    let mut keys: HashSet<(String, String)> = HashSet::new();
    let mut is_alone = false;
    for (at, plan) in open {
        let erases = plan.rows.iter().any(|row| matches!(row, Row::EraseTicket(_)));
        let named = plan.key.as_ref().map(|key| (key.principal.clone(), key.key.clone()));
        let is_repeated = named.as_ref().is_some_and(|key| keys.contains(key));
        let verdict = if is_alone || is_repeated || (erases && !accepted.is_empty()) {
            Verdict::Later
        } else {
            judge(&rows, plan)
        };
        match verdict {
            Verdict::Holds => {
                rows.note(plan);
                keys.extend(named);
                is_alone = erases;
                accepted.push((at, plan));
            }
            Verdict::Refused(error) => answered.push((at, Err(error))),
            Verdict::Later => later.push((at, plan)),
        }
    }
    write(connection, tenant, &rows, accepted, answered).await?;
    Ok(later)
}

/// Answers repetitions with what is kept under their keys.
async fn replay<'a>(
    connection: &mut PgConnection,
    tenant: Uid,
    open: Vec<Numbered<'a>>,
    answered: &mut Vec<(usize, Result<Receipt>)>,
) -> Result<Vec<Numbered<'a>>> {
    let keys: Vec<_> = open.iter().filter_map(|(_, plan)| plan.key.as_ref()).collect();
    if keys.is_empty() {
        return Ok(open);
    }
    let kept = receipt::find(connection, tenant, &keys).await?;
    let mut fresh = Vec::with_capacity(open.len());
    for (at, plan) in open {
        let found = plan.key.as_ref().and_then(|key| {
            let under = kept.iter().find(|kept| kept.is_under(key) && kept.counts_at(plan.at));
            under.map(|kept| kept.replay(key))
        });
        match found {
            Some(outcome) => answered.push((at, outcome)),
            None => fresh.push((at, plan)),
        }
    }
    Ok(fresh)
}

fn judge(rows: &Rows, plan: &Plan) -> Verdict {
    for requirement in &plan.requirements {
        match *requirement {
            Requirement::Unchanged { entity, version } => {
                if rows.version(entity) != number(version.get()) {
                    return Verdict::Refused(conflict(format_args!("{requirement:?}")));
                }
            }
            Requirement::ActiveUser { user } => {
                if !rows.is_active(Uid::of(user)) {
                    return Verdict::Refused(conflict(format_args!("{requirement:?}")));
                }
            }
            Requirement::LoadBelow { agent, limit } => {
                let Some(load) = rows.load(Uid::of(agent)) else { return Verdict::Later };
                if load >= i64::from(limit) {
                    return Verdict::Refused(conflict(format_args!("{requirement:?}")));
                }
            }
        }
    }
    for row in &plan.rows {
        if let Err(error) = holds(rows, row) {
            return Verdict::Refused(error);
        }
    }
    Verdict::Holds
}

/// Refuses a row that is not written from the version that is there.
fn holds(rows: &Rows, row: &Row) -> Result<()> {
    if let Some((entity, from)) = entity_of(row) {
        // Whether a new row has a namesake is for the server to say.
        let stands = if from == number(Version::NEW.get()) {
            !rows.is_made(entity)
        } else {
            rows.version(entity) == from
        };
        return if stands { Ok(()) } else { Err(conflict(format_args!("{entity:?}"))) };
    }
    match row {
        Row::FinishJob(finish) if !rows.holds_job(finish) => Err(conflict(finish.job)),
        _ => Ok(()),
    }
}

/// Returns the row that a write replaces or makes, and from which version.
pub(crate) fn entity_of(row: &Row) -> Option<(EntityRef, i64)> {
    Some(match row {
        Row::Tenant(saved) => (EntityRef::Tenant, saved.from),
        Row::Scheme(saved) => (EntityRef::Scheme, saved.from),
        Row::User(saved) => (EntityRef::User(saved.record.id.to()), saved.from),
        Row::Team(saved) => (EntityRef::Team(saved.record.id.to()), saved.from),
        Row::Ticket(plan) => (EntityRef::Ticket(plan.id), plan.saved.from),
        Row::Message(saved) => (EntityRef::Message(saved.record.id.to()), saved.from),
        Row::Template(saved) => (EntityRef::Template(saved.record.id.to()), saved.from),
        Row::Article(saved) => (EntityRef::Article(saved.record.id.to()), saved.from),
        Row::Inbound(saved) => (EntityRef::Mail(saved.record.id.to()), saved.from),
        Row::Outbound(saved) => (EntityRef::Outbound(saved.record.id.to()), saved.from),
        Row::Correspondent(saved) => (EntityRef::Correspondent(saved.record.id.to()), saved.from),
        Row::Notification(saved) => (EntityRef::Notification(saved.record.id.to()), saved.from),
        Row::EraseTicket(_)
        | Row::Routing(_)
        | Row::Revision(_)
        | Row::Chunks(..)
        | Row::Feedback(_)
        | Row::Raw(_)
        | Row::MailRef(_)
        | Row::FinishJob(_) => return None,
    })
}

/// Writes the accepted change sets.
async fn write(
    connection: &mut PgConnection,
    tenant: Uid,
    rows: &Rows,
    mut accepted: Vec<Numbered<'_>>,
    answered: &mut Vec<(usize, Result<Receipt>)>,
) -> Result<()> {
    if accepted.is_empty() {
        return Ok(());
    }
    for (_, plan) in &accepted {
        for row in &plan.rows {
            if let Row::EraseTicket(id) = row
                && let Some(refused) = erase::ticket(connection, tenant, Uid::of(*id)).await?
            {
                // The only one of its round, so that nothing else has been written.
                answered.extend(accepted.into_iter().next().map(|(at, _)| (at, Err(refused))));
                return Ok(());
            }
        }
    }
    let mut plans: Vec<&mut Plan> = accepted.iter_mut().map(|(_, plan)| &mut **plan).collect();
    let receipts = apply::write(connection, tenant, rows, &mut plans).await?;
    let places = accepted.iter().map(|(at, _)| *at);
    answered.extend(places.zip(receipts.into_iter().map(Ok)));
    Ok(())
}
