//! A store against the in-memory one: random commands on both, and everything observable compared after each.
//!
//! Both stores are given the same change sets, decided from the state of the in-memory store, so that ids are equal and
//! the first difference is the fault. Lease tokens alone may differ: each store is given back its own.

use std::{fmt::Debug, sync::Arc, time::Duration};

use proptest::{
    prelude::any,
    test_runner::{Config, TestCaseError, TestRunner},
};

use crate::{
    access::{Actor, ArticleVisibility},
    change::{ChangeSet, EntityRef, IdempotencyKey, JobOutcome, LeasedJob, Receipt},
    conformance::{
        Backend, Harness,
        model_digest::{Known, glance, seen_by},
        world::World,
    },
    error::Result,
    id::{TicketId, UserId},
    knowledge::{self, FeedbackTarget},
    mail::{self, BlobHash, Envelope, RawBlob},
    memory::MemoryStore,
    notify::{self, NotificationKind},
    port::{ClaimRequest, Store},
    team::Team,
    tenant::TenantPolicy,
    text::{Body, EmailAddress, ExternalId, Subject},
    ticket::{self, CategorySource, Priority, StatusCategory, Ticket, TicketChange},
    user::{self, Role},
};

/// How many random stories are played where nobody asks for more.
pub const CASES: u32 = 64;

/// How many stories proptest plays by itself: the number that it has when `PROPTEST_CASES` is not set.
const UNASKED: u32 = 256;

/// A command and two numbers from which it takes its arguments.
type Step = (u8, u16, u16);

const COMMANDS: u8 = 19;

/// Plays `cases` random stories on fresh backends and on in-memory stores, and asserts that nothing tells them apart.
/// The environment variable `PROPTEST_CASES`, at any value but 256, outranks `cases`.
pub fn agrees_with_memory(harness: &dyn Harness<dyn Store>, cases: u32) {
    let environment = Config::default();
    let cases = if environment.cases == UNASKED { cases } else { environment.cases };
    let config = Config { cases, failure_persistence: None, ..environment };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let story = proptest::collection::vec((0..COMMANDS, any::<u16>(), any::<u16>()), 1..24);
    let played = TestRunner::new(config)
        .run(&story, |steps: Vec<Step>| runtime.block_on(play(harness, &steps)).map_err(TestCaseError::fail));
    let difference = played.err().map(|difference| difference.to_string()).unwrap_or_default();
    assert!(difference.is_empty(), "the store differs from the in-memory one: {difference}");
}

async fn play(harness: &dyn Harness<dyn Store>, steps: &[Step]) -> std::result::Result<(), String> {
    let backend = harness.fresh().await;
    let mut player = Player::start(&backend).await?;
    for (place, step) in steps.iter().enumerate() {
        player.step(*step).await.map_err(|difference| format!("step {place}, {step:?}: {difference}"))?;
        player.compare().await.map_err(|difference| format!("after step {place}, {step:?}: {difference}"))?;
    }
    player.compare_scopes().await
}

/// Two stores that are told the same story.
struct Player {
    /// The story as the in-memory store has it.
    world: World,
    candidate: Arc<dyn Store>,
    teams: Vec<Team>,
    customers: Vec<UserId>,
    known: Known,
    /// Earlier states of tickets, for commands that come too late.
    earlier: Vec<Ticket>,
    held: Vec<(LeasedJob, LeasedJob)>,
}

fn pick<T: Clone>(items: &[T], number: u16) -> Option<T> {
    items.get(usize::from(number) % items.len().max(1)).cloned()
}

fn same<T: Debug>(what: &str, memory: &T, candidate: &T) -> std::result::Result<(), String> {
    let (memory, candidate) = (format!("{memory:?}"), format!("{candidate:?}"));
    if memory == candidate {
        Ok(())
    } else {
        Err(format!("{what}\n  memory:    {memory}\n  candidate: {candidate}"))
    }
}

type Told = std::result::Result<(), String>;

impl Player {
    async fn start(backend: &Backend) -> std::result::Result<Self, String> {
        let memory = Backend::new(Arc::new(MemoryStore::new()) as Arc<dyn Store>);
        let world = World::open(&memory).await;
        // A world of the same number founds the same tenant.
        World::open(backend).await;
        let mut player = Self {
            world,
            candidate: backend.store(),
            teams: Vec::new(),
            customers: Vec::new(),
            known: Known::default(),
            earlier: Vec::new(),
            held: Vec::new(),
        };
        for (role, name) in
            [(Role::Customer, "Cleo"), (Role::Customer, "Max"), (Role::Agent, "Ann"), (Role::Agent, "Ben")]
        {
            let new = World::new_user(role, name, None);
            let made = user::create(&player.world.system(), player.world.tenant, new, &player.world.stamp());
            let made = made.expect("a user");
            player.known.people.push(made.state.id);
            if role == Role::Customer {
                player.customers.push(made.state.id);
            }
            let set = player.world.plan(|set, stamp| {
                set.user(made, stamp);
            });
            player.both(&set).await?;
        }
        for (name, agent) in [("Red", 2), ("Blue", 3)] {
            let (set, team) = player.world.plan_team(name, &[player.known.people[agent]]);
            player.both(&set).await?;
            player.teams.push(team);
        }
        Ok(player)
    }

