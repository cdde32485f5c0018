//! Commands on tenants, users, teams, schemes, templates and notifications.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    access::{Action, Actor, Resource, Scope},
    app::{AutoCrm, Error, Planned, Result, handle::authorise, transact::transact},
    change::{ChangeSet, EntityRef},
    conversation::{Template, TemplateRefusal, TemplateSpec, create_template, update_template},
    id::{NotificationId, TeamId, TemplateId, TenantId, UserId},
    notify::{Notification, mark_read},
    page::{Page, PageRequest},
    team::{self, Team, TeamRefusal, TeamSpec},
    tenant::{FeatureFlags, Tenant, TenantPolicy, Trigger, change_flags, change_policy, found, set_triggers},
    text::{EmailAddress, Key, Name},
    ticket::{Category, FieldDefinition, Scheme, SchemeEvent, StatusDefinition, set_scheme},
    transition::Transition,
    user::{self, NewUser, User, UserChange, UserFilter, UserRefusal},
};

/// Commands on what the desk is made of.
#[derive(Debug, Clone)]
pub struct Admin {
    crm: AutoCrm,
}

impl Admin {
    pub(super) fn new(crm: AutoCrm) -> Self {
        Self { crm }
    }

    /// Founds a tenant under an id of the host's choice; it is the host who may, not a user. The scheme is the standard
    /// one. An id or a support address in use is a conflict.
    pub async fn found_tenant(
        &self,
        id: TenantId,
        name: &Name,
        support_address: Option<&EmailAddress>,
        policy: TenantPolicy,
    ) -> Result<Tenant> {
        let actor = Actor::system(id);
        let settled = transact(&self.crm, None, |_| async {
            let stamp = self.crm.stamp();
            let founded = found(id, name.clone(), support_address.cloned(), policy, &stamp)?;
            let output = founded.state.clone();
            let scheme = Transition::new(Scheme::standard(id, stamp.at()), SchemeEvent::Set);
            let mut changes = ChangeSet::new(&actor, &stamp);
            changes.tenant(founded, &stamp).scheme(scheme, &stamp).answers(EntityRef::Tenant);
            Ok(Planned::new(output, changes))
        })
        .await?;
        settled.into_done()?;
        self.tenant(&actor).await
    }

    /// Returns the actor's tenant.
    pub async fn tenant(&self, actor: &Actor) -> Result<Tenant> {
        self.crm.tenant_of(actor).await
    }

    /// Sets the tenant's switches.
    pub async fn change_flags(&self, actor: &Actor, flags: FeatureFlags) -> Result<()> {
        manage(actor)?;
        let settled = transact(&self.crm, None, |_| async {
            let stamp = self.crm.stamp();
            let switched = change_flags(self.crm.tenant_of(actor).await?, flags, &stamp);
            let mut changes = ChangeSet::new(actor, &stamp);
            changes.tenant(switched, &stamp).answers(EntityRef::Tenant);
            Ok(Planned::new((), changes))
        })
        .await?;
        settled.into_done().map(drop)
    }

    /// Sets the tenant's times, windows and habits.
    pub async fn change_policy(&self, actor: &Actor, policy: TenantPolicy) -> Result<()> {
        manage(actor)?;
        let settled = transact(&self.crm, None, |_| async {
            let stamp = self.crm.stamp();
            let set = change_policy(self.crm.tenant_of(actor).await?, policy, &stamp)?;
            let mut changes = self.crm.changes(actor, &stamp);
            changes.tenant(set, &stamp);
            Ok(Planned::new((), changes))
        })
        .await?;
        settled.into_done().map(drop)
    }

    /// Replaces the triggers: which event has which mail sent to whom. Other nodes hear of it within a minute.
    pub async fn set_triggers(&self, actor: &Actor, triggers: &[Trigger]) -> Result<()> {
        manage(actor)?;
        let settled = transact(&self.crm, None, |_| async {
            let stamp = self.crm.stamp();
            let set = set_triggers(self.crm.tenant_of(actor).await?, triggers.to_vec(), &stamp)?;
            let mut changes = ChangeSet::new(actor, &stamp);
            changes.tenant(set, &stamp).answers(EntityRef::Tenant);
            Ok(Planned::new((), changes))
        })
        .await?;
        settled.into_done()?;
        self.crm.remember_triggers(&self.crm.tenant_of(actor).await?);
        Ok(())
    }

