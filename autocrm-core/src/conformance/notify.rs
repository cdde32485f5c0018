//! Notifications: one's own, newest first.

use crate::{
    access::Scope,
    conformance::{Backend, rig::walk_every_size, world::World},
    id::UserId,
    notify::{self, Notification, NotificationKind},
    page::PageRequest,
};

async fn raise(world: &World, recipient: UserId, kind: NotificationKind) -> Notification {
    let raised = notify::raise(world.tenant, recipient, kind, world.stamp().id(), &world.stamp());
    let row = Notification { version: raised.state.version.next(), ..raised.state.clone() };
    world
        .apply(|set, stamp| {
            set.notification(raised, stamp);
        })
        .await;
    row
}

async fn list(world: &World, scope: &Scope) -> Vec<Notification> {
    walk_every_size(|page: PageRequest| async move { world.store.notifications(scope, &page).await }).await
}

/// R1, R2: everybody sees their own notifications, the tenant's eyes all of them, newest first.
pub async fn r1_notifications_are_ones_own(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let (ann, ben): (UserId, UserId) = (world.stamp().id(), world.stamp().id());
    let kinds =
        [NotificationKind::Assigned, NotificationKind::CustomerReplied, NotificationKind::MessageHeld];
    let mut all = Vec::new();
    for index in 0..7 {
        let recipient = if index % 2 == 0 { ann } else { ben };
        all.push(raise(&world, recipient, kinds[index % 3]).await);
    }
    raise(&other, ann, NotificationKind::Assigned).await;
    all.reverse();
    for scope in [
        world.wide(),
        world.agent(ann, &[]),
        world.agent(ben, &[]),
        world.customer(ann),
        world.agent(world.stamp().id(), &[]),
    ] {
        let shown: Vec<Notification> =
            all.iter().filter(|row| scope.sees_notification(row.recipient)).cloned().collect();
        assert_eq!(list(&world, &scope).await, shown, "{scope:?}");
        for row in &all {
            let expected = shown.contains(row).then_some(row);
            assert_eq!(
                world.store.notification(&scope, row.id).await.unwrap().as_ref(),
                expected,
                "{scope:?}"
            );
        }
        let foreign = other.wide();
        assert_eq!(world.store.notification(&foreign, all[0].id).await.unwrap(), None);
    }
}

/// C1: a notification reads back before and after it was read.
pub async fn c1_a_read_notification_reads_back(backend: Backend) {
    let world = World::open(&backend).await;
    let user = world.stamp().id();
    let raised = raise(&world, user, NotificationKind::MessageHeld).await;
    assert_eq!(list(&world, &world.wide()).await, vec![raised.clone()]);
    let read = notify::mark_read(raised, &world.stamp());
    let row = Notification { version: read.state.version.next(), ..read.state.clone() };
    world
        .apply(|set, stamp| {
            set.notification(read, stamp);
        })
        .await;
    assert!(row.read_at.is_some());
    let found = backend.other().notification(&world.agent(user, &[]), row.id).await.unwrap();
    assert_eq!(found, Some(row));
}
