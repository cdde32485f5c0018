//! The schemes that a handle remembers, so that the most frequent command need not load one each time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{id::TenantId, ticket::Scheme};

/// Of how many tenants the scheme is remembered. When there are more, remembering begins anew.
const MAX_REMEMBERED: usize = 256;

/// The scheme of each tenant as it was loaded last.
#[derive(Default)]
pub(super) struct RememberedSchemes {
    schemes: Mutex<HashMap<TenantId, Arc<Scheme>>>,
}

impl RememberedSchemes {
    fn schemes(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Scheme>>> {
        self.schemes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what is remembered of a tenant.
    pub(super) fn get(&self, tenant: TenantId) -> Option<Arc<Scheme>> {
        self.schemes().get(&tenant).map(Arc::clone)
    }

    /// Remembers what was loaded for a tenant, whatever was remembered before.
    pub(super) fn put(&self, tenant: TenantId, scheme: Arc<Scheme>) {
        let mut schemes = self.schemes();
        if schemes.len() >= MAX_REMEMBERED && !schemes.contains_key(&tenant) {
            schemes.clear();
        }
        schemes.insert(tenant, scheme);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        id::{IdSource as _, RandomIds},
    };

    #[test]
    fn no_more_schemes_are_remembered_than_stated() {
        let remembered = RememberedSchemes::default();
        let tenant = || TenantId::from_uuid(RandomIds.uuid(Timestamp::EPOCH));
        let standard = |tenant| Arc::new(Scheme::standard(tenant, Timestamp::EPOCH));
        for _ in 0..3 * MAX_REMEMBERED {
            let new = tenant();
            remembered.put(new, standard(new));
            assert_eq!(remembered.get(new), Some(standard(new)));
            assert!(remembered.schemes().len() <= MAX_REMEMBERED);
        }
        assert_eq!(remembered.get(tenant()), None);
    }
}
