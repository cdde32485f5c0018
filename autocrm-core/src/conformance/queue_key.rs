//! The queue's order: of jobs with one key one is held, and they run in the order in which they were first due.

use std::time::Duration;

use crate::{
    change::{Job, JobOutcome, JobState, LeasedJob},
    clock::Timestamp,
    conformance::{
        Backend,
        queue::{LEASE, MICRO, claim, enqueue, finish, keyless},
        rig::race,
        world::World,
    },
    id::{JobId, TicketId},
};

const MINUTE: Duration = Duration::from_mins(1);

fn process(world: &World, ticket: TicketId) -> Job {
    Job::ProcessTicket { ticket, message: world.stamp().id() }
}

/// Three jobs of one ticket, due one microsecond after the other, and a job of another ticket.
async fn line(world: &World, max_attempts: u16) -> (Vec<JobId>, JobId, Timestamp) {
    let (ticket, other): (TicketId, TicketId) = (world.stamp().id(), world.stamp().id());
    let now = world.tick();
    let jobs = [
        (process(world, ticket), now),
        (process(world, ticket), now.plus(MICRO)),
        (Job::EraseTicket { ticket }, now.plus(MICRO * 2)),
        (process(world, other), now),
    ];
    let mut ids = enqueue(world, &jobs, max_attempts).await;
    let beside = ids.pop().expect("four jobs");
    (ids, beside, world.tick())
}

async fn hold(world: &World, now: Timestamp) -> Vec<LeasedJob> {
    claim(&**world.store, now, 100).await
}

fn ids(held: &[LeasedJob]) -> Vec<JobId> {
    held.iter().map(|job| job.id).collect()
}

fn sorted(mut ids: Vec<JobId>) -> Vec<JobId> {
    ids.sort_unstable();
    ids
}

/// Q11: of jobs with one key at most one is held, in order; other keys and kinds without a key go on beside it.
pub async fn q11_jobs_of_one_key_run_one_by_one(backend: Backend) {
    let world = World::open(&backend).await;
    let (line, beside, now) = line(&world, 5).await;
    let free = enqueue(&world, &[(keyless(&world), now), (keyless(&world), now)], 5).await;
    let now = world.tick();
    let mut held = hold(&world, now).await;
    assert_eq!(sorted(ids(&held)), sorted(vec![line[0], beside, free[0], free[1]]));
    for next in [Some(line[1]), Some(line[2]), None] {
        assert_eq!(hold(&world, now).await, vec![], "the key is held");
        let own = held.iter().position(|job| line.contains(&job.id)).expect("a job of the key is held");
        finish(&world, &held[own], JobOutcome::Done).await.expect("the attempt ends");
        held = hold(&world, now).await;
        assert_eq!(ids(&held), next.into_iter().collect::<Vec<_>>());
    }
}

/// Q11: many workers that claim at once on two handles never hold two jobs of one key, and run them in order.
pub async fn q11_many_workers_keep_the_order(backend: Backend) {
    let world = World::open(&backend).await;
    let now = world.tick();
    let mut lines = Vec::new();
    for _ in 0..3 {
        let ticket = world.stamp().id();
        let jobs: Vec<(Job, Timestamp)> =
            (0..6).map(|place| (process(&world, ticket), now.plus(MICRO * place))).collect();
        lines.push(enqueue(&world, &jobs, 5).await);
    }
    let now = world.tick();
    let done = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let workers = (0..6).map(|worker| {
        let world = world.through(if worker % 2 == 0 { backend.store() } else { backend.other() });
        let done = std::sync::Arc::clone(&done);
        async move {
            // Every job is claimed once, so that this many empty claims in a row mean the end.
            let mut idle = 0;
            while idle < 50 {
                let held = claim(&**world.store, now, 2).await;
                idle = if held.is_empty() { idle + 1 } else { 0 };
                tokio::task::yield_now().await;
                for job in held {
                    done.lock().unwrap().push(job.id);
                    finish(&world, &job, JobOutcome::Done).await.expect("the holder finishes");
                }
            }
        }
    });
    race(workers).await;
    let done = done.lock().unwrap().clone();
    for line in lines {
        let order: Vec<JobId> = done.iter().copied().filter(|id| line.contains(id)).collect();
        assert_eq!(order, line);
    }
}

/// Q11: a job that waits for its retry or snooze blocks later ones of its key, and only those.
pub async fn q11_a_waiting_retry_blocks_its_key(backend: Backend) {
    let world = World::open(&backend).await;
    let (line, beside, now) = line(&world, 9).await;
    let at = now.plus(MINUTE * 10);
    for outcome in
        [JobOutcome::Retry { at, error: "x".to_owned() }, JobOutcome::Snooze { at: at.plus(MINUTE) }]
    {
        let now = if matches!(outcome, JobOutcome::Snooze { .. }) { at } else { now };
        for job in hold(&world, now).await {
            let outcome = if job.id == line[0] { outcome.clone() } else { JobOutcome::Done };
            assert!(job.id == line[0] || job.id == beside);
            finish(&world, &job, outcome).await.expect("the attempt ends");
        }
        let waits = world.store.inspect(&world.wide(), line[0]).await.unwrap().expect("it waits");
        assert_eq!(hold(&world, waits.run_at.minus(MICRO)).await, vec![], "later jobs of the key wait too");
    }
    assert_eq!(ids(&hold(&world, at.plus(MINUTE)).await), vec![line[0]]);
}

