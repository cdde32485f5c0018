//! Teams: read whole, unique by name, hidden from customers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    conformance::{
        Backend,
        rig::assert_conflict,
        world::{World, member},
    },
    team::{self, Availability, Capacity, Member, SkillLevel, Team, TeamSpec},
    text::{Key, Language, Name, Note},
    user::Role,
};

fn spec(name: &str, members: Vec<Member>) -> TeamSpec {
    TeamSpec {
        name: Name::new(name).expect("a name"),
        description: None,
        categories: BTreeSet::new(),
        members,
    }
}

/// C1: a team reads back with its members in their order, before and after a change.
pub async fn c1_a_team_reads_back_with_its_members(backend: Backend) {
    let world = World::open(&backend).await;
    let mut members: Vec<Member> = (0..5).map(|_| member(world.stamp().id())).collect();
    members.reverse();
    let made =
        team::create(world.tenant, spec("Überläufer", members.clone()), |_| true, &world.stamp()).unwrap();
    let mut row = Team { version: made.state.version.next(), ..made.state.clone() };
    world
        .apply(|set, stamp| {
            set.team(made, stamp);
        })
        .await;
    assert_eq!(world.store.team(&world.wide(), row.id).await.unwrap(), Some(row.clone()));
    members.swap(0, 3);
    members.pop();
    members[1] = Member {
        skills: BTreeMap::from([(Key::new("tax.eu").unwrap(), SkillLevel::new(3).unwrap())]),
        languages: BTreeSet::from([Language::new("de").unwrap(), Language::new("yue").unwrap()]),
        capacity: Capacity::new(0).unwrap(),
        availability: Availability::Away,
        ..members[1].clone()
    };
    let next = TeamSpec {
        description: Some(Note::new("“Tax”, and what\u{200D}ever 💶").unwrap()),
        categories: BTreeSet::from([Key::new("b").unwrap(), Key::new("a").unwrap()]),
        ..spec("Steuer", members)
    };
    let changed = team::update(row, next, |_| true, &world.stamp()).unwrap();
    row = Team { version: changed.state.version.next(), ..changed.state.clone() };
    world
        .apply(|set, stamp| {
            set.team(changed, stamp);
        })
        .await;
    for store in [backend.store(), backend.other()] {
        assert_eq!(store.team(&world.wide(), row.id).await.unwrap(), Some(row.clone()));
        assert_eq!(store.teams(&world.wide()).await.unwrap(), vec![row.clone()]);
    }
}

/// C2: a second team of the name is a conflict within the tenant; a name given up is free.
pub async fn c2_names_are_unique_within_a_tenant(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let first = world.team("Tax", &[]).await;
    other.team("Tax", &[]).await;
    let second = world.team("Law", &[]).await;
    let made = team::create(world.tenant, spec("Tax", Vec::new()), |_| true, &world.stamp()).unwrap();
    let set = world.plan(|set, stamp| {
        set.team(made, stamp);
    });
    assert_conflict(world.store.commit(&set).await, "a taken name");
    let renamed = team::update(second.clone(), spec("Tax", Vec::new()), |_| true, &world.stamp()).unwrap();
    let set = world.plan(|set, stamp| {
        set.team(renamed, stamp);
    });
    assert_conflict(world.store.commit(&set).await, "a change to a taken name");
    assert_eq!(world.store.teams(&world.wide()).await.unwrap(), vec![first.clone(), second]);
    let freed = team::update(first, spec("Taxes", Vec::new()), |_| true, &world.stamp()).unwrap();
    world
        .apply(|set, stamp| {
            set.team(freed, stamp);
        })
        .await;
    world.team("Tax", &[]).await;
}

/// R1: staff see all teams of their tenant, by id; customers and other tenants none.
pub async fn r1_staff_see_all_teams_and_customers_none(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let agent = world.person(Role::Agent, "Ann", None).await;
    let mut teams = vec![world.team("One", &[agent.id]).await, world.team("Two", &[]).await];
    let foreign = other.team("Three", &[]).await;
    teams.sort_by_key(|team| team.id);
    for scope in [world.wide(), world.agent(agent.id, &[]), world.agent(agent.id, &[teams[0].id])] {
        assert_eq!(world.store.teams(&scope).await.unwrap(), teams);
        assert_eq!(world.store.team(&scope, teams[1].id).await.unwrap().as_ref(), Some(&teams[1]));
        assert_eq!(world.store.team(&scope, foreign.id).await.unwrap(), None);
    }
    let customer = world.customer(agent.id);
    assert_eq!(world.store.teams(&customer).await.unwrap(), vec![]);
    assert_eq!(world.store.team(&customer, teams[0].id).await.unwrap(), None);
}
