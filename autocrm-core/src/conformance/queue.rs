//! The queue: what is handed out, when, to whom, and how often.

use std::time::Duration;

use crate::{
    change::{Job, JobOutcome, JobRecord, JobState, LeaseToken, Leased, LeasedJob, NewJob},
    clock::Timestamp,
    conformance::{
        Backend,
        commit::add_user,
        rig::{assert_conflict, assert_refused, race, walk_every_size},
        world::World,
    },
    error::{ErrorKind, Result},
    id::JobId,
    page::PageRequest,
    port::{ClaimRequest, QueueDepth, Store},
    user::Role,
};

pub(crate) const LEASE: Duration = Duration::from_secs(30);
pub(crate) const MICRO: Duration = Duration::from_micros(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Returns a job of a kind that is not ordered.
pub(crate) fn keyless(world: &World) -> Job {
    Job::FileMail { mail: world.stamp().id() }
}

/// Enqueues jobs in one change set and returns their ids.
pub(crate) async fn enqueue(world: &World, jobs: &[(Job, Timestamp)], max_attempts: u16) -> Vec<JobId> {
    let stamp = world.stamp();
    let rows: Vec<NewJob> = jobs
        .iter()
        .map(|(job, run_at)| NewJob { id: stamp.id(), job: *job, run_at: *run_at, max_attempts })
        .collect();
    let ids = rows.iter().map(|row| row.id).collect();
    let set = world.plan_at(&stamp, |_, _| ()).with_jobs(rows);
    world.store.commit(&set).await.expect("the jobs are enqueued");
    ids
}

/// Enqueues one job that is due now.
pub(crate) async fn enqueue_one(world: &World, max_attempts: u16) -> JobId {
    let now = world.tick();
    enqueue(world, &[(keyless(world), now)], max_attempts).await[0]
}

pub(crate) async fn claim(store: &dyn Store, now: Timestamp, limit: u16) -> Vec<LeasedJob> {
    let claimed = store.claim(&ClaimRequest { now, lease: LEASE, limit }).await.expect("jobs are claimed");
    assert!(claimed.len() <= usize::from(limit), "no more jobs than asked for");
    claimed
}

async fn claim_ids(world: &World, now: Timestamp, limit: u16) -> Vec<JobId> {
    claim(&**world.store, now, limit).await.iter().map(|job| job.id).collect()
}

pub(crate) async fn finish(world: &World, job: &LeasedJob, outcome: JobOutcome) -> Result<()> {
    let set = world.plan(|set, _| {
        set.finish(job, outcome);
    });
    world.store.commit(&set).await.map(drop)
}

fn retry(at: Timestamp) -> JobOutcome {
    JobOutcome::Retry { at, error: "mail_unreachable".to_owned() }
}

async fn inspect(world: &World, id: JobId) -> Option<JobRecord> {
    world.store.inspect(&world.wide(), id).await.expect("a job is inspected")
}

/// Q1: a job is visible if and only if the change set that holds it is committed.
pub async fn q1_jobs_appear_with_their_change_set(backend: Backend) {
    let world = World::open(&backend).await;
    world.person(Role::Customer, "Cleo", Some("taken@example.org")).await;
    let stamp = world.stamp();
    let row = NewJob { id: stamp.id(), job: keyless(&world), run_at: stamp.at(), max_attempts: 3 };
    let good = world.plan(|_, _| ()).with_jobs(vec![row.clone()]);
    let mut refused = good.clone();
    add_user(&world, &mut refused, "taken@example.org");
    assert_conflict(world.store.commit(&refused).await, "a refused set");
    assert_eq!(claim_ids(&world, world.tick(), 10).await, vec![]);
    assert_eq!(inspect(&world, row.id).await, None);
    assert_eq!(world.store.next_due().await.unwrap(), None);
    world.store.commit(&good).await.expect("the set is applied");
    assert_eq!(world.store.next_due().await.unwrap(), Some(row.run_at));
    let now = world.tick();
    let claimed = claim(&*backend.other(), now, 10).await;
    let expected = LeasedJob {
        id: row.id,
        tenant: world.tenant,
        work: Leased::Job(row.job),
        attempt: 1,
        max_attempts: 3,
        token: claimed.first().map_or(LeaseToken::new(0), |job| job.token),
        until: now.plus(LEASE),
    };
    assert_eq!(claimed, vec![expected]);
    assert_eq!(world.store.next_due().await.unwrap(), Some(now.plus(LEASE)), "the end of the lease");
}

/// Q1: whoever waits for changes returns once jobs were committed, also when they were before it began to wait.
pub async fn q1_waiting_ends_when_jobs_are_committed(backend: Backend) {
    let world = World::open(&backend).await;
    let waiting = world.store.clone();
    let limit = Duration::from_secs(10);
    let (woken, _) = tokio::join!(tokio::time::timeout(limit, waiting.changed()), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        enqueue_one(&world, 1).await
    });
    assert!(woken.is_ok(), "a waiting worker learns of a job");
}

