//! Random worlds: tenants whose rows cover every way in which something can be seen or hidden.

use crate::{
    access::{Actor, ArticleVisibility},
    change::ChangeSet,
    conversation::{Message, Template},
    id::{TeamId, TenantId, UserId},
    knowledge::{Article, ArticleState},
    notify::Notification,
    team::Team,
    testing::Scene,
    ticket::Ticket,
    user::{Role, User},
};

/// Numbers that look random and repeat: `SplitMix64` (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014).
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Returns dice that always fall the same way for a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns the next number.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % end).unwrap_or(0)
    }

    /// Returns `true` in `percent` of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns one of the items, none of an empty slice.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// Returns each of the items with an even chance, in order.
    pub fn some<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        items.iter().filter(|_| self.chance(50)).cloned().collect()
    }
}

/// A tenant of a random world: its rows as they are stored once every set is committed, numbers aside.
#[derive(Debug, Clone)]
pub struct RandomTenant {
    /// The tenant.
    pub id: TenantId,
    /// Everybody who may act: each user, agents in the teams that name them, and AutoCRM itself.
    pub actors: Vec<Actor>,
    /// Its users.
    pub users: Vec<User>,
    /// Its teams.
    pub teams: Vec<Team>,
    /// Its tickets, deleted ones too.
    pub tickets: Vec<Ticket>,
    /// Its messages.
    pub messages: Vec<Message>,
    /// Its articles, one of each visibility and state.
    pub articles: Vec<Article>,
    /// Its response templates.
    pub templates: Vec<Template>,
    /// Its notifications.
    pub notifications: Vec<Notification>,
}

/// Tenants, and the change sets that make them, to be committed in order.
#[derive(Debug, Clone)]
pub struct RandomWorld {
    /// The change sets.
    pub sets: Vec<ChangeSet>,
    /// The tenants.
    pub tenants: Vec<RandomTenant>,
}

const WORDS: &[&str] =
    &["printer", "invoice", "login", "refund", "delivery", "password", "upgrade", "outage"];

impl RandomWorld {
    /// Returns the world of a seed: `tenants` tenants with `tickets` tickets each.
    pub fn new(seed: u64, tenants: u32, tickets: usize) -> Self {
        Self::of_scenes(0..tenants, seed, tickets)
    }

    /// Returns the world of a seed whose tenants are those of the scenes with the given numbers, so that it can stand
    /// beside others in one store.
    pub fn of_scenes(numbers: std::ops::Range<u32>, seed: u64, tickets: usize) -> Self {
        let mut dice = Dice::new(seed);
        let mut world = Self { sets: Vec::new(), tenants: Vec::new() };
        for number in numbers {
            let played = Play { scene: Scene::new(number), dice: &mut dice, sets: &mut world.sets };
            let tenant = played.tenant(number, tickets);
            world.tenants.push(tenant);
        }
        world
    }
}

struct Play<'a> {
    scene: Scene,
    dice: &'a mut Dice,
    sets: &'a mut Vec<ChangeSet>,
}

impl Play<'_> {
    fn keep<T>(&mut self, (set, row): (ChangeSet, T)) -> T {
        self.sets.push(set);
        row
    }

    fn phrase(&mut self) -> String {
        let count = 1 + self.dice.below(4);
        let words: Vec<&str> = (0..count).filter_map(|_| self.dice.pick(WORDS).copied()).collect();
        words.join(" ")
    }

    fn tenant(mut self, number: u32, tickets: usize) -> RandomTenant {
        let founded = self.scene.found(&format!("Tenant {number}"), None);
        self.keep(founded);
        let mut users = Vec::new();
        for (role, count) in [(Role::Customer, 5), (Role::Agent, 4), (Role::Admin, 1)] {
            for person in 0..count {
                let made = self.scene.user(role, &format!("{} {person}", role.as_str()));
                users.push(self.keep(made));
            }
        }
        let agents = ids(&users, Role::Agent);
        let mut teams = Vec::new();
        for name in 0..3 {
            let members = self.dice.some(&agents);
            let made = self.scene.team_of(&format!("team {name}"), &members);
            teams.push(self.keep(made));
        }
        let mut actors = vec![self.scene.system()];
        for user in &users {
            let own = teams.iter().filter(|team| team.member(user.id).is_some());
            let own: Vec<TeamId> = own.map(|team| team.id).collect();
            actors.push(self.scene.actor(user, &own));
        }
        let mut tenant = RandomTenant {
            id: self.scene.tenant_id(),
            actors,
            users,
            teams,
            tickets: Vec::new(),
            messages: Vec::new(),
            articles: self.articles(),
            templates: Vec::new(),
            notifications: Vec::new(),
        };
        self.templates(&mut tenant);
        for _ in 0..tickets {
            self.ticket(&mut tenant);
        }
        tenant
    }

    fn articles(&mut self) -> Vec<Article> {
        let mut articles = Vec::new();
        for visibility in [ArticleVisibility::Public, ArticleVisibility::Tenant, ArticleVisibility::Internal]
        {
            for state in [ArticleState::Draft, ArticleState::Published, ArticleState::Archived] {
                let slug = format!("{}-{}", visibility.as_str(), state.as_str());
                let body = format!("# {}\n\n{}.", self.phrase(), self.phrase());
                let written = self.scene.article(&slug, &body, visibility, state);
                articles.push(self.keep(written));
            }
        }
        articles
    }

    fn templates(&mut self, tenant: &mut RandomTenant) {
        let teams: Vec<Option<TeamId>> =
            tenant.teams.iter().map(|team| Some(team.id)).chain([None]).collect();
        for team in teams {
            let made = self.scene.template("greeting", "Dear {{customer.name}},", team);
            tenant.templates.push(self.keep(made));
        }
    }

    fn ticket(&mut self, tenant: &mut RandomTenant) {
        let customers = ids(&tenant.users, Role::Customer);
        let Some(requester) = self.dice.pick(&customers).copied() else { return };
        let routed = self.dice.chance(70);
        let team = self.dice.pick(&tenant.teams).filter(|_| routed);
        let subject = self.phrase();
        let opened = self.scene.ticket(requester, &subject, team);
        let mut ticket = self.keep(opened);
        if self.dice.chance(40) {
            let invited: Vec<UserId> =
                self.dice.some(&customers).into_iter().filter(|user| *user != requester).collect();
            if !invited.is_empty() {
                let changed = self.scene.invite(&ticket, &invited);
                ticket = self.keep(changed);
            }
        }
        for _ in 0..self.dice.below(4) {
            let Some(author) = self.dice.pick(&tenant.actors).cloned() else { continue };
            let internal = author.is_staff() && self.dice.chance(40);
            let text = self.phrase();
            let (set, next, message) = self.scene.message(&author, &ticket, &text, internal);
            ticket = next;
            tenant.messages.push(self.keep((set, message)));
        }
        if let Some(recipient) = self.dice.pick(&tenant.users).map(|user| user.id) {
            let told = self.scene.notification(recipient, ticket.id);
            tenant.notifications.push(self.keep(told));
        }
        if self.dice.chance(10) {
            let deleted = self.scene.delete(&ticket);
            ticket = self.keep(deleted);
        }
        tenant.tickets.push(ticket);
    }
}

fn ids(users: &[User], role: Role) -> Vec<UserId> {
    users.iter().filter(|user| user.role == role).map(|user| user.id).collect()
}
