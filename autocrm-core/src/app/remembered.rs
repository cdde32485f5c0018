//! What a handle remembers of tenants, so that frequent commands need not load it each time.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::id::TenantId;

/// A value for each of at most `MOST` tenants. When there are more, remembering begins anew.
#[derive(Debug)]
pub(super) struct Remembered<T, const MOST: usize> {
    tenants: Mutex<HashMap<TenantId, T>>,
}

impl<T, const MOST: usize> Default for Remembered<T, MOST> {
    fn default() -> Self {
        Self { tenants: Mutex::default() }
    }
}

impl<T: Clone, const MOST: usize> Remembered<T, MOST> {
    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, T>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is remembered of a tenant.
    pub(super) fn get(&self, tenant: TenantId) -> Option<T> {
        self.tenants().get(&tenant).cloned()
    }

    /// Remembers a value for a tenant, whatever was remembered before.
    pub(super) fn put(&self, tenant: TenantId, value: T) {
        let mut tenants = self.tenants();
        if tenants.len() >= MOST && !tenants.contains_key(&tenant) {
            tenants.clear();
        }
        tenants.insert(tenant, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        app::scheme::RememberedSchemes,
        clock::Timestamp,
        id::{IdSource as _, RandomIds},
        ticket::Scheme,
    };

    /// Of how many tenants the scheme is remembered.
    const MAX_REMEMBERED: usize = 256;

    #[test]
    fn no_more_schemes_are_remembered_than_stated() {
        let remembered = RememberedSchemes::default();
        let tenant = || TenantId::from_uuid(RandomIds.uuid(Timestamp::EPOCH));
        let standard = |tenant| Arc::new(Scheme::standard(tenant, Timestamp::EPOCH));
        for _ in 0..3 * MAX_REMEMBERED {
            let new = tenant();
            remembered.put(new, standard(new));
            assert_eq!(remembered.get(new), Some(standard(new)));
            assert!(remembered.tenants().len() <= MAX_REMEMBERED);
        }
        assert_eq!(remembered.get(tenant()), None);
    }
}