/// Q2: a claim is exclusive, also among many that claim at once on two handles.
pub async fn q2_no_job_is_held_twice(backend: Backend) {
    let world = World::open(&backend).await;
    let now = world.tick();
    let jobs: Vec<(Job, Timestamp)> = (0..60).map(|_| (keyless(&world), now)).collect();
    let mut ids = enqueue(&world, &jobs, 5).await;
    let now = world.tick();
    let workers = (0..8).map(|worker| {
        let store = if worker % 2 == 0 { backend.store() } else { backend.other() };
        async move {
            let mut held = Vec::new();
            loop {
                let claimed = claim(&*store, now, 7).await;
                if claimed.is_empty() {
                    return held;
                }
                held.extend(claimed.into_iter().map(|job| job.id));
            }
        }
    });
    let mut held: Vec<JobId> = race(workers).await.into_iter().flatten().collect();
    held.sort_unstable();
    ids.sort_unstable();
    assert_eq!(held, ids, "every job is held, and by one worker only");
    assert_eq!(claim_ids(&world, now.plus(LEASE).minus(MICRO), 100).await, vec![], "until the leases end");
}

/// Q3: tokens grow with every claim; with an old one nothing is finished, extended or released.
pub async fn q3_old_tokens_are_refused(backend: Backend) {
    let world = World::open(&backend).await;
    enqueue_one(&world, 10).await;
    let mut last = LeaseToken::new(0);
    let mut stale: Vec<LeasedJob> = Vec::new();
    for round in 0..4 {
        let now = world.pass(MINUTE);
        let held = claim(&**world.store, now, 10).await.remove(0);
        assert!(held.token > last, "tokens grow");
        last = held.token;
        for old in &stale {
            assert_conflict(
                world.store.extend(old.id, old.token, now.plus(MINUTE)).await,
                "an old token extends",
            );
            assert_conflict(world.store.release(old.id, old.token).await, "an old token releases");
            assert_conflict(finish(&world, old, JobOutcome::Done).await, "an old token finishes");
        }
        let guess = LeasedJob { token: LeaseToken::new(held.token.get() + 1), ..held.clone() };
        assert_conflict(finish(&world, &guess, JobOutcome::Done).await, "a token to come finishes");
        if round == 1 {
            world.store.release(held.id, held.token).await.expect("the current token releases");
        }
        stale.push(held);
    }
    let held = stale.pop().expect("there were rounds");
    finish(&world, &held, JobOutcome::Done).await.expect("the current token finishes");
    assert_conflict(finish(&world, &held, JobOutcome::Done).await, "a finished job is finished again");
    assert_conflict(world.store.extend(held.id, held.token, held.until).await, "a finished job is extended");
    assert_conflict(world.store.release(held.id, held.token).await, "a finished job is released");
}

/// Q3: an extended lease holds until its new end; an expired one still counts until a claim replaces it.
pub async fn q3_leases_are_extended(backend: Backend) {
    let world = World::open(&backend).await;
    let id = enqueue_one(&world, 10).await;
    let now = world.tick();
    let held = claim(&**world.store, now, 1).await.remove(0);
    let until = held.until.plus(MINUTE);
    world.store.extend(id, held.token, until).await.expect("the lease is extended");
    assert_eq!(claim_ids(&world, held.until.plus(MICRO), 10).await, vec![], "within the extended lease");
    let again = until.plus(MINUTE);
    world.store.extend(id, held.token, again).await.expect("an expired lease that nobody took is extended");
    assert_eq!(claim_ids(&world, until.plus(MICRO), 10).await, vec![]);
    assert_eq!(claim_ids(&world, again.plus(MICRO), 10).await, vec![id]);
}

