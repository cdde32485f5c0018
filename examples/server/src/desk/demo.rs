//! The demo tenant: a desk that supports AutoCRM itself.

use std::collections::{BTreeMap, BTreeSet};

use autocrm_core::{
    access::{Actor, ArticleVisibility, Scope},
    app::AutoCrm,
    clock::{Clock as _, SystemClock},
    id::{IdSource as _, RandomIds, TenantId, UserId},
    knowledge::{ArticleSpec, ArticleState},
    team::{Availability, Capacity, Member, SkillLevel, TeamSpec},
    tenant::TenantPolicy,
    text::{Body, EmailAddress, Key, Language, Name, Note, Subject},
    ticket::Category,
    user::{NewUser, Role},
};

use crate::desk::{
    DataFolder, Failure, Result,
    library::{ARTICLES, title},
    tokens::{DemoToken, DemoTokens},
};

/// The address that receives and sends the demo desk's mail.
pub(crate) const SUPPORT: &str = "support@autocrm.example";

/// Key, name, description, needed skill, and whether a good answer may leave without a person.
const CATEGORIES: &[(&str, &str, &str, Option<&str>, bool)] = &[
    (
        "embedding",
        "Embedding",
        "How to embed AutoCRM in a Rust program: builder, handle, features, open the SQLite store, settings, the \
         host's own transaction and commit_in, conflict and retry, users and external ids.",
        None,
        true,
    ),
    (
        "adapters",
        "Adapters",
        "Write a custom adapter for a port: storage, index, model, mailer, blob store; which traits to implement, \
         the contract clauses, the conformance test suite, broken twins.",
        Some("rust"),
        true,
    ),
    (
        "api",
        "HTTP interface",
        "The HTTP interface of the server: endpoints, curl, tokens, idempotency keys, request retries, pagination \
         cursors, ETag and If-Match, problem responses and error codes.",
        None,
        true,
    ),
    (
        "operations",
        "Operations",
        "Run AutoCRM: migrate the schema, schema newer than the library, back up and copy the database, locked or \
         corrupt database file, WAL, full disk, doctor, reindex, upgrade, several processes.",
        Some("sqlite"),
        true,
    ),
    (
        "incident",
        "Incident",
        "Something is down in production: outage, worker stopped, jobs pile up, dead letters, requeue, nothing is \
         routed or answered, crash, urgent.",
        Some("sqlite"),
        true,
    ),
    (
        "mail",
        "Mail",
        "Mail in and out: where outgoing mails go, outbox folder, SMTP, import of eml and mbox files, threads, \
         replies, Message-ID, reply address, verified senders, drafts.",
        None,
        true,
    ),
    (
        "security",
        "Security and privacy",
        "Who may read what: internal notes, search, tenants, scopes, policy, roles, access matrix, erasing a \
         customer's data, retention, secrets.",
        None,
        true,
    ),
    (
        "routing",
        "Routing and answers",
        "How tickets are routed to teams and agents by skills, load and rules, why somebody was not chosen, how \
         answers are found, cited and withheld, confidence and abstention.",
        None,
        true,
    ),
    (
        "wish",
        "Feature request",
        "A wish for a later version: feature request, it would be great if, suggestion, improvement, mention a team.",
        None,
        // A wish deserves a person.
        false,
    ),
];

/// Name, description, categories and members of a team; a member's token name is their first name.
struct TeamPlan {
    name: &'static str,
    description: &'static str,
    categories: &'static [&'static str],
    members: &'static [MemberPlan],
}

struct MemberPlan {
    name: &'static str,
    address: &'static str,
    skills: &'static [(&'static str, u8)],
    languages: &'static [&'static str],
}

const TEAMS: &[TeamPlan] = &[
    TeamPlan {
        name: "Integration",
        description: "Helps developers to embed AutoCRM, to write adapters and to use the HTTP interface.",
        categories: &["embedding", "adapters", "api"],
        members: &[
            MemberPlan {
                name: "Ines Moreau",
                address: "ines@autocrm.example",
                skills: &[("rust", 5), ("sqlite", 3)],
                languages: &[],
            },
            MemberPlan {
                name: "Ravi Menon",
                address: "ravi@autocrm.example",
                skills: &[("http", 4)],
                languages: &["en"],
            },
        ],
    },
    TeamPlan {
        name: "Operations",
        description: "Keeps desks running: databases, workers, mail, incidents.",
        categories: &["operations", "incident", "mail"],
        members: &[
            MemberPlan {
                name: "Karl Lindner",
                address: "karl@autocrm.example",
                skills: &[("sqlite", 5), ("mail", 2)],
                languages: &[],
            },
            MemberPlan {
                name: "Noor Bakker",
                address: "noor@autocrm.example",
                skills: &[("mail", 5)],
                languages: &["en", "nl"],
            },
        ],
    },
    TeamPlan {
        name: "Product",
        description: "Explains what AutoCRM does and who may see what, and collects wishes.",
        categories: &["security", "routing", "wish"],
        members: &[MemberPlan {
            name: "Yuki Tanabe",
            address: "yuki@autocrm.example",
            skills: &[("privacy", 4)],
            languages: &[],
        }],
    },
];

