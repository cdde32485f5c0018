//! A PostgreSQL server of the run's own, which is killed with everything that it started.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::{Failure, Result};

/// Where the script lies that starts services, unless one is named.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/services");

/// A server that is stopped, and whose data is removed, with its last handle.
#[derive(Debug)]
pub(crate) struct Server {
    script: PathBuf,
    folder: PathBuf,
}

impl Server {
    /// Starts a server whose data lies below the folder.
    pub(crate) fn start(script: Option<&Path>, folder: &Path) -> Result<Self> {
        let script = script.map_or_else(|| PathBuf::from(SCRIPT), Path::to_owned);
        // The server does not run as root, and has to come through to its own folder.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
        let server = Self { script, folder: folder.join("services") };
        server.up()?;
        Ok(server)
    }

    /// Starts the server again after a kill, on the port that it had, and waits until it answers.
    pub(crate) fn up(&self) -> Result<()> {
        self.call(&["up", "postgres"]).map(drop)
    }

    /// Returns the URL of the server.
    pub(crate) fn url(&self) -> Result<String> {
        Ok(self.call(&["url", "postgres"])?.trim().to_owned())
    }

    /// Kills the server and every process that it started (SIGKILL): none of them writes anything any more.
    pub(crate) fn kill(&self) -> Result<()> {
        let state: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(self.folder.join("postgres.json"))?)?;
        let first = state.get("pid").and_then(serde_json::Value::as_u64);
        let first = first.ok_or_else(|| Failure::new("the server's process number is not known"))?;
        // The postmaster first, so that it starts no other; stopped or not, its children are found by their parent.
        let mut doomed = vec![first.to_string()];
        doomed.extend(children(first)?.into_iter().map(|child| child.to_string()));
        // A child may end between the look and the kill: then `kill` says so, and that is no failure.
        Command::new("kill").arg("-KILL").args(&doomed).output()?;
        if fs::read_to_string(format!("/proc/{first}/stat")).is_ok_and(|stat| is_alive(&stat)) {
            std::thread::sleep(std::time::Duration::from_millis(200));
            if fs::read_to_string(format!("/proc/{first}/stat")).is_ok_and(|stat| is_alive(&stat)) {
                return Err(Failure::new("the server outlived its kill"));
            }
        }
        Ok(())
    }

    fn call(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.script)
            .args(arguments)
            .env("AUTOCRM_SERVICES_DIR", &self.folder)
            .output()
            .map_err(|error| Failure::in_file(&self.script, None, error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::new(format!("{} failed: {}", self.script.display(), said.trim())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.call(&["down", "--wipe", "postgres"]) {
            eprintln!("the server was not stopped: {error}");
        }
    }
}

/// Returns the fields of a process after its name: its state and its parent first.
fn fields(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect()
}

fn is_alive(stat: &str) -> bool {
    !matches!(fields(stat).first(), Some(&("Z" | "X")))
}

/// Returns the numbers of the processes that a process has started.
fn children(parent: u64) -> Result<Vec<u64>> {
    let wanted = parent.to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end while it is looked at.
        let Ok(stat) = fs::read_to_string(format!("/proc/{number}/stat")) else { continue };
        if fields(&stat).get(1) == Some(&wanted.as_str()) {
            found.push(number);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_past_the_brackets_in_its_name() {
        let stat = "12 (postgres: a) b) S 7 12 12 0";
        assert_eq!(fields(stat).get(1), Some(&"7"));
        assert!(is_alive(stat) && !is_alive("12 (x) Z 7"));
    }
}