    /// Returns the tenant's scheme; staff only.
    pub async fn scheme(&self, actor: &Actor) -> Result<Scheme> {
        authorise(actor, Action::Read, &Resource::Tenant(actor.tenant), "tenant")?;
        self.crm.scheme_of(actor.tenant, &self.crm.stamp()).await
    }

    /// Replaces statuses, categories and custom fields.
    pub async fn set_scheme(
        &self,
        actor: &Actor,
        statuses: &[StatusDefinition],
        categories: &[Category],
        fields: &BTreeMap<Key, FieldDefinition>,
    ) -> Result<()> {
        manage(actor)?;
        let settled = transact(&self.crm, None, |_| async {
            let stamp = self.crm.stamp();
            let current = self.crm.scheme_of(actor.tenant, &stamp).await?;
            let set = set_scheme(current, statuses.to_vec(), categories.to_vec(), fields.clone(), &stamp)?;
            let mut changes = ChangeSet::new(actor, &stamp);
            changes.scheme(set, &stamp).answers(EntityRef::Scheme);
            Ok(Planned::new((), changes))
        })
        .await?;
        settled.into_done().map(drop)
    }

    /// Creates a user.
    pub async fn create_user(&self, actor: &Actor, new: &NewUser) -> Result<User> {
        let settled = transact(&self.crm, None, |_| self.plan_create_user(actor, new)).await?;
        settled.into_done().map(|(user, _)| user)
    }

    /// Decides [`create_user`](Self::create_user) without committing.
    pub async fn plan_create_user(&self, actor: &Actor, new: &NewUser) -> Result<Planned<User>> {
        authorise(actor, Action::WriteUser, &Resource::Tenant(actor.tenant), "tenant")?;
        let scope = Scope::tenant_wide(actor.tenant);
        if let Some(email) = &new.email
            && self.crm.store().user_by_email(&scope, email).await?.is_some()
        {
            return Err(UserRefusal::EmailTaken.into());
        }
        if let Some(external_id) = &new.external_id
            && self.crm.store().user_by_external_id(&scope, external_id).await?.is_some()
        {
            return Err(UserRefusal::ExternalIdTaken.into());
        }
        let stamp = self.crm.stamp();
        let created = user::create(actor, actor.tenant, new.clone(), &stamp)?;
        let mut output = created.state.clone();
        output.version = output.version.next();
        let mut changes = ChangeSet::new(actor, &stamp);
        changes.user(created, &stamp).answers(EntityRef::User(output.id));
        Ok(Planned::new(output, changes))
    }

    /// Changes a user.
    pub async fn change_user(&self, actor: &Actor, id: UserId, change: &UserChange) -> Result<()> {
        let settled = transact(&self.crm, None, |_| async {
            let found = self.crm.store().user(&Scope::of(actor), id).await?;
            let record = found.ok_or(Error::NotFound { what: "user" })?;
            authorise(actor, Action::WriteUser, &record.resource(), "user")?;
            let stamp = self.crm.stamp();
            let edited = user::change(actor, record, change.clone(), &stamp)?;
            let mut changes = ChangeSet::new(actor, &stamp);
            changes.user(edited, &stamp).answers(EntityRef::User(id));
            Ok(Planned::new((), changes))
        })
        .await?;
        settled.into_done().map(drop)
    }

    /// Returns a user whom the actor may see.
    pub async fn user(&self, actor: &Actor, id: UserId) -> Result<User> {
        let found = self.crm.store().user(&Scope::of(actor), id).await?;
        found.ok_or(Error::NotFound { what: "user" })
    }