/// Returns the demo tenant; the first call makes it. What an interrupted call left is completed.
pub(crate) async fn ensure(
    crm: &AutoCrm,
    folder: &DataFolder,
    announce: &mut impl FnMut(&str),
) -> Result<DemoTokens> {
    let support = EmailAddress::new(SUPPORT)?;
    let known = crm.store().tenant_by_address(&support).await?;
    if let Some(tokens) = DemoTokens::load(folder)? {
        if known == Some(tokens.tenant) {
            return Ok(tokens);
        }
        let problem = "these tokens are of another database than the one in this directory".to_owned();
        return Err(Failure::Damaged { path: folder.tokens(), problem });
    }
    announce(match known {
        None => "first start: founding the demo tenant \"AutoCRM desk\"",
        Some(_) => "first start: the database has the demo tenant; it gets tokens of this directory",
    });
    let tenant = match known {
        Some(tenant) => tenant,
        None => found(crm, &support).await?,
    };
    let tokens = furnish(crm, tenant).await?;
    crm.feed().sync_index().await?;
    announce(&format!("first start: {} articles of AutoCRM's own documentation published", ARTICLES.len()));
    tokens.store(folder)?;
    Ok(tokens)
}

async fn found(crm: &AutoCrm, support: &EmailAddress) -> Result<TenantId> {
    let tenant = TenantId::from_uuid(RandomIds.uuid(SystemClock.now()));
    let name = Name::new("AutoCRM desk")?;
    crm.admin().found_tenant(tenant, &name, Some(support), TenantPolicy::default()).await?;
    Ok(tenant)
}

async fn furnish(crm: &AutoCrm, tenant: TenantId) -> Result<DemoTokens> {
    let system = Actor::system(tenant);
    let mut tokens = Vec::new();
    let admin = user(crm, &system, Role::Admin, "Ada Brandt", "ada@autocrm.example").await?;
    tokens.push(DemoToken::random("admin", Role::Admin, admin)?);
    for plan in TEAMS {
        let members = members(crm, &system, plan).await?;
        if let Some(first) = members.first() {
            tokens.push(DemoToken::random(&plan.name.to_lowercase(), Role::Agent, first.user)?);
        }
        team(crm, &system, plan, members).await?;
    }
    let customer = user(crm, &system, Role::Customer, "Robin Demo", "robin@example.com").await?;
    tokens.push(DemoToken::random("customer", Role::Customer, customer)?);
    let chief = crm.actor(tenant, admin).await?;
    categories(crm, &chief).await?;
    for (slug, text) in ARTICLES {
        article(crm, &chief, slug, text).await?;
    }
    Ok(DemoTokens { tenant, tokens })
}

async fn user(crm: &AutoCrm, by: &Actor, role: Role, name: &str, address: &str) -> Result<UserId> {
    let email = EmailAddress::new(address)?;
    if let Some(known) = crm.store().user_by_email(&Scope::of(by), &email).await? {
        return Ok(known.id);
    }
    let new = NewUser {
        role,
        email: Some(email),
        email_verified: true,
        language: Some(Language::new("en")?),
        ..NewUser::customer(Name::new(name)?)
    };
    Ok(crm.admin().create_user(by, &new).await?.id)
}

async fn members(crm: &AutoCrm, by: &Actor, plan: &TeamPlan) -> Result<Vec<Member>> {
    let mut members = Vec::with_capacity(plan.members.len());
    for member in plan.members {
        let mut skills = BTreeMap::new();
        for (skill, level) in member.skills {
            let key = Key::new(skill)?;
            skills.extend(SkillLevel::new(*level).map(|level| (key, level)));
        }
        members.push(Member {
            user: user(crm, by, Role::Agent, member.name, member.address).await?,
            skills,
            languages: member.languages.iter().map(Language::new).collect::<std::result::Result<_, _>>()?,
            capacity: Capacity::default(),
            availability: Availability::Online,
        });
    }
    Ok(members)
}

async fn team(crm: &AutoCrm, by: &Actor, plan: &TeamPlan, members: Vec<Member>) -> Result<()> {
    let name = Name::new(plan.name)?;
    if crm.admin().teams(by).await?.iter().any(|team| team.name == name) {
        return Ok(());
    }
    let spec = TeamSpec {
        name,
        description: Some(Note::new(plan.description)?),
        categories: plan.categories.iter().map(Key::new).collect::<std::result::Result<BTreeSet<_>, _>>()?,
        members,
    };
    crm.admin().create_team(by, &spec).await?;
    Ok(())
}

async fn categories(crm: &AutoCrm, by: &Actor) -> Result<()> {
    let mut categories = Vec::with_capacity(CATEGORIES.len());
    for (key, name, description, skill, auto_send) in CATEGORIES {
        categories.push(Category {
            key: Key::new(key)?,
            name: Name::new(name)?,
            description: Some(Note::new(description)?),
            skills: skill.map(Key::new).transpose()?.into_iter().collect(),
            team: None,
            auto_send: *auto_send,
        });
    }
    let scheme = crm.admin().scheme(by).await?;
    // What the desk's administrators have changed since then stays.
    if !scheme.categories.is_empty() {
        return Ok(());
    }
    crm.admin().set_scheme(by, &scheme.statuses, &categories, &scheme.fields).await?;
    Ok(())
}

async fn article(crm: &AutoCrm, by: &Actor, slug: &str, text: &str) -> Result<()> {
    let slug = Key::new(slug)?;
    let known = crm.store().article_by_slug(&Scope::of(by), &slug).await?;
    let article = if let Some(article) = known {
        article
    } else {
        let spec = ArticleSpec {
            title: Subject::new(title(text, &slug))?,
            slug,
            body: Body::new(text)?,
            category: None,
            visibility: ArticleVisibility::Public,
            language: Some(Language::new("en")?),
        };
        crm.knowledge().write(by, &spec).await?
    };
    if article.state == ArticleState::Draft {
        crm.knowledge().change_state(by, article.id, ArticleState::Published).await?;
    }
    Ok(())
}