    /// Commits a set on both stores.
    async fn both(&mut self, set: &ChangeSet) -> Told {
        self.each(set, set).await
    }

    async fn each(&mut self, for_memory: &ChangeSet, for_candidate: &ChangeSet) -> Told {
        let outcome = |answer: Result<Receipt>| answer.map_err(|error| error.kind());
        let memory = outcome(self.world.store.commit(for_memory).await);
        let candidate = outcome(self.candidate.commit(for_candidate).await);
        same("the receipt", &memory, &candidate)?;
        self.known.jobs.extend(for_memory.jobs().iter().map(|job| job.id));
        Ok(())
    }

    async fn present(&self, number: u16) -> Option<Ticket> {
        let id = pick(&self.known.tickets, number)?;
        self.world.store.ticket(&self.world.wide(), id).await.ok().flatten()
    }

    /// Changes a ticket, from an earlier state in one of four cases.
    async fn change(
        &mut self,
        a: u16,
        b: u16,
        decide: impl FnOnce(
            &Self,
            Ticket,
            &crate::clock::Stamp<'_>,
        ) -> Option<crate::transition::Transition<Ticket, ticket::TicketEvent>>,
        require: impl FnOnce(&mut ChangeSet),
    ) -> Told {
        let present = if b.is_multiple_of(4) { pick(&self.earlier, a) } else { self.present(a).await };
        let Some(ticket) = present else { return Ok(()) };
        let set = {
            let stamp = self.world.stamp();
            let Some(next) = decide(self, ticket.clone(), &stamp) else { return Ok(()) };
            let mut set = self.world.plan_at(&stamp, |set, stamp| {
                set.ticket(next, true, stamp);
            });
            require(&mut set);
            set
        };
        self.earlier.push(ticket);
        self.both(&set).await
    }

