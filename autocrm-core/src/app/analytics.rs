//! What is heard of mails that left.

use std::time::Duration;

use uuid::Uuid;

use crate::{
    access::{Action, Actor, Resource, Scope},
    app::{Mailbox, Planned, RequestKey, Result, handle::authorise, transact::transact},
    id::OutboundId,
    mail::{BlobHash, DeliveryNews, MailStats, NewsKind, OutboundMail, take_news},
    metrics::TimeFrame,
};

/// How many mails are read at once.
const READ: u16 = 1_000;
/// How far clocks of several nodes may be apart for a mail to be found by its time.
const SLACK: Duration = Duration::from_mins(5);

/// Returns an id before those of the frame.
fn first_id(frame: TimeFrame) -> OutboundId {
    let millis = u128::try_from(frame.from.minus(SLACK).as_micros() / 1_000).unwrap_or_default();
    OutboundId::from_uuid(Uuid::from_u128((millis & 0xFFFF_FFFF_FFFF) << 80))
}

impl Mailbox {
    /// Takes note of what a provider tells of a mail; answers whether that changed anything. The same news again, news
    /// that were overtaken, and news of a mail that the tenant does not have change nothing. Whoever calls has proved
    /// where the news come from.
    pub async fn track_delivery(&self, news: &DeliveryNews) -> Result<bool> {
        let crm = self.crm();
        let (scope, actor) = (Scope::tenant_wide(news.tenant), Actor::system(news.tenant));
        if crm.store().outbound(&scope, news.mail).await?.is_none() {
            return Ok(false);
        }
        let told = format!("{} {:?} {}", news.mail, news.kind, news.at);
        let key = RequestKey { key: news.id.clone(), request: BlobHash::of(told.as_bytes()) };
        let noted = transact(crm, Some(key.scoped(&actor)), |_| async {
            let stamp = crm.stamp();
            let mut changes = crm.changes(&actor, &stamp);
            let tenant = crm.store().tenant(&scope).await?;
            let mail = crm.store().outbound(&scope, news.mail).await?;
            let (Some(tenant), Some(mail)) = (tenant, mail) else { return Ok(Planned::new(false, changes)) };
            let taken = take_news(mail, news.kind, tenant.policy.track_engagement);
            let is_news = !taken.events.is_empty();
            // News name no address: of a mail with copies it is not known whom they concern.
            let one = taken.state.cc.is_empty() && taken.state.bcc.is_empty();
            if let Some(fate) = news.kind.fate().filter(|_| is_news && one) {
                self.heed_news(&taken.state, fate, &stamp, &mut changes).await?;
            }
            changes.outbound(taken, &stamp);
            Ok(Planned::new(is_news, changes))
        })
        .await;
        match noted {
            // What was taken note of before changes nothing.
            Ok(settled) => Ok(settled.into_done().is_ok_and(|(changed, _)| changed)),
            // The id was used for other news, which stand.
            Err(error) if error.is_key_reused() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns how far the mails got that were written within the frame; staff only. The mails are read one after the other,
    /// so that the answer for many takes its time.
    pub async fn get_stats(&self, actor: &Actor, frame: TimeFrame) -> Result<MailStats> {
        authorise(actor, Action::ReadMetrics, &Resource::Tenant(actor.tenant), "tenant")?;
        let scope = Scope::tenant_wide(actor.tenant);
        let (mut stats, mut after) = (MailStats::default(), first_id(frame));
        loop {
            let mails = self.crm().store().outbounds(&scope, after, READ).await?;
            let Some(last) = mails.last() else { return Ok(stats) };
            after = last.id;
            let inside =
                |mail: &&OutboundMail| mail.created_at >= frame.from && mail.created_at < frame.until;
            mails.iter().filter(inside).for_each(|mail| stats.count(mail));
            // Ids grow with the time of their making, to the millisecond and rarely back a little.
            if last.created_at >= frame.until.plus(SLACK) {
                return Ok(stats);
            }
        }
    }

    /// Takes note that a mail was opened, as [`track_delivery`](Self::track_delivery) does.
    pub async fn track_open(&self, news: DeliveryNews, machine: bool) -> Result<bool> {
        self.track_delivery(&DeliveryNews { kind: NewsKind::Opened { machine }, ..news }).await
    }

    /// Takes note that a link of a mail was followed, as [`track_delivery`](Self::track_delivery) does.
    pub async fn track_click(&self, news: DeliveryNews, machine: bool) -> Result<bool> {
        self.track_delivery(&DeliveryNews { kind: NewsKind::Clicked { machine }, ..news }).await
    }
}
