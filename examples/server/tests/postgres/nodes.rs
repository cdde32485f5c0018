//! Three nodes on one database: the work is shared, and a node that dies is replaced.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    thread,
    time::Duration,
};

use autocrm_core::{
    access::Actor,
    app::{AutoCrm, Error, TicketData},
    id::{TenantId, TicketId},
    mail::{Envelope, MailKey, MailKeys},
    team::{Availability, Capacity, Member, TeamSpec},
    tenant::TenantPolicy,
    text::EmailAddress,
    ticket::{Channel, NewTicket},
    user::{NewUser, Role},
};
use autocrm_email::MimeParser;
use autocrm_storage::postgres::{PostgresConfig, PostgresStore};
use bytes::Bytes;
use sqlx::{Executor as _, PgPool};
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;

use crate::{
    node::{Node, good, program, text},
    support::Database,
};

/// How long a job is held by a node that died, in seconds.
const LEASE: u64 = 3;
/// Mails that are taken in, unless `AUTOCRM_TEST_MAILS` says otherwise.
const MAILS: usize = 300;
/// Tickets that agents take.
const WAITING: usize = 40;
const AGENTS: usize = 4;

/// Notes every claim, and whether somebody held the job, or another of its key, at that instant.
const WATCH: &str = "
    CREATE TABLE public.claim (job uuid, token int8, was_held boolean, key_was_held boolean);
    CREATE FUNCTION public.note_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        INSERT INTO public.claim VALUES (NEW.id, NEW.token,
            OLD.state = 1 AND OLD.lease_until > NEW.lease_until - 3000000,
            NEW.key IS NOT NULL AND EXISTS (SELECT 1 FROM autocrm.autocrm_job o WHERE o.tenant = NEW.tenant
                AND o.key = NEW.key AND o.id <> NEW.id AND o.state = 1));
        RETURN NULL;
    END $$;
    CREATE TRIGGER note_claim AFTER UPDATE ON autocrm.autocrm_job FOR EACH ROW
        WHEN (NEW.state = 1 AND NEW.token <> OLD.token) EXECUTE FUNCTION public.note_claim();";

fn mails() -> usize {
    #[expect(clippy::disallowed_methods, reason = "the long form of the test takes more mails")]
    let wanted = std::env::var("AUTOCRM_TEST_MAILS");
    wanted.map_or(MAILS, |count| count.parse().expect("a number of mails"))
}

async fn store(database: &Database) -> AutoCrm {
    let store = PostgresStore::open(database.pool(6).await, PostgresConfig::default()).await.unwrap();
    let keys = MailKeys::new(MailKey::new(vec![7; 32]).unwrap(), Vec::new());
    AutoCrm::builder().store(store).parser(MimeParser::default()).mail_keys(keys).build().unwrap()
}

/// Returns the jobs that are held at the moment, with their tokens.
async fn held(pool: &PgPool) -> BTreeSet<(String, i64)> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT id::text, token FROM autocrm.autocrm_job WHERE state = 1")
            .fetch_all(pool)
            .await
            .unwrap();
    rows.into_iter().collect()
}