    /// Returns users whom the actor may see, newest first.
    pub async fn users(&self, actor: &Actor, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>> {
        Ok(self.crm.store().users(&Scope::of(actor), filter, page).await?)
    }

    /// Creates a team.
    pub async fn create_team(&self, actor: &Actor, spec: &TeamSpec) -> Result<Team> {
        let settled = transact(&self.crm, None, |_| self.plan_team(actor, None, spec)).await?;
        settled.into_done().map(|(team, _)| team)
    }

    /// Replaces what can be changed about a team.
    pub async fn update_team(&self, actor: &Actor, id: TeamId, spec: &TeamSpec) -> Result<Team> {
        let settled = transact(&self.crm, None, |_| self.plan_team(actor, Some(id), spec)).await?;
        settled.into_done().map(|(team, _)| team)
    }

    async fn plan_team(&self, actor: &Actor, id: Option<TeamId>, spec: &TeamSpec) -> Result<Planned<Team>> {
        manage(actor)?;
        let scope = Scope::of(actor);
        let teams = self.crm.store().teams(&scope).await?;
        if teams.iter().any(|team| team.name == spec.name && Some(team.id) != id) {
            return Err(TeamRefusal::NameTaken.into());
        }
        let mut agents = BTreeSet::new();
        for member in spec.members.iter().take(team::MAX_MEMBERS + 1) {
            let user = self.crm.store().user(&scope, member.user).await?;
            if user.is_some_and(|user| user.active && user.role.is_staff()) {
                agents.insert(member.user);
            }
        }
        let stamp = self.crm.stamp();
        let is_agent = |user| agents.contains(&user);
        let formed = match id {
            None => team::create(actor.tenant, spec.clone(), is_agent, &stamp)?,
            Some(id) => {
                let found = teams.into_iter().find(|team| team.id == id);
                team::update(found.ok_or(Error::NotFound { what: "team" })?, spec.clone(), is_agent, &stamp)?
            }
        };
        let mut output = formed.state.clone();
        if !formed.events.is_empty() {
            output.version = output.version.next();
        }
        let mut changes = ChangeSet::new(actor, &stamp);
        changes.team(formed, &stamp).answers(EntityRef::Team(output.id));
        Ok(Planned::new(output, changes))
    }

    /// Returns the tenant's teams; staff only.
    pub async fn teams(&self, actor: &Actor) -> Result<Vec<Team>> {
        Ok(self.crm.store().teams(&Scope::of(actor)).await?)
    }

    /// Writes a response template: a new one, or in place of `id`.
    pub async fn write_template(
        &self,
        actor: &Actor,
        id: Option<TemplateId>,
        spec: &TemplateSpec,
    ) -> Result<Template> {
        let settled = transact(&self.crm, None, |_| self.plan_template(actor, id, spec)).await?;
        settled.into_done().map(|(template, _)| template)
    }

    async fn plan_template(
        &self,
        actor: &Actor,
        id: Option<TemplateId>,
        spec: &TemplateSpec,
    ) -> Result<Planned<Template>> {
        let resource = Resource::Template { tenant: actor.tenant, team: spec.team };
        authorise(actor, Action::WriteTemplate, &resource, "team")?;
        let scope = Scope::of(actor);
        if let Some(team) = spec.team
            && self.crm.store().team(&scope, team).await?.is_none()
        {
            return Err(TemplateRefusal::UnknownTeam.into());
        }
        let stamp = self.crm.stamp();
        let written = match id {
            None => create_template(actor.tenant, spec.clone(), &stamp)?,
            Some(id) => {
                let found = self.crm.store().template(&scope, id).await?;
                update_template(found.ok_or(Error::NotFound { what: "template" })?, spec.clone(), &stamp)?
            }
        };
        let mut output = written.state.clone();
        if !written.events.is_empty() {
            output.version = output.version.next();
        }
        let mut changes = ChangeSet::new(actor, &stamp);
        changes.template(written, &stamp).answers(EntityRef::Template(output.id));
        Ok(Planned::new(output, changes))
    }

    /// Returns the actor's notifications, newest first.
    pub async fn notifications(&self, actor: &Actor, page: &PageRequest) -> Result<Page<Notification>> {
        Ok(self.crm.store().notifications(&Scope::of(actor), page).await?)
    }

    /// Marks a notification as read.
    pub async fn mark_notification(&self, actor: &Actor, id: NotificationId) -> Result<()> {
        let settled = transact(&self.crm, None, |_| async {
            let found = self.crm.store().notification(&Scope::of(actor), id).await?;
            let told = found.ok_or(Error::NotFound { what: "notification" })?;
            let resource = Resource::Notification { tenant: told.tenant, recipient: told.recipient };
            authorise(actor, Action::MarkNotification, &resource, "notification")?;
            let stamp = self.crm.stamp();
            let mut changes = ChangeSet::new(actor, &stamp);
            changes.notification(mark_read(told, &stamp), &stamp).answers(EntityRef::Notification(id));
            Ok(Planned::new((), changes))
        })
        .await?;
        settled.into_done().map(drop)
    }
}

fn manage(actor: &Actor) -> Result<()> {
    authorise(actor, Action::ManageTenant, &Resource::Tenant(actor.tenant), "tenant")
}