    async fn step(&mut self, (command, a, b): Step) -> Told {
        match command {
            0 | 1 => self.open(a, b, None).await,
            2 | 3 => self.say(a, b).await,
            4 => {
                let change = TicketChange {
                    subject: Some(Subject::new(format!("printer {b}")).expect("a subject")),
                    priority: pick(&Priority::ALL, b),
                    ..TicketChange::default()
                };
                let decide = |player: &Self, ticket, stamp: &crate::clock::Stamp<'_>| {
                    let (scheme, actor) = (player.world.scheme(), player.world.system());
                    ticket::update(&scheme, &actor, ticket, change, CategorySource::Person, stamp).ok()
                };
                self.change(a, b, decide, |_| ()).await
            }
            5 => {
                let team = pick(&self.teams, b).expect("there are teams");
                let agent = team.members[0].user;
                let given = (b % 3 != 0).then_some(agent);
                let decide = move |_: &Self, ticket, stamp: &crate::clock::Stamp<'_>| {
                    ticket::assign(ticket, Some(&team), given, stamp).ok()
                };
                self.change(a, b, decide, |set| {
                    set.load_below(agent, 2);
                })
                .await
            }
            6 => {
                let category = pick(&StatusCategory::ALL, b).expect("there are categories");
                let decide = |player: &Self, ticket, stamp: &crate::clock::Stamp<'_>| {
                    let status = player.world.scheme().default_status(category)?;
                    ticket::move_to(ticket, status, stamp).ok()
                };
                self.change(a, b, decide, |_| ()).await
            }
            7 => {
                let decide = |_: &Self, ticket, stamp: &crate::clock::Stamp<'_>| {
                    Some(ticket::delete(ticket, &TenantPolicy::default(), stamp))
                };
                self.change(a, b, decide, |_| ()).await
            }
            8 => {
                let Some(ticket) = pick(&self.known.tickets, a) else { return Ok(()) };
                let set = self.world.plan(|set, _| {
                    set.erase_ticket(ticket);
                });
                self.both(&set).await
            }
            9 | 10 => self.article(a, b).await,
            11 => self.small(a, b).await,
            12 => self.mail(a, b).await,
            13 => {
                let key = IdempotencyKey {
                    tenant: self.world.tenant,
                    principal: "p".to_owned(),
                    key: ExternalId::new(format!("k{}", a % 3)).expect("a key"),
                    request: BlobHash::of(&[u8::from(b % 5 == 0)]),
                };
                self.open(a, b, Some(key)).await
            }
            14 => self.claim(a).await,
            15 => self.finish(a, b).await,
            16 => self.lease(a, b).await,
            17 => {
                let Some(job) = pick(&self.known.jobs, a) else { return Ok(()) };
                let (scope, now) = (self.world.wide(), self.world.tick());
                let memory = self.world.store.requeue(&scope, job, now).await.map_err(|error| error.kind());
                let candidate = self.candidate.requeue(&scope, job, now).await.map_err(|error| error.kind());
                same("the requeue", &memory, &candidate)
            }
            _ => {
                let seconds = [1, 20, 3_600, 86_400 * 31][usize::from(a % 4)];
                self.world.pass(Duration::from_secs(seconds));
                Ok(())
            }
        }
    }

    async fn open(&mut self, a: u16, b: u16, key: Option<IdempotencyKey>) -> Told {
        let Some(requester) = pick(&self.customers, a) else { return Ok(()) };
        let (set, id) = {
            let stamp = self.world.stamp();
            let subject = ["invoice", "printer jam", "Öl"][usize::from(b % 3)];
            let made = self.world.new_ticket(requester, subject, &stamp);
            let id: TicketId = made.state.id;
            let mut set = self.world.plan_at(&stamp, |set, stamp| {
                set.ticket(made, false, stamp);
            });
            set.keyed(key).answers(EntityRef::Ticket(id));
            (set, id)
        };
        self.known.tickets.push(id);
        self.both(&set).await
    }

    async fn say(&mut self, a: u16, b: u16) -> Told {
        let Some(ticket) = self.present(a).await else { return Ok(()) };
        let agent = self.known.people[2 + usize::from(b % 2)];
        let (author, internal) = match b % 4 {
            0 => (Actor::customer(self.world.tenant, ticket.requester), false),
            1 => (Actor::agent(self.world.tenant, agent, Vec::new()), true),
            2 => (Actor::agent(self.world.tenant, agent, Vec::new()), false),
            _ => (self.world.system(), false),
        };
        let text = ["the printer", "an invoice", "printer and invoice"][usize::from(b / 4 % 3)];
        let new = conversation_text(text, internal);
        let (set, _) = self.world.plan_message(&author, &ticket, new);
        self.earlier.push(ticket);
        self.both(&set).await
    }

    async fn article(&mut self, a: u16, b: u16) -> Told {
        use knowledge::ArticleState::{Archived, Draft, Published};
        let visibility = [ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal];
        let visibility = visibility[usize::from(b % 3)];
        let state = [Draft, Published, Archived][usize::from(b / 3 % 3)];
        let present = match pick(&self.known.articles, a) {
            Some(id) if b.is_multiple_of(2) => {
                self.world.store.article(&self.world.wide(), id).await.ok().flatten()
            }
            _ => None,
        };
        let set = if let Some(article) = present {
            let stamp = self.world.stamp();
            let change = knowledge::ArticleChange {
                body: Some(Body::new(format!("# A\n\ntext {b}\n\n# B\n\nmore")).expect("a text")),
                ..knowledge::ArticleChange::default()
            };
            let edited = knowledge::edit(&self.world.system(), article, change, &stamp);
            let (edited, revision) = edited.expect("an article with a text");
            let (row, chunks) = (edited.state.clone(), knowledge::cut(&edited.state, &stamp));
            self.world.plan_at(&stamp, |set, stamp| {
                set.article(edited, stamp);
                if let Some(revision) = revision {
                    set.revision(revision).chunks(&row, chunks);
                }
            })
        } else {
            let (set, row) =
                self.world.plan_article(&format!("slug-{}", a % 4), "# One\n\nText.", visibility, state);
            self.known.articles.push(row.id);
            set
        };
        self.both(&set).await
    }

    /// A word on an article, a notification or a user.
    async fn small(&mut self, a: u16, b: u16) -> Told {
        let person = pick(&self.known.people, a).expect("there are people");
        let (article, ticket) = (pick(&self.known.articles, b), pick(&self.known.tickets, b));
        let stamp = self.world.stamp();
        let set = self.world.plan_at(&stamp, |set, stamp| match (b % 3, article, ticket) {
            (0, Some(article), _) => {
                let actor = Actor::customer(self.world.tenant, person);
                let target = FeedbackTarget::Article { article };
                let said = knowledge::give_feedback(&actor, target, a.is_multiple_of(2), None, stamp);
                set.feedback(said.expect("a word"), stamp);
            }
            (1, _, Some(ticket)) => {
                let kind = NotificationKind::Assigned;
                set.notification(notify::raise(self.world.tenant, person, kind, ticket, stamp), stamp);
            }
            _ => {
                let email = format!("user{}@example.org", a % 3);
                let new = World::new_user(Role::Customer, "Somebody", Some(&email));
                let made = user::create(&self.world.system(), self.world.tenant, new, stamp);
                set.user(made.expect("a user"), stamp);
            }
        });
        self.both(&set).await
    }

    async fn mail(&mut self, a: u16, b: u16) -> Told {
        let bytes = bytes::Bytes::from(format!("raw {}", a % 4));
        let hash = BlobHash::of(&bytes);
        let recipient = EmailAddress::new(format!("desk{}@acme.example", b % 2)).expect("an address");
        let provider_id = b.is_multiple_of(3).then(|| ExternalId::new(format!("p{}", b % 5)).expect("an id"));
        let envelope = Envelope { provider_id, ..Envelope::to(recipient) };
        let received = mail::receive(self.world.tenant, envelope, hash, bytes.len(), &self.world.stamp());
        let received = received.expect("a mail");
        let set = self.world.plan(|set, stamp| {
            set.raw(RawBlob { tenant: self.world.tenant, hash, bytes }).mail(received, stamp);
        });
        self.both(&set).await
    }

    async fn claim(&mut self, a: u16) -> Told {
        let request =
            ClaimRequest { now: self.world.tick(), lease: Duration::from_secs(30), limit: 1 + a % 5 };
        let mut memory = self.world.store.claim(&request).await.map_err(|error| error.to_string())?;
        let mut candidate = self.candidate.claim(&request).await.map_err(|error| error.to_string())?;
        let tokenless = |held: &[LeasedJob]| -> Vec<String> {
            held.iter()
                .map(|job| format!("{} {:?} {} {}", job.id, job.work, job.attempt, job.until))
                .collect()
        };
        same("the claim", &tokenless(&memory), &tokenless(&candidate))?;
        self.held.extend(memory.drain(..).zip(candidate.drain(..)));
        Ok(())
    }

    async fn finish(&mut self, a: u16, b: u16) -> Told {
        let Some((memory, candidate)) = pick(&self.held, a) else { return Ok(()) };
        let at = self.world.now().plus(Duration::from_secs(u64::from(b % 100)));
        let outcome = match b % 4 {
            0 => JobOutcome::Done,
            1 => JobOutcome::Retry { at, error: "x".to_owned() },
            2 => JobOutcome::Snooze { at },
            _ => JobOutcome::Dead { error: "y".to_owned() },
        };
        let mut for_memory = self.world.plan(|_, _| ());
        let mut for_candidate = for_memory.clone();
        for_memory.finish(&memory, outcome.clone());
        for_candidate.finish(&candidate, outcome);
        self.each(&for_memory, &for_candidate).await
    }

    async fn lease(&mut self, a: u16, b: u16) -> Told {
        let Some((memory, candidate)) = pick(&self.held, a) else { return Ok(()) };
        let until = self.world.now().plus(Duration::from_mins(1));
        let (one, other) = if b.is_multiple_of(2) {
            (
                self.world.store.extend(memory.id, memory.token, until).await,
                self.candidate.extend(candidate.id, candidate.token, until).await,
            )
        } else {
            (
                self.world.store.release(memory.id, memory.token).await,
                self.candidate.release(candidate.id, candidate.token).await,
            )
        };
        same("the lease", &one.map_err(|error| error.kind()), &other.map_err(|error| error.kind()))
    }

    async fn compare(&self) -> Told {
        let (scope, now) = (self.world.wide(), self.world.now());
        let memory = glance(&**self.world.store, &scope, &self.known, now).await;
        let candidate = glance(&*self.candidate, &scope, &self.known, now).await;
        memory.iter().zip(&candidate).try_for_each(|(one, other)| same("at a glance", one, other))
    }

    async fn compare_scopes(&self) -> Told {
        let mut scopes = vec![self.world.wide()];
        scopes.extend(self.customers.iter().map(|customer| self.world.customer(*customer)));
        for team in &self.teams {
            scopes.push(self.world.agent(team.members[0].user, &[team.id]));
        }
        for scope in scopes {
            let memory = seen_by(&**self.world.store, &scope, &self.known).await;
            let candidate = seen_by(&*self.candidate, &scope, &self.known).await;
            for (one, other) in memory.iter().zip(&candidate) {
                same(&format!("{scope:?}"), one, other)?;
            }
        }
        Ok(())
    }
}

fn conversation_text(text: &str, internal: bool) -> crate::conversation::NewMessage {
    crate::conversation::NewMessage::text(Body::new(text).expect("a text"), internal)
}
