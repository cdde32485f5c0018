//! Tenants: apart from each other, and found by address for mail intake.

use std::collections::BTreeSet;

use crate::{
    clock::Stamp,
    conformance::{Backend, rich::scheme, rig::assert_conflict, world::World},
    id::TenantId,
    tenant::{self, BetaFeatures, FeatureFlags, Tenant, TenantPolicy},
    text::{EmailAddress, Name},
    ticket::SchemeEvent,
    transition::Transition,
};

async fn found(world: &World, id: TenantId, address: Option<&str>) -> crate::error::Result<Tenant> {
    let actor = crate::access::Actor::system(id);
    let stamp: Stamp<'_> = world.stamp();
    let policy = TenantPolicy { reopen_days: 0, retention_days: 3_650, ..TenantPolicy::default() };
    let address = address.map(|address| EmailAddress::new(address).expect("an address"));
    let founded =
        tenant::found(id, Name::new("Acme ’ \u{202E} 🏢").expect("a name"), address, policy, &stamp).unwrap();
    let row = Tenant { version: founded.state.version.next(), ..founded.state.clone() };
    let mut set = crate::change::ChangeSet::new(&actor, &stamp);
    set.tenant(founded, &stamp);
    world.store.commit(&set).await.map(|_| row)
}

/// C1: tenant, flags, policy and scheme read back, also after a change.
pub async fn c1_a_tenant_reads_back_with_flags_and_scheme(backend: Backend) {
    let world = World::open(&backend).await;
    let row = found(&world, world.stamp().id(), Some("Help@Acme.example")).await.expect("a tenant");
    let there = world.of_tenant(row.id);
    assert_eq!(there.store.tenant(&there.wide()).await.unwrap(), Some(row.clone()));
    assert_eq!(there.store.scheme(&there.wide()).await.unwrap(), None);
    let flags = FeatureFlags {
        ai_responses: false,
        vector_search: true,
        realtime_chat: false,
        multi_language: true,
        beta_features: BetaFeatures { voice_support: true, video_chat: false },
    };
    let stamp = there.stamp();
    let changed = tenant::change_flags(row, flags, &stamp);
    let row = Tenant { version: changed.state.version.next(), ..changed.state.clone() };
    let rules = scheme(&there);
    let set = there.plan_at(&stamp, |set, stamp| {
        set.tenant(changed, stamp).scheme(Transition::new(rules.clone(), SchemeEvent::Set), stamp);
    });
    there.store.commit(&set).await.expect("the tenant is changed");
    let mut stored = rules;
    stored.version = stored.version.next();
    for store in [backend.store(), backend.other()] {
        assert_eq!(store.tenant(&there.wide()).await.unwrap(), Some(row.clone()));
        assert_eq!(store.scheme(&there.wide()).await.unwrap(), Some(stored.clone()));
    }
}

/// C2: two tenants never share a support address, for it names the tenant that a mail is for.
pub async fn c2_a_support_address_names_one_tenant(backend: Backend) {
    let world = World::open(&backend).await;
    let first = found(&world, world.stamp().id(), Some("help@acme.example")).await.expect("a tenant");
    let id = world.stamp().id();
    assert_conflict(found(&world, id, Some("help@acme.example")).await, "a taken support address");
    assert_eq!(world.store.tenant(&crate::access::Scope::tenant_wide(id)).await.unwrap(), None);
    let second = found(&world, id, Some("desk@acme.example")).await.expect("a tenant");
    for (address, owner) in [
        ("help@acme.example", Some(first.id)),
        ("desk@acme.example", Some(second.id)),
        ("nobody@acme.example", None),
    ] {
        let address = EmailAddress::new(address).unwrap();
        assert_eq!(world.store.tenant_by_address(&address).await.unwrap(), owner);
    }
}

/// R1: every scope shows its own tenant and scheme and no other.
pub async fn r1_a_scope_shows_its_own_tenant(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let rules = scheme(&world);
    world
        .apply(|set, stamp| {
            set.scheme(Transition::new(rules, SchemeEvent::Set), stamp);
        })
        .await;
    let nobody = world.stamp().id();
    for scope in [world.wide(), world.agent(nobody, &[]), world.customer(nobody)] {
        assert_eq!(world.store.tenant(&scope).await.unwrap().map(|tenant| tenant.id), Some(world.tenant));
        assert!(world.store.scheme(&scope).await.unwrap().is_some());
    }
    assert_eq!(world.store.scheme(&other.wide()).await.unwrap(), None, "another tenant's scheme");
    let unknown = crate::access::Scope::tenant_wide(world.stamp().id());
    assert_eq!(world.store.tenant(&unknown).await.unwrap(), None);
}

/// R2: tenants come by id, each once, from wherever the last list ended.
pub async fn r2_tenants_come_by_id(backend: Backend) {
    let world = World::open(&backend).await;
    let mut ids = BTreeSet::from([world.tenant]);
    for _ in 0..5 {
        ids.insert(world.sibling().await.tenant);
    }
    for limit in [1, 2, 4, 200] {
        let mut listed: Vec<TenantId> = Vec::new();
        loop {
            let more = world.store.tenants(listed.last().copied(), limit).await.unwrap();
            assert!(more.len() <= usize::from(limit));
            if more.is_empty() {
                break;
            }
            listed.extend(more);
        }
        assert_eq!(listed, ids.iter().copied().collect::<Vec<_>>(), "{limit} at a time");
    }
}
