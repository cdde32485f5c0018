//! A create through the facade, on the store in memory: what the library costs without a disk.

use std::hint::black_box;

use autocrm_core::{
    access::Actor,
    app::{AutoCrm, TicketData},
    clock::{Clock as _, SystemClock},
    id::{IdSource as _, RandomIds, TenantId},
    memory::MemoryStore,
    tenant::TenantPolicy,
    text::{Body, Name, Subject},
    ticket::{Channel, NewTicket},
    user::NewUser,
};
use criterion::{Criterion, criterion_group, criterion_main};

type Anything = Box<dyn std::error::Error>;

async fn desk() -> Result<(AutoCrm, Actor, TicketData), Anything> {
    let crm = AutoCrm::builder().store(MemoryStore::new()).build()?;
    let tenant = TenantId::from_uuid(RandomIds.uuid(SystemClock.now()));
    crm.admin().found_tenant(tenant, &Name::new("Desk")?, None, TenantPolicy::default()).await?;
    let customer = NewUser::customer(Name::new("Customer")?);
    let user = crm.admin().create_user(&Actor::system(tenant), &customer).await?;
    let data = TicketData {
        requester: None,
        channel: Channel::Portal,
        ticket: NewTicket::about(Subject::new("Where is my parcel?")?),
        body: Body::new("The tracking page has not changed for four days.")?,
    };
    Ok((crm, Actor::customer(tenant, user.id), data))
}

fn commit(criterion: &mut Criterion) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    let Ok((crm, customer, data)) = runtime.block_on(desk()) else { return };
    criterion.bench_function("create a ticket in memory", |bencher| {
        bencher
            .iter(|| runtime.block_on(async { black_box(crm.processor().create(&customer, &data).await) }));
    });
}

criterion_group!(benches, commit);
criterion_main!(benches);
