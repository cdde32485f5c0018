//! `migrate --to`: a SQLite desk, copied to a PostgreSQL server.

use autocrm_storage::{
    sqlite::SqliteConfig,
    transfer::{self, Progress, Step},
};

use crate::{
    command::progress,
    desk::{DataFolder, Database, Failure, Result, Server},
};

/// Copies the desk and compares both; the file stays as it is. Told to do so again, it goes on where it was interrupted.
pub(super) async fn run(folder: &DataFolder, server: &Server) -> Result<()> {
    let file = folder.database();
    if !file.exists() {
        return Err(Failure::Usage(format!("there is no desk in {}", file.display())));
    }
    let _hold = folder.hold()?;
    let database = Database::Server(server.clone());
    database.migrate().await?;
    let bar = progress::bar(0, "rows");
    let mut last: Option<(Step, &'static str)> = None;
    let watch = |progress: Progress| {
        let Progress { step, table, rows, total } = progress;
        if last.replace((step, table)) != Some((step, table)) {
            let what = match step {
                Step::Copy => "copying",
                Step::Compare => "comparing",
            };
            bar.suspend(|| eprintln!("{what} {table}, {total} rows"));
            bar.set_length(total);
        }
        bar.set_position(rows);
    };
    let copied = transfer::copy(&SqliteConfig::new(&file), &server.pool, watch).await;
    bar.finish_and_clear();
    let report = copied?;
    if report.resumed {
        println!("went on with an interrupted copy");
    }
    for table in &report.tables {
        println!("equal  {:<22} {:>9} rows  {}", table.table, table.rows, table.hash);
    }
    println!("{database} holds the desk of {}", file.display());
    println!(
        "keys, tokens, large raw mails and the outbox stay in the directory: serve it with --database-url"
    );
    Ok(())
}
