//! Starting, feeding and killing the process.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use autocrm_core::{
    id::{MessageId, TicketId},
    ticket::TicketNumber,
};

use super::{Cast, Server, Setting, Shim, Target, WRITERS};
use crate::{
    failure::{Failure, Result},
    random::Random,
};

/// A process that acknowledges nothing for so long hangs.
const SILENCE: Duration = Duration::from_mins(2);

/// Every write that was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    pub(crate) tickets: BTreeMap<usize, (TicketId, TicketNumber)>,
    pub(crate) replies: BTreeMap<usize, MessageId>,
    /// Numbers that were answered with another ticket or message than before.
    pub(crate) changed: usize,
}

impl Acknowledged {
    pub(crate) fn count(&self) -> usize {
        self.tickets.len() + self.replies.len()
    }

    /// Takes down a line of the process.
    fn note(&mut self, line: &str) -> Result<()> {
        let bad = || Failure::new(format!("the process said what it should not: {line}"));
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["R"] => {}
            ["T", number, id, given] => {
                let at = number.parse().map_err(|_| bad())?;
                let given = TicketNumber::new(given.parse().map_err(|_| bad())?);
                let ticket = (id.parse().map_err(|_| bad())?, given);
                let before = self.tickets.insert(at, ticket);
                self.changed += usize::from(before.is_some_and(|before| before != ticket));
            }
            ["M", number, id] => {
                let (at, message) = (number.parse().map_err(|_| bad())?, id.parse().map_err(|_| bad())?);
                let before = self.replies.insert(at, message);
                self.changed += usize::from(before.is_some_and(|before| before != message));
            }
            _ => return Err(bad()),
        }
        Ok(())
    }
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Killed,
    Finished,
}

/// What is killed in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The process that writes.
    Process,
    /// The server, which is started again below the process; that goes on by itself and is killed afterwards.
    Server,
}

/// How many further acknowledgements show that a process goes on after its server came back.
const RECOVERED: usize = 32;

/// Starts the process again and again.
#[derive(Debug)]
pub(crate) struct Killer {
    pub(crate) program: PathBuf,
    pub(crate) database: Target,
    pub(crate) synchronous: Setting,
    pub(crate) cast: Cast,
    pub(crate) shim: Option<Shim>,
    /// The server below the process, if it has one.
    pub(crate) server: Option<Server>,
}

struct Running {
    child: Child,
    lines: Receiver<std::io::Result<String>>,
}

impl Killer {
    /// Runs the process on the numbers and kills it once `enough` writes are acknowledged, at a moment of its own.
    pub(crate) fn round(
        &self,
        numbers: &[usize],
        mut enough: usize,
        victim: Victim,
        random: &mut Random,
        acknowledged: &mut Acknowledged,
    ) -> Result<Ended> {
        let running = self.start(numbers)?;
        let mut doomed = self.server.as_ref().filter(|_| victim == Victim::Server);
        // Some are killed while they open the file, or recover it.
        if enough > 0 && doomed.is_none() && random.below(12) == 0 {
            thread::sleep(Duration::from_micros(random.below(60_000) as u64));
            return kill(running, acknowledged);
        }
        loop {
            match running.lines.recv_timeout(SILENCE) {
                Ok(line) => acknowledged.note(&line?)?,
                Err(RecvTimeoutError::Disconnected) => {
                    let ended = finish(running)?;
                    let was_killed = victim == Victim::Server && self.server.is_some() && doomed.is_none();
                    return Ok(if was_killed { Ended::Killed } else { ended });
                }
                Err(RecvTimeoutError::Timeout) => {
                    kill(running, acknowledged)?;
                    return Err(Failure::new("the process hangs"));
                }
            }
            if enough > 0 && acknowledged.count() >= enough {
                thread::sleep(Duration::from_micros(random.below(3_000) as u64));
                let Some(server) = doomed.take() else { return kill(running, acknowledged) };
                server.kill()?;
                server.up()?;
                // What the pipe holds was said before the kill, or after the server came back.
                enough = acknowledged.count() + 2 * WRITERS + RECOVERED;
            }
        }
    }

    fn start(&self, numbers: &[usize]) -> Result<Running> {
        let mut command = Command::new(&self.program);
        command
            .arg("crash-child")
            .arg("--database")
            .arg(self.database.to_string())
            .args(["--synchronous", self.synchronous.as_str()])
            .args(["--tenant", &self.cast.tenant.to_string()])
            .args(["--customer", &self.cast.customer.to_string()])
            .args(["--writers", &WRITERS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(shim) = &self.shim {
            shim.below(&mut command);
        }
        let mut child = command.spawn().map_err(|error| Failure::in_file(&self.program, None, error))?;
        let lines: Vec<String> = numbers.iter().map(usize::to_string).collect();
        let told = lines.join("\n");
        let stdin = child.stdin.take();
        // A process that died early closed its end; that shows below.
        thread::spawn(move || stdin.map(|mut pipe| pipe.write_all(told.as_bytes())));
        let stdout = child.stdout.take().ok_or_else(|| Failure::new("the process has no output"))?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Running { child, lines })
    }
}

/// Kills at once (SIGKILL). What it had said before counts.
fn kill(mut running: Running, acknowledged: &mut Acknowledged) -> Result<Ended> {
    running.child.kill()?;
    running.child.wait()?;
    for line in running.lines {
        acknowledged.note(&line?)?;
    }
    Ok(Ended::Killed)
}

fn finish(mut running: Running) -> Result<Ended> {
    let status = running.child.wait()?;
    if status.success() {
        Ok(Ended::Finished)
    } else {
        Err(Failure::new(format!("the process failed: {status}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_are_noted_and_another_answer_is_counted() {
        let mut noted = Acknowledged::default();
        let id = "01900000-0000-7000-8000-000000000001";
        let other = "01900000-0000-7000-8000-000000000002";
        noted.note("R").unwrap();
        noted.note(&format!("T 4 {id} 9")).unwrap();
        noted.note(&format!("T 4 {id} 9")).unwrap();
        noted.note(&format!("M 4 {id}")).unwrap();
        assert_eq!((noted.count(), noted.changed), (2, 0));
        noted.note(&format!("M 4 {other}")).unwrap();
        assert_eq!((noted.count(), noted.changed), (2, 1));
        assert!(noted.note("T 4").is_err());
    }
}
