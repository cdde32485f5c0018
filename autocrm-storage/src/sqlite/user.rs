//! Users.

use async_trait::async_trait;
use autocrm_core::{
    access::{Scope, View},
    error::Result,
    id::UserId,
    page::{Cursor, Page, PageRequest},
    port::UserReader,
    text::{EmailAddress, ExternalId},
    user::{User, UserFilter},
};
use diesel::{SqliteConnection, prelude::*, sqlite::Sqlite};

use crate::{
    column::{Code, Uid, from_json, number},
    schema::autocrm_user,
    sqlite::{SqliteStore, failure::During, save::COMMIT},
};

type Selection = autocrm_user::BoxedQuery<'static, Sqlite, diesel::sql_types::Text>;

/// Begins a selection of the users that a scope shows.
fn shown(scope: &Scope) -> Selection {
    let users = autocrm_user::table
        .filter(autocrm_user::tenant.eq(Uid::of(scope.tenant())))
        .select(autocrm_user::document)
        .into_boxed();
    match scope.view() {
        View::Customer(own) => users.filter(autocrm_user::id.eq(Uid::of(*own))),
        View::Agent { .. } | View::Tenant => users,
    }
}

/// Returns whether a tenant has a user who is active.
pub(crate) fn is_active(connection: &mut SqliteConnection, tenant: Uid, user: Uid) -> Result<bool> {
    let active: Option<i64> = autocrm_user::table
        .find((tenant, user))
        .select(autocrm_user::active)
        .get_result(connection)
        .optional()
        .during(COMMIT)?;
    Ok(active.is_some_and(|active| active != 0))
}

impl SqliteStore {
    async fn one_user(&self, operation: &'static str, one: Selection) -> Result<Option<User>> {
        self.read(operation, move |connection| {
            let document: Option<String> = one.get_result(connection).optional().during(operation)?;
            document.map(|text| from_json(&text, "user")).transpose()
        })
        .await
    }
}

#[async_trait]
impl UserReader for SqliteStore {
    async fn user(&self, scope: &Scope, id: UserId) -> Result<Option<User>> {
        self.one_user("user", shown(scope).filter(autocrm_user::id.eq(Uid::of(id)))).await
    }

    async fn user_by_email(&self, scope: &Scope, email: &EmailAddress) -> Result<Option<User>> {
        let one = shown(scope).filter(autocrm_user::email.eq(email.as_str().to_owned()));
        self.one_user("user_by_email", one).await
    }

    async fn user_by_external_id(&self, scope: &Scope, id: &ExternalId) -> Result<Option<User>> {
        let one = shown(scope).filter(autocrm_user::external_id.eq(id.as_str().to_owned()));
        self.one_user("user_by_external_id", one).await
    }

    async fn users(&self, scope: &Scope, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>> {
        let mut users = shown(scope).order(autocrm_user::id.desc()).limit(number(page.limit() + 1));
        if let Some(role) = filter.role {
            users = users.filter(autocrm_user::role.eq(role.code()));
        }
        if let Some(active) = filter.active {
            users = users.filter(autocrm_user::active.eq(i64::from(active)));
        }
        if let Some(cursor) = page.cursor() {
            users = users.filter(autocrm_user::id.lt(Uid(cursor.id)));
        }
        let limit = page.limit();
        self.read("users", move |connection| {
            let documents: Vec<String> = users.load(connection).during("users")?;
            let found = documents.iter().map(|text| from_json(text, "user")).collect::<Result<_>>()?;
            Ok(Page::from_overfetch(found, limit, |user: &User| Cursor { key: 0, id: user.id.as_uuid() }))
        })
        .await
    }
}