async fn count(pool: &PgPool, text: &'static str) -> i64 {
    sqlx::query_scalar(text).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_who_migrate_at_once_one_does() {
    let database = Database::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..3)
        .map(|node| {
            let data = folder.path().join(format!("node{node}"));
            let mut command = program(&data, &database.url());
            command.arg("migrate").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    let applied = outputs.iter().filter(|output| good(output).contains("applied 0001_initial")).count();
    assert_eq!(applied, 1, "{:?}", outputs.iter().map(|output| text(&output.stdout)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_nodes_share_the_work_and_one_that_dies_is_replaced() {
    let (database, folder) = (Database::empty().await, tempfile::tempdir().unwrap());
    let (url, pool) = (database.url(), database.pool(4).await);
    let mut nodes = start_together(&url, folder.path());
    let samples = count(&pool, "SELECT count(*) FROM autocrm.autocrm_inbound").await;
    assert!(samples > 0, "the first of them has imported the samples");
    assert_eq!(count(&pool, "SELECT count(*) FROM autocrm.autocrm_tenant").await, 1, "one made the desk");
    assert!(nodes.windows(2).all(|pair| pair[0].tokens == pair[1].tokens), "all let the same callers in");
    pool.execute(WATCH).await.unwrap();

    let wanted = mails();
    let crm = store(&database).await;
    let mut callers = JoinSet::new();
    callers.spawn(take_in(crm.clone(), wanted));
    callers.spawn(take_tickets(vec![crm, store(&database).await]));

    // A frozen node shows which jobs are its own: those that the others do not end.
    let victim = nodes.remove(0);
    let orphans = freeze(&pool, &victim).await;
    victim.signal("-KILL");
    let killed = Instant::now();
    drop(victim);
    let patience = Duration::from_secs(LEASE + 5);
    while held(&pool).await.iter().any(|job| orphans.contains(job)) {
        assert!(
            killed.elapsed() < patience,
            "not taken over within the lease and 5 s: {:?}",
            held(&pool).await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    callers.join_all().await;
    let waiting = "SELECT count(*) FROM autocrm.autocrm_job WHERE state = 1
        OR (state = 0 AND run_at <= (extract(epoch FROM clock_timestamp()) * 1000000)::int8 + 60000000)";
    let end =
        Instant::now() + Duration::from_mins(1) + Duration::from_millis(20) * u32::try_from(wanted).unwrap();
    while count(&pool, waiting).await > 0 {
        assert!(Instant::now() < end, "jobs are left: {}", count(&pool, waiting).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(
        count(&pool, "SELECT count(*) FROM autocrm.autocrm_job WHERE state = 2").await,
        0,
        "no dead letters"
    );
    let claims = count(&pool, "SELECT count(*) FROM public.claim").await;
    assert!(claims > i64::try_from(wanted).unwrap(), "{claims}");
    assert_eq!(
        count(&pool, "SELECT count(*) FROM public.claim WHERE was_held").await,
        0,
        "a job ran twice at once"
    );
    assert_eq!(
        count(&pool, "SELECT count(*) FROM public.claim WHERE key_was_held").await,
        0,
        "two of one key ran"
    );
    let filed = "SELECT count(DISTINCT ticket) FROM autocrm.autocrm_inbound WHERE recipient = 'support@autocrm.example'";
    let expected = i64::try_from(wanted).unwrap();
    assert!(count(&pool, filed).await >= expected, "each mail has its ticket");
    let opened = "SELECT count(*) FROM autocrm.autocrm_ticket WHERE subject LIKE 'Generated question %'";
    assert_eq!(count(&pool, opened).await, expected, "and each ticket one mail");
    for node in nodes {
        let log = node.stop();
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// Starts three nodes on an empty database at the same moment.
fn start_together(url: &str, folder: &Path) -> Vec<Node> {
    let lease = LEASE.to_string();
    let shared = folder.join("shared");
    let starting: Vec<_> = (0..3)
        .map(|number| {
            let (url, data) = (url.to_owned(), folder.join(format!("node{number}")));
            let (lease, shared) = (lease.clone(), shared.clone());
            thread::spawn(move || {
                Node::start(&data, &url, &["--lease", &lease, "--shared-dir", shared.to_str().unwrap()])
            })
        })
        .collect();
    starting.into_iter().map(|node| node.join().unwrap()).collect()
}

/// Stops a node in the middle of its work, and returns the jobs that it holds.
async fn freeze(pool: &PgPool, node: &Node) -> BTreeSet<(String, i64)> {
    for _ in 0..200 {
        node.signal("-STOP");
        let mut own = held(pool).await;
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let still = held(pool).await;
            own.retain(|job| still.contains(job));
        }
        if !own.is_empty() {
            return own;
        }
        node.signal("-CONT");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the node was never in the middle of a job");
}

/// Takes in generated mails for the demo desk, several at a time.
async fn take_in(crm: AutoCrm, mails: usize) {
    let mut running = JoinSet::new();
    for number in 0..mails {
        let crm = crm.clone();
        running.spawn(async move {
            let envelope = Envelope::to(EmailAddress::new("support@autocrm.example").unwrap());
            let raw = format!(
                "From: Person {number} <person{number}@example.org>\r\nTo: support@autocrm.example\r\n\
                 Message-ID: <generated-{number}@example.org>\r\nSubject: Generated question {number}\r\n\r\n\
                 How long is an idempotency key kept, asks person {number}?\r\n"
            );
            crm.mailbox().receive(&envelope, &Bytes::from(raw)).await.unwrap();
        });
        if running.len() >= 8 {
            running.join_next().await.unwrap().unwrap();
        }
        // The nodes work while mails come in.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

/// Has agents of a tenant of its own take tickets through several handles at once: nobody takes what another has.
async fn take_tickets(handles: Vec<AutoCrm>) {
    let (crm, tenant) = (&handles[0], TenantId::from_uuid(Uuid::from_u128(99)));
    let system = Actor::system(tenant);
    crm.admin().found_tenant(tenant, &"Queue".parse().unwrap(), None, TenantPolicy::default()).await.unwrap();
    let mut members = Vec::new();
    for number in 0..AGENTS {
        let new =
            NewUser { role: Role::Agent, ..NewUser::customer(format!("Agent {number}").parse().unwrap()) };
        let agent = crm.admin().create_user(&system, &new).await.unwrap();
        members.push(Member {
            user: agent.id,
            skills: BTreeMap::default(),
            languages: BTreeSet::default(),
            capacity: Capacity::new(1_000).unwrap(),
            // Nobody is given a ticket: they take them.
            availability: Availability::Away,
        });
    }
    let agents: Vec<_> = members.iter().map(|member| member.user).collect();
    let spec = TeamSpec {
        name: "All".parse().unwrap(),
        description: None,
        categories: BTreeSet::default(),
        members,
    };
    crm.admin().create_team(&system, &spec).await.unwrap();
    let customer =
        crm.admin().create_user(&system, &NewUser::customer("Ann".parse().unwrap())).await.unwrap();
    for number in 0..WAITING {
        let data = TicketData {
            requester: Some(customer.id),
            channel: Channel::Api,
            ticket: NewTicket::about(format!("Waiting {number}").parse().unwrap()),
            body: "Please take me.".parse().unwrap(),
        };
        crm.processor().create(&system, &data).await.unwrap();
    }
    let mut taking = JoinSet::new();
    for (number, agent) in agents.into_iter().enumerate() {
        let crm = handles[number % handles.len()].clone();
        let actor = crm.actor(tenant, agent).await.unwrap();
        taking.spawn(async move {
            let mut own: Vec<TicketId> = Vec::new();
            loop {
                match crm.workspace(actor.clone()).get_next().await {
                    Ok(ticket) => own.push(ticket.id),
                    Err(Error::QueueEmpty) => return own,
                    Err(Error::Contended) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    let (mut all, mut takers) = (Vec::new(), 0);
    while let Some(own) = taking.join_next().await {
        let own = own.unwrap();
        takers += usize::from(!own.is_empty());
        all.extend(own);
    }
    let distinct: BTreeSet<TicketId> = all.iter().copied().collect();
    assert_eq!((all.len(), distinct.len()), (WAITING, WAITING), "a ticket was given twice, or to nobody");
    assert!(takers > 1, "several agents took part");
}