/// Q11: a released job keeps its place before later ones.
pub async fn q11_a_released_job_keeps_its_place(backend: Backend) {
    let world = World::open(&backend).await;
    let (line, _, now) = line(&world, 9).await;
    let held = hold(&world, now).await;
    let own = held.iter().find(|job| job.id == line[0]).expect("the first is held");
    world.store.release(own.id, own.token).await.expect("the job is released");
    assert_eq!(ids(&hold(&world, now).await), vec![line[0]]);
}

/// Q11: a dead job blocks nobody; requeued, it takes its place again.
pub async fn q11_a_dead_job_blocks_nobody(backend: Backend) {
    let world = World::open(&backend).await;
    let (line, _, now) = line(&world, 9).await;
    let held = hold(&world, now).await;
    let own = held.iter().find(|job| job.id == line[0]).expect("the first is held");
    finish(&world, own, JobOutcome::Dead { error: "x".to_owned() }).await.expect("the attempt ends");
    let held = hold(&world, now).await;
    assert_eq!(ids(&held), vec![line[1]]);
    finish(&world, &held[0], JobOutcome::Done).await.expect("the attempt ends");
    world.store.requeue(&world.wide(), line[0], now).await.expect("the job is requeued");
    assert_eq!(ids(&hold(&world, now).await), vec![line[0]], "before those that were due after it");
}

/// Q11: exhausted by crashes, a job lets the next one of its key through.
pub async fn q11_an_exhausted_job_blocks_nobody(backend: Backend) {
    let world = World::open(&backend).await;
    let (line, _, now) = line(&world, 1).await;
    hold(&world, now).await;
    let late = now.plus(MINUTE);
    let mut held = ids(&hold(&world, late).await);
    // A store may bury the exhausted job in one claim and hand out its successor in the next.
    held.extend(ids(&hold(&world, late).await));
    assert_eq!(held, vec![line[1]]);
    let first = world.store.inspect(&world.wide(), line[0]).await.unwrap().expect("it is kept");
    assert_eq!(first.state, JobState::Dead);
}

/// Q11: a job whose first instant has not yet come blocks nobody, however early it was enqueued.
pub async fn q11_a_scheduled_job_blocks_nobody(backend: Backend) {
    let world = World::open(&backend).await;
    let ticket: TicketId = world.stamp().id();
    let wake = world.now().plus(MINUTE * 60);
    let scheduled = enqueue(&world, &[(Job::WakeTicket { ticket }, wake)], 5).await[0];
    let now = world.tick();
    let urgent = enqueue(&world, &[(process(&world, ticket), now)], 5).await[0];
    let held = hold(&world, world.tick()).await;
    assert_eq!(ids(&held), vec![urgent]);
    // A job that was first due before it still goes before it when both are due.
    let at = wake.plus(MINUTE);
    finish(&world, &held[0], JobOutcome::Retry { at, error: "x".to_owned() })
        .await
        .expect("the attempt ends");
    assert_eq!(hold(&world, at.minus(MICRO)).await, vec![], "the waiting retry was due first");
    let held = hold(&world, at).await;
    assert_eq!(ids(&held), vec![urgent]);
    finish(&world, &held[0], JobOutcome::Done).await.expect("the attempt ends");
    assert_eq!(ids(&hold(&world, at).await), vec![scheduled]);
}

/// Q11: an expired lease keeps the key until a claim replaces it, with the same job.
pub async fn q11_an_expired_lease_keeps_its_key(backend: Backend) {
    let world = World::open(&backend).await;
    let (line, _, now) = line(&world, 9).await;
    let held = hold(&world, now).await;
    let own = held.iter().find(|job| job.id == line[0]).expect("the first is held").clone();
    let late = now.plus(LEASE).plus(MICRO);
    finish(&world, &own, JobOutcome::Snooze { at: late })
        .await
        .expect("an expired lease still ends its attempt");
    let held = hold(&world, late).await;
    assert!(ids(&held).contains(&line[0]));
    assert!(!ids(&held).contains(&line[1]));
    let later = late.plus(LEASE).plus(MICRO);
    let taken = hold(&world, later).await;
    assert!(ids(&taken).contains(&line[0]), "the same job is taken over");
    assert!(!ids(&taken).contains(&line[1]), "and no other of its key");
}
