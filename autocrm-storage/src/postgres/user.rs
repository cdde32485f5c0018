//! Users.

use async_trait::async_trait;
use autocrm_core::{
    access::{Scope, View},
    error::Result,
    id::UserId,
    page::{Page, PageRequest},
    port::UserReader,
    text::{EmailAddress, ExternalId},
    user::{User, UserFilter},
};
use sqlx::query_scalar;

use crate::{
    column::{Code, Uid, number},
    postgres::{
        PostgresStore,
        document::{self, Documents, before},
        lookup::Sought,
    },
};

/// Returns the only user that a scope shows; `None`: it shows all of the tenant.
fn only(scope: &Scope) -> Option<Uid> {
    match scope.view() {
        View::Customer(own) => Some(Uid::of(*own)),
        View::Agent { .. } | View::Tenant => None,
    }
}

impl PostgresStore {
    async fn one_user(
        &self,
        scope: &Scope,
        operation: &'static str,
        statement: Documents,
    ) -> Result<Option<User>> {
        let mut tx = self.read(operation, scope).await?;
        document::one(&mut tx, operation, statement).await
    }
}

#[async_trait]
impl UserReader for PostgresStore {
    async fn user(&self, scope: &Scope, id: UserId) -> Result<Option<User>> {
        if matches!(scope.view(), View::Tenant) {
            return self.document("user", scope, Sought::User(Uid::of(id))).await;
        }
        let statement = query_scalar(include_str!("sql/user.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(only(scope))
            .bind(Uid::of(id));
        self.one_user(scope, "user", statement).await
    }

    async fn user_by_email(&self, scope: &Scope, email: &EmailAddress) -> Result<Option<User>> {
        let statement = query_scalar(include_str!("sql/user_by_email.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(only(scope))
            .bind(email.as_str().to_owned());
        self.one_user(scope, "user_by_email", statement).await
    }

    async fn user_by_external_id(&self, scope: &Scope, id: &ExternalId) -> Result<Option<User>> {
        let statement = query_scalar(include_str!("sql/user_by_external_id.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(only(scope))
            .bind(id.as_str().to_owned());
        self.one_user(scope, "user_by_external_id", statement).await
    }

    async fn users(&self, scope: &Scope, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>> {
        let statement = query_scalar(include_str!("sql/users.sql"))
            .bind(Uid::of(scope.tenant()))
            .bind(only(scope))
            .bind(before(page))
            .bind(filter.role.map(Code::code))
            .bind(filter.active.map(i64::from))
            .bind(number(page.limit() + 1));
        let mut tx = self.read("users", scope).await?;
        document::page(&mut tx, "users", statement, page, |user: &User| user.id.as_uuid()).await
    }
}
