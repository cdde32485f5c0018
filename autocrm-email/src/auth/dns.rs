//! Where records come from: the name servers, or a fixed table for tests and measurements.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use mail_auth::{
    DnsError, Error, MX, RecordSet, ResolverCache, Txt,
    common::{parse::TxtRecordParser, resolver::ToFqdn, verify::DomainKey},
    dmarc::Dmarc,
    hickory_resolver::proto::op::ResponseCode,
    spf::Spf,
};

/// A fixed table of TXT records. What is not in it does not exist. Clones share it.
///
/// ```
/// let table = autocrm_email::DnsTable::new([
///     ("_dmarc.example.org", "v=DMARC1; p=reject"),
///     ("example.org", "v=spf1 ip4:192.0.2.1 -all"),
/// ]);
/// assert!(autocrm_email::AuthVerifier::with_table(table).is_ok());
/// ```
#[derive(Clone, Default)]
pub struct DnsTable {
    records: Arc<HashMap<Box<str>, Txt>>,
    dark: Arc<AtomicBool>,
}

impl std::fmt::Debug for DnsTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DnsTable").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

impl DnsTable {
    /// Returns a table of names and texts. The name tells the kind of a record: `s._domainkey.…` is a key, `_dmarc.…` a
    /// policy, any other name the list of a domain's hosts (SPF).
    pub fn new<N: AsRef<str>, T: AsRef<str>>(records: impl IntoIterator<Item = (N, T)>) -> Self {
        let records = records.into_iter().map(|(name, text)| {
            let name = name.as_ref().to_fqdn().into_owned().into_boxed_str();
            let text = text.as_ref().as_bytes();
            let record: Txt = if name.contains("._domainkey.") {
                DomainKey::parse(text).into()
            } else if name.starts_with("_dmarc.") {
                Dmarc::parse(text).into()
            } else {
                Spf::parse(text).into()
            };
            (name, record)
        });
        Self { records: Arc::new(records.collect()), dark: Arc::default() }
    }

    /// Lets every look-up fail for now, or no longer.
    pub fn set_dark(&self, dark: bool) {
        self.dark.store(dark, Ordering::Relaxed);
    }
}

/// Where records come from.
#[derive(Clone)]
pub(super) enum Records {
    /// The name servers; the resolver keeps what it has learned for as long as it may.
    System,
    /// A table.
    Table(DnsTable),
}

impl ResolverCache<Box<str>, Txt> for Records {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Self::Table(table) = self else { return None };
        if table.dark.load(Ordering::Relaxed) {
            return Some(Txt::Error(Error::Dns(DnsError::Resolver("dark".to_owned()))));
        }
        let missing = || Txt::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain)));
        Some(table.records.get(name).cloned().unwrap_or_else(missing))
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}

/// A table holds no records of hosts: a look-up of one fails, because its resolver has nobody to ask.
macro_rules! no_hosts {
    ($($key:ty => $value:ty;)+) => {$(
        impl ResolverCache<$key, RecordSet<$value>> for Records {
            fn get<Q>(&self, _: &Q) -> Option<RecordSet<$value>>
            where
                $key: Borrow<Q>,
                Q: Hash + Eq + ?Sized,
            {
                None
            }

            fn remove<Q>(&self, _: &Q) -> Option<RecordSet<$value>>
            where
                $key: Borrow<Q>,
                Q: Hash + Eq + ?Sized,
            {
                None
            }

            fn insert(&self, _: $key, _: RecordSet<$value>, _: Instant) {}
        }
    )+};
}

no_hosts! {
    Box<str> => MX;
    Box<str> => Ipv4Addr;
    Box<str> => Ipv6Addr;
    IpAddr => Box<str>;
}
