//! The pure parts: deciding a ticket's creation, cutting an article into passages.

use std::hint::black_box;

use autocrm_core::{
    access::Actor,
    clock::{Stamp, Timestamp},
    id::{IdSource as _, RandomIds, TenantId, UserId},
    knowledge::split_markdown,
    text::Subject,
    ticket::{Channel, NewTicket, Scheme, create},
};
use criterion::{Criterion, criterion_group, criterion_main};

fn decide(criterion: &mut Criterion) {
    let at = Timestamp::from_micros(1_795_000_000_000_000);
    let tenant = TenantId::from_uuid(RandomIds.uuid(at));
    let requester = UserId::from_uuid(RandomIds.uuid(at));
    let (scheme, actor) = (Scheme::standard(tenant, at), Actor::customer(tenant, requester));
    let Ok(subject) = Subject::new("Where is my parcel?") else { return };
    criterion.bench_function("decide a ticket", |bencher| {
        bencher.iter(|| {
            let stamp = Stamp::new(at, &RandomIds);
            let new = NewTicket::about(subject.clone());
            black_box(create(&scheme, &actor, requester, Channel::Portal, new, &stamp))
        });
    });
}

fn chunk(criterion: &mut Criterion) {
    let section = "## A heading\n\nA sentence of an article that says something. Another one follows it.\n\n";
    let article = section.repeat(100);
    criterion.bench_function("cut an article of 8 KB", |bencher| {
        bencher.iter(|| black_box(split_markdown(black_box(&article))));
    });
}

criterion_group!(benches, decide, chunk);
criterion_main!(benches);
