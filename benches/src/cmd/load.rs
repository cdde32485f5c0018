//! `load`: how fast a desk works when many call at once.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use autocrm_email::MimeParser;

use crate::{
    callers::{self, Run, Until},
    ceiling,
    desk::{self, Desk},
    failure::{Failure, Result},
    load::{LISTS, Reads, SEARCHES},
    plot,
    progress::{Progress, say},
    report::Report,
    stats::{Latencies, peak_rss_mb},
    store::{Choice, StoreKind, Workplace},
    words::Vocabulary,
};

/// How many tickets the growth of reads is measured against.
const SMALL: usize = 1_000;
const CUSTOMERS: usize = 1_000;

/// Creates tickets, then measures creating, reading, listing, searching and processing them.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: Choice,
    /// Concurrent callers.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    clients: u16,
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Tickets created before anything is measured.
    #[arg(long, default_value_t = 10_000)]
    tickets: usize,
    /// Also write the same rows by bare statements, and read by bare queries (SQLite, PostgreSQL).
    #[arg(long)]
    ceiling: bool,
    /// Seed of the workload.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw the latency distributions.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

struct Load<'a> {
    arguments: &'a Arguments,
    place: &'a Workplace,
    desk: Desk,
    vocabulary: Arc<Vocabulary>,
    reads: Arc<Reads>,
    next: Arc<AtomicUsize>,
    report: Report,
    curves: Vec<(String, Latencies)>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Report> {
    if !(arguments.seconds > 0.0 && arguments.seconds <= 3_600.0) {
        return Err(Failure::new("--seconds is a number above 0 and at most 3600"));
    }
    if arguments.tickets == 0 {
        return Err(Failure::new("--tickets is at least 1"));
    }
    let kind = arguments.store.kind;
    if arguments.ceiling && kind == StoreKind::Memory {
        return Err(ceiling::none());
    }
    let place = arguments.store.place(usize::from(arguments.clients)).await?;
    let crm = desk::open(kind, &place, MimeParser::default(), None).await?;
    let desk = desk::found(crm, CUSTOMERS.min(arguments.tickets)).await?;
    let vocabulary = Arc::new(Vocabulary::new());
    let mut load = Load {
        reads: Arc::new(Reads::new(desk.clone(), Arc::clone(&vocabulary), arguments.seed)),
        next: Arc::default(),
        report: Report::default(),
        curves: Vec::new(),
        arguments,
        place: &place,
        desk,
        vocabulary,
    };
    load.fill_and_grow().await?;
    load.measure().await?;
    load.report.set("rss_mb", peak_rss_mb().map(f64::round));
    let rows = ceiling::rows_per_create(kind, &place, &load.vocabulary, arguments.seed).await?;
    load.report.set("rows_per_create", rows);
    if arguments.ceiling {
        load.ceiling().await?;
    }
    if let Some(path) = &arguments.plot {
        plot::distributions(path, "Answered within", &mut load.curves)?;
    }
    Ok(load.report)
}

