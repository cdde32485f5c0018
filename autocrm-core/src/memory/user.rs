//! Users.

use async_trait::async_trait;

use crate::{
    access::Scope,
    error::Result,
    id::UserId,
    memory::{
        MemoryStore, page_of,
        world::{Desk, put},
    },
    page::{Cursor, Page, PageRequest},
    port::UserReader,
    text::{EmailAddress, ExternalId},
    user::{User, UserFilter},
};

impl Desk {
    pub(super) fn set_user(&mut self, id: UserId, row: Option<User>) -> Option<User> {
        if let Some(before) = self.users.get(&id) {
            if let Some(email) = &before.email {
                self.users_by_email.remove(email);
            }
            if let Some(external_id) = &before.external_id {
                self.users_by_external_id.remove(external_id);
            }
        }
        if let Some(user) = &row {
            self.users_by_email.extend(user.email.clone().map(|email| (email, id)));
            self.users_by_external_id.extend(user.external_id.clone().map(|external_id| (external_id, id)));
        }
        put(&mut self.users, id, row)
    }

    fn shown_user(&self, scope: &Scope, id: Option<&UserId>) -> Option<User> {
        id.filter(|id| scope.sees_user(**id)).and_then(|id| self.users.get(id)).cloned()
    }
}

#[async_trait]
impl UserReader for MemoryStore {
    async fn user(&self, scope: &Scope, id: UserId) -> Result<Option<User>> {
        Ok(self.read(scope, |desk| desk.shown_user(scope, Some(&id))))
    }

    async fn user_by_email(&self, scope: &Scope, email: &EmailAddress) -> Result<Option<User>> {
        Ok(self.read(scope, |desk| desk.shown_user(scope, desk.users_by_email.get(email))))
    }

    async fn user_by_external_id(&self, scope: &Scope, id: &ExternalId) -> Result<Option<User>> {
        Ok(self.read(scope, |desk| desk.shown_user(scope, desk.users_by_external_id.get(id))))
    }

    async fn users(&self, scope: &Scope, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>> {
        let before = page.cursor().map(|cursor| UserId::from_uuid(cursor.id));
        let wanted = |user: &User| {
            scope.sees_user(user.id)
                && filter.role.is_none_or(|role| role == user.role)
                && filter.active.is_none_or(|active| active == user.active)
        };
        Ok(self.read(scope, |desk| {
            let rows = desk.users.values().rev().skip_while(|user| before.is_some_and(|id| user.id >= id));
            page_of(rows, wanted, page, |user| Cursor { key: 0, id: user.id.as_uuid() })
        }))
    }
}