/// C11: a set that ends an attempt with a token that is not current is a conflict as a whole, and the job stays held.
pub async fn c11_a_stale_worker_commits_nothing(backend: Backend) {
    let world = World::open(&backend).await;
    let id = enqueue_one(&world, 10).await;
    let first = claim(&**world.store, world.tick(), 1).await.remove(0);
    let second = claim(&**world.store, world.pass(MINUTE), 1).await.remove(0);
    let held = inspect(&world, id).await;
    for outcome in [
        JobOutcome::Done,
        retry(world.now()),
        JobOutcome::Snooze { at: world.now() },
        JobOutcome::Dead { error: "lost".to_owned() },
    ] {
        let mut set = world.plan(|set, _| {
            set.finish(&first, outcome);
        });
        add_user(&world, &mut set, "effect@example.org");
        assert_conflict(world.store.commit(&set).await, "a stale worker");
        let email = crate::text::EmailAddress::new("effect@example.org").unwrap();
        assert_eq!(world.store.user_by_email(&world.wide(), &email).await.unwrap(), None);
        assert_eq!(inspect(&world, id).await, held, "the job stays as it was");
    }
    let mut set = world.plan(|set, _| {
        set.finish(&second, JobOutcome::Done);
    });
    add_user(&world, &mut set, "effect@example.org");
    world.store.commit(&set).await.expect("the worker that holds the job commits");
    assert_eq!(inspect(&world, id).await, None);
}

/// C11: a retry on the last attempt makes the job dead, with its error.
pub async fn c11_a_retry_beyond_the_limit_is_dead(backend: Backend) {
    let world = World::open(&backend).await;
    let id = enqueue_one(&world, 2).await;
    for attempt in 1..=2 {
        let now = world.pass(MINUTE);
        let held = claim(&**world.store, now, 1).await.remove(0);
        assert_eq!(held.attempt, attempt);
        finish(&world, &held, retry(now.plus(MICRO))).await.expect("the attempt ends");
        let job = inspect(&world, id).await.expect("the job is kept");
        let state = if attempt == 2 { JobState::Dead } else { JobState::Ready };
        assert_eq!((job.state, job.attempts), (state, attempt));
        assert_eq!(job.last_error.as_deref(), Some("mail_unreachable"));
    }
    assert_eq!(claim_ids(&world, world.pass(MINUTE * 60), 10).await, vec![]);
}

/// Q4: crashes count as attempts: a job whose lease ended on its last one is dead at the next claim.
pub async fn q4_crashes_use_up_attempts(backend: Backend) {
    let world = World::open(&backend).await;
    let id = enqueue_one(&world, 3).await;
    for attempt in 1..=3 {
        let held = claim(&**world.store, world.pass(MINUTE), 10).await;
        assert_eq!(held.iter().map(|job| (job.id, job.attempt)).collect::<Vec<_>>(), vec![(id, attempt)]);
    }
    let beside = enqueue_one(&world, 1).await;
    assert_eq!(claim_ids(&world, world.pass(MINUTE), 10).await, vec![beside], "never a fourth time");
    let job = inspect(&world, id).await.expect("the job is kept");
    assert_eq!((job.state, job.attempts), (JobState::Dead, 3));
    assert_eq!(job.last_error.as_deref(), Some("attempts_exhausted"));
}

/// Q5: a retry is not handed out before its stored instant, and keeps its error; a snooze uses no attempt.
pub async fn q5_retries_wait_for_their_instant(backend: Backend) {
    let world = World::open(&backend).await;
    let id = enqueue_one(&world, 10).await;
    let now = world.tick();
    let held = claim(&**world.store, now, 1).await.remove(0);
    let at = now.plus(MINUTE).plus(MICRO);
    finish(&world, &held, retry(at)).await.expect("the attempt ends");
    let job = inspect(&world, id).await.expect("the job waits");
    assert_eq!((job.state, job.attempts, job.run_at), (JobState::Ready, 1, at));
    assert_eq!(claim_ids(&world, at.minus(MICRO), 10).await, vec![]);
    assert_eq!(world.store.next_due().await.unwrap(), Some(at));
    let held = claim(&*backend.other(), at, 10).await.remove(0);
    assert_eq!(held.attempt, 2);
    let later = at.plus(MINUTE);
    finish(&world, &held, JobOutcome::Snooze { at: later }).await.expect("the attempt ends");
    assert_eq!(claim_ids(&world, later.minus(MICRO), 10).await, vec![]);
    let held = claim(&**world.store, later, 10).await.remove(0);
    assert_eq!((held.id, held.attempt), (id, 2), "a snooze counts no attempt");
}