impl Load<'_> {
    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.arguments.seconds)
    }

    fn clients(&self) -> usize {
        usize::from(self.arguments.clients)
    }

    /// Opens tickets; every one has a number of its own.
    async fn create(&self, until: Until, remember: bool) -> Result<Run> {
        let (desk, vocabulary) = (self.desk.clone(), Arc::clone(&self.vocabulary));
        let (reads, next, seed) = (Arc::clone(&self.reads), Arc::clone(&self.next), self.arguments.seed);
        let total = if let Until::Calls(count) = until { count } else { 0 };
        let progress = Arc::new(Progress::new("tickets", total));
        callers::run(self.clients(), until, move |_| {
            let (desk, vocabulary) = (desk.clone(), Arc::clone(&vocabulary));
            let (reads, next, progress) = (Arc::clone(&reads), Arc::clone(&next), Arc::clone(&progress));
            async move {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let ticket = desk.open_ticket(&vocabulary, seed, number).await?;
                if remember {
                    reads.remember(&ticket);
                    progress.tick();
                }
                Ok(())
            }
        })
        .await
    }

    async fn list(&self, clients: usize, kind: usize, until: Until) -> Result<Run> {
        let reads = Arc::clone(&self.reads);
        callers::run(clients, until, move |number| {
            let reads = Arc::clone(&reads);
            async move { reads.list(kind, number).await }
        })
        .await
    }

    async fn get(&self, clients: usize, until: Until) -> Result<Run> {
        let reads = Arc::clone(&self.reads);
        callers::run(clients, until, move |number| {
            let reads = Arc::clone(&reads);
            async move { reads.get(number).await }
        })
        .await
    }

    async fn search(&self, clients: usize, kind: usize, until: Until) -> Result<Run> {
        let reads = Arc::clone(&self.reads);
        callers::run(clients, until, move |number| {
            let reads = Arc::clone(&reads);
            async move { reads.search(kind, number).await.map(drop) }
        })
        .await
    }

    /// Creates the tickets, and compares reads at 1,000 with reads at all of them, one call at a time.
    async fn fill_and_grow(&mut self) -> Result<()> {
        let calls = Until::Time(self.time().min(Duration::from_secs(2)));
        let first = SMALL.min(self.arguments.tickets);
        let early = self.create(Until::Calls(first), true).await?;
        self.place.settle().await?;
        let (get_before, lists_before) = self.growth(calls).await?;
        let rest = self.arguments.tickets - first;
        let late = self.create(Until::Calls(rest), true).await?;
        self.place.settle().await?;
        let (get_after, lists_after) = self.growth(calls).await?;
        let elapsed = early.elapsed + late.elapsed;
        self.report.number("fill_per_s", crate::stats::rate(self.arguments.tickets, elapsed));
        self.report.number("growth_get", get_after / get_before);
        let worst = lists_before.iter().zip(&lists_after).map(|(before, after)| after / before);
        self.report.number("growth_list", worst.fold(0.0, f64::max));
        Ok(())
    }

    async fn growth(&self, until: Until) -> Result<(f64, Vec<f64>)> {
        let get = self.get(1, until).await?.latencies.quantile_ms(0.5);
        let mut lists = Vec::with_capacity(LISTS.len());
        for kind in 0..LISTS.len() {
            lists.push(self.list(1, kind, until).await?.latencies.quantile_ms(0.5));
        }
        Ok((get, lists))
    }

    async fn measure(&mut self) -> Result<()> {
        let time = Until::Time(self.time());
        let clients = self.clients();
        say("reads");
        let alone = self.get(1, time).await?.latencies.quantile_ms(0.5);
        self.report.number("get_p50_ms", alone);
        let read = self.get(clients, time).await?;
        self.report.number("get_per_s", read.per_s());
        self.lists(time).await?;
        self.searches(time).await?;
        say("creates");
        let mut created = self.create(time, false).await?;
        self.report
            .number("create_per_s", created.per_s())
            .number("create_p50_ms", created.latencies.quantile_ms(0.5))
            .number("create_p99_ms", created.latencies.quantile_ms(0.99));
        self.curves.push(("create".to_owned(), created.latencies));
        say("processing");
        let (crm, actor, reads) = (self.desk.crm.clone(), self.desk.admin.clone(), Arc::clone(&self.reads));
        let processed = callers::run(clients, time, move |number| {
            let (crm, actor, reads) = (crm.clone(), actor.clone(), Arc::clone(&reads));
            async move {
                let (ticket, _) = reads.ticket(number)?;
                crm.processor().process_with_ai(&actor, ticket).await?;
                Ok(())
            }
        })
        .await?;
        self.report
            .number("process_per_s", processed.per_s())
            .set("tickets", self.arguments.tickets)
            .set("clients", clients);
        Ok(())
    }

    /// Latencies of reads are those of a call that does not wait behind others; `…_loaded_…` are those of all callers
    /// at once, where most of the time is spent waiting in the queue of a machine with few cores.
    async fn lists(&mut self, time: Until) -> Result<()> {
        let (mut worst_half, mut worst_most): (f64, f64) = (0.0, 0.0);
        let (mut loaded, mut slowest): (f64, f64) = (0.0, f64::INFINITY);
        for (kind, name) in LISTS.into_iter().enumerate() {
            let mut alone = self.list(1, kind, time).await?.latencies;
            let mut together = self.list(self.clients(), kind, time).await?;
            worst_half = worst_half.max(alone.quantile_ms(0.5));
            worst_most = worst_most.max(alone.quantile_ms(0.99));
            loaded = loaded.max(together.latencies.quantile_ms(0.5));
            slowest = slowest.min(together.per_s());
            self.report.number(format!("list_{name}_p50_ms"), alone.quantile_ms(0.5));
            self.curves.push((format!("list {name}"), alone));
        }
        self.report
            .number("list_p50_ms", worst_half)
            .number("list_p99_ms", worst_most)
            .number("list_loaded_p50_ms", loaded)
            .number("list_per_s", slowest);
        Ok(())
    }

    async fn searches(&mut self, time: Until) -> Result<()> {
        let (mut worst_half, mut worst_most): (f64, f64) = (0.0, 0.0);
        let (mut loaded, mut slowest): (f64, f64) = (0.0, f64::INFINITY);
        for (kind, name) in SEARCHES.into_iter().enumerate() {
            let mut hits = 0;
            for number in 0..20 {
                hits += self.reads.search(kind, number).await?;
            }
            let mut alone = self.search(1, kind, time).await?.latencies;
            let mut together = self.search(self.clients(), kind, time).await?;
            worst_half = worst_half.max(alone.quantile_ms(0.5));
            worst_most = worst_most.max(alone.quantile_ms(0.99));
            loaded = loaded.max(together.latencies.quantile_ms(0.5));
            slowest = slowest.min(together.per_s());
            self.report
                .number(format!("search_{name}_p50_ms"), alone.quantile_ms(0.5))
                .number(format!("search_{name}_hits"), hits as f64 / 20.0);
            self.curves.push((format!("search {name}"), alone));
        }
        self.report
            .number("search_p50_ms", worst_half)
            .number("search_p99_ms", worst_most)
            .number("search_loaded_p50_ms", loaded)
            .number("search_per_s", slowest);
        Ok(())
    }

    async fn ceiling(&mut self) -> Result<()> {
        say("the ceiling");
        let time = self.time();
        let (kind, place) = (self.arguments.store.kind, self.place);
        let (get, mut list) = ceiling::bare_reads(kind, place, self.desk.tenant, time).await?;
        let reached = ceiling::measure(kind, place, &self.vocabulary, self.arguments.seed, time).await?;
        let created = self.report.get("create_per_s");
        self.report
            .set("rows", reached.rows)
            .number("ceiling_create_per_s", reached.create_per_s)
            .number("ceiling_rows_per_s", reached.create_per_s * reached.rows_per_create as f64)
            .number("create_to_ceiling", created / reached.create_per_s)
            .number("single_create_per_s", reached.single_per_s)
            .number("create_to_single", created / reached.single_per_s)
            .number("ceiling_get_per_s", get)
            .number("ceiling_list_p50_ms", list.quantile_ms(0.5));
        Ok(())
    }
}