/// Q6: dead jobs are listed newest first, inspected and requeued with all their attempts, by the tenant's eyes only.
pub async fn q6_dead_jobs_are_listed_and_requeued(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let now = world.tick();
    let jobs: Vec<(Job, Timestamp)> = (0..5).map(|_| (keyless(&world), now)).collect();
    let mut ids = enqueue(&world, &jobs, 2).await;
    let foreign = enqueue_one(&other, 2).await;
    let alive = enqueue(&world, &[(keyless(&world), now.plus(MINUTE * 600))], 2).await[0];
    for job in claim(&**world.store, world.pass(MINUTE), 10).await {
        let owner = if job.id == foreign { &other } else { &world };
        let error = "mail_refused".to_owned();
        finish(owner, &job, JobOutcome::Dead { error }).await.expect("the attempt ends");
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let list = |scope: crate::access::Scope| {
        let world = world.clone();
        async move {
            let dead = walk_every_size(|page: PageRequest| {
                let (world, scope) = (&world, &scope);
                async move { world.store.dead(scope, &page).await }
            })
            .await;
            dead.into_iter().map(|job| job.id).collect::<Vec<JobId>>()
        }
    };
    assert_eq!(list(world.wide()).await, ids);
    assert_eq!(list(other.wide()).await, vec![foreign]);
    assert_eq!(list(world.sibling().await.wide()).await, vec![], "a tenant without jobs");
    let user = world.stamp().id();
    for narrow in [world.agent(user, &[]), world.customer(user), other.wide()] {
        if narrow != other.wide() {
            assert_eq!(list(narrow.clone()).await, vec![]);
        }
        assert_eq!(world.store.inspect(&narrow, ids[0]).await.unwrap(), None);
        let answer = world.store.requeue(&narrow, ids[0], world.now()).await;
        assert_refused(answer, ErrorKind::NotFound, "a requeue beyond one's scope");
    }
    let job = inspect(&world, ids[0]).await.expect("the job is kept");
    assert_eq!((job.state, job.last_error.as_deref()), (JobState::Dead, Some("mail_refused")));
    let now = world.pass(MINUTE);
    for wrong in [alive, world.stamp().id()] {
        let answer = world.store.requeue(&world.wide(), wrong, now).await;
        assert_refused(answer, ErrorKind::NotFound, "a requeue of a job that is not dead");
    }
    world.store.requeue(&world.wide(), ids[0], now).await.expect("the job is requeued");
    assert_eq!(list(world.wide()).await, ids[1..]);
    let job = inspect(&world, ids[0]).await.expect("the job is kept");
    assert_eq!((job.state, job.attempts, job.run_at), (JobState::Ready, 0, now));
    assert_eq!(claim_ids(&world, now.minus(MICRO), 10).await, vec![]);
    for attempt in 1..=2 {
        let held = claim(&**world.store, world.pass(MINUTE), 10).await;
        assert_eq!(held.iter().map(|job| (job.id, job.attempt)).collect::<Vec<_>>(), vec![(ids[0], attempt)]);
    }
}

/// Q6: the depth counts what is ready, scheduled, held and dead in one tenant, for the tenant's eyes only.
pub async fn q6_the_depth_counts_every_state(backend: Backend) {
    let world = World::open(&backend).await;
    let other = world.sibling().await;
    let now = world.tick();
    let due: Vec<(Job, Timestamp)> = (0..6).map(|_| (keyless(&world), now)).collect();
    enqueue(&world, &due, 2).await;
    enqueue(&world, &[(keyless(&world), now.plus(MINUTE * 60))], 2).await;
    let held = claim(&**world.store, world.tick(), 3).await;
    finish(&world, &held[0], JobOutcome::Dead { error: "x".to_owned() }).await.expect("the attempt ends");
    enqueue_one(&other, 2).await;
    let now = world.now();
    let expected = QueueDepth { ready: 3, scheduled: 1, leased: 2, dead: 1 };
    assert_eq!(world.store.depth(&world.wide(), now).await.unwrap(), expected);
    let user = world.stamp().id();
    for narrow in [world.agent(user, &[]), world.customer(user)] {
        assert_eq!(world.store.depth(&narrow, now).await.unwrap(), QueueDepth::default());
    }
    let empty = world.sibling().await;
    assert_eq!(world.store.depth(&empty.wide(), now).await.unwrap(), QueueDepth::default());
    let theirs = world.store.depth(&other.wide(), other.now()).await.unwrap();
    assert_eq!(theirs, QueueDepth { ready: 1, ..QueueDepth::default() });
}

/// Q7: a job is handed out at its instant and not a microsecond before.
pub async fn q7_no_job_runs_early(backend: Backend) {
    let world = World::open(&backend).await;
    let at = world.now().plus(MINUTE * 60 * 24 * 365);
    let id = enqueue(&world, &[(keyless(&world), at)], 2).await[0];
    assert_eq!(world.store.next_due().await.unwrap(), Some(at));
    assert_eq!(claim_ids(&world, at.minus(MICRO), 10).await, vec![]);
    assert_eq!(claim_ids(&world, at, 10).await, vec![id]);
}

/// Q8: a released job uses no attempt and is due at once.
pub async fn q8_a_released_job_uses_no_attempt(backend: Backend) {
    let world = World::open(&backend).await;
    let id = enqueue_one(&world, 1).await;
    let now = world.tick();
    for _ in 0..3 {
        let held = claim(&**world.store, now, 1).await.remove(0);
        assert_eq!((held.id, held.attempt), (id, 1));
        world.store.release(id, held.token).await.expect("the job is released");
        let job = inspect(&world, id).await.expect("the job is kept");
        assert_eq!((job.state, job.attempts), (JobState::Ready, 0));
    }
}

/// Q9: a payload that cannot be read is handed out as such, goes to the dead letters and hinders no other job.
pub async fn q9_an_unreadable_payload_hinders_nobody(backend: Backend) {
    let world = World::open(&backend).await;
    let now = world.tick();
    let jobs = [(keyless(&world), now), (keyless(&world), now.plus(MICRO))];
    let ids = enqueue(&world, &jobs, 3).await;
    if !backend.capabilities().spoils_jobs {
        return;
    }
    backend.spoil_job(ids[0]).await;
    let held = claim(&**world.store, world.tick(), 10).await;
    let works: Vec<(JobId, Leased)> = held.iter().map(|job| (job.id, job.work)).collect();
    assert_eq!(works, vec![(ids[0], Leased::Undecodable), (ids[1], Leased::Job(jobs[1].0))]);
    let error = "job_undecodable".to_owned();
    finish(&world, &held[0], JobOutcome::Dead { error }).await.expect("the attempt ends");
    let job = inspect(&world, ids[0]).await.expect("an operator sees the job");
    assert_eq!((job.state, job.job), (JobState::Dead, None));
    let dead = world.store.dead(&world.wide(), &PageRequest::default()).await.unwrap();
    assert_eq!(dead.items, vec![job]);
}

/// Q10: a job that was held when its worker died is handed out again once its lease has ended, also when every handle
/// died with the worker.
pub async fn q10_no_job_is_lost_with_its_worker(backend: Backend) {
    let world = World::open(&backend).await;
    let now = world.tick();
    let jobs = [(keyless(&world), now), (keyless(&world), now.plus(MINUTE * 5))];
    let ids = enqueue(&world, &jobs, 3).await;
    let now = world.tick();
    let token = claim(&**world.store, now, 10).await[0].token;
    let absent = world.detached();
    let backend = if backend.capabilities().durable {
        backend.reopened().await.expect("a durable backend opens again")
    } else {
        backend
    };
    let again = absent.through(backend.other());
    assert_eq!(claim_ids(&again, now.plus(LEASE).minus(MICRO), 10).await, vec![], "the lease still holds");
    let held = claim(&**again.store, now.plus(LEASE).plus(MICRO), 10).await;
    assert_eq!(held.iter().map(|job| (job.id, job.attempt)).collect::<Vec<_>>(), vec![(ids[0], 2)]);
    assert!(held[0].token > token, "tokens grow over crashes");
    assert_eq!(claim_ids(&again, now.plus(MINUTE * 5), 10).await, vec![ids[0], ids[1]]);
}

/// Q12: earlier due jobs come first, ties by id, whatever the order of their arrival, up to the limit.
pub async fn q12_earlier_due_jobs_come_first(backend: Backend) {
    let world = World::open(&backend).await;
    let now = world.tick();
    let mut expected = Vec::new();
    for offset in [5, 1, 3, 1, 5, 2] {
        let at = now.plus(MICRO * offset);
        let pair = [(keyless(&world), at), (keyless(&world), at)];
        expected.extend(enqueue(&world, &pair, 2).await.into_iter().map(|id| (at, id)));
    }
    expected.sort_unstable();
    let now = world.tick();
    let mut claimed = Vec::new();
    for limit in [1, 4, 2, 100] {
        claimed.extend(claim_ids(&world, now, limit).await);
    }
    assert_eq!(claimed, expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
}
