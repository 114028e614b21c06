//! A throwaway PostgreSQL from locally installed binaries, for as long as a value lives.
//!
//! The server also ends when the process that started it is killed: a watcher inside of the server's
//! own shell waits for the end of a pipe that only this process holds.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use tempfile::TempDir;

use crate::port::free_port;

const SUPERUSER: &str = "wharf";
/// A first start writes and recovers a whole cluster; a busy two-core machine took 8 s.
const START_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// Another process may take the port between the choice and the start.
const PORT_TRIES: u32 = 3;
/// Room for many tests at once, each with a pool of its own.
const CONNECTIONS_MAX: u32 = 300;

/// Runs the server and ends it, without losing what it holds, when standard input ends.
/// `$$` stays the number of this shell, which `exec` turns into the server.
const SERVER_SCRIPT: &str =
    r#"exec 3<&0; (cat <&3 >/dev/null; kill -INT $$) & exec "$0" "$@" </dev/null 3<&-"#;

/// A running server on 127.0.0.1 and on a unix socket in its own folder.
pub struct Postgres {
    // Before `folder`, so that the server has ended when its files are removed.
    server: RunningServer,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Whether this machine has the binaries at all.
    pub fn is_installed() -> bool {
        binary_folder().is_ok()
    }

    /// Starts a server that does not wait for the disk: fast, and safe against all but power cuts.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(&["-c", "fsync=off"])
    }

    /// Starts a server with these arguments to `postgres`.
    pub fn start_with(arguments: &[&str]) -> anyhow::Result<Self> {
        let binaries = binary_folder()?;
        let account = Account::for_server()?;
        let folder = tempfile::Builder::new()
            .prefix("wharf-pg-")
            .tempdir()
            .context("could not create a folder for PostgreSQL")?;
        account.give(folder.path())?;
        let data = folder.path().join("data");
        initialise(&binaries, &account, &data)?;
        let mut last_error = None;
        for _ in 0..PORT_TRIES {
            let port = free_port()?;
            match start_server(&binaries, &account, folder.path(), port, arguments) {
                Ok(server) => {
                    return Ok(Self {
                        server,
                        folder,
                        port,
                    });
                }
                Err(error) => last_error = Some(error),
            }
        }
        Err(last_error.unwrap_or_else(|| anyhow::anyhow!("no port was tried")))
    }

    /// The URL of the maintenance database, with the right to create others.
    pub fn url(&self) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/postgres", self.port)
    }

    /// The folder of the unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's process, for tests that stop and continue it.
    pub fn process_id(&self) -> u32 {
        self.server.child.id()
    }

    /// Creates an empty database and returns its URL.
    pub fn create_database(&self, name: &str) -> anyhow::Result<String> {
        create_database(&self.url(), name)
    }
}

/// Creates an empty database on the server at `admin_url` and returns its URL.
pub fn create_database(admin_url: &str, name: &str) -> anyhow::Result<String> {
    run_sql(
        admin_url,
        &format!(r#"create database "{}""#, checked(name)?),
    )
    .with_context(|| format!("could not create database {name}"))?;
    with_database(admin_url, name)
}

/// Creates a copy of a database that nobody is connected to, and returns its URL.
pub fn create_database_from(admin_url: &str, name: &str, template: &str) -> anyhow::Result<String> {
    let sql = format!(
        r#"create database "{}" template "{}""#,
        checked(name)?,
        checked(template)?
    );
    run_sql(admin_url, &sql)
        .with_context(|| format!("could not create database {name} from {template}"))?;
    with_database(admin_url, name)
}

/// Drops a database together with the connections to it.
pub fn drop_database(admin_url: &str, name: &str) -> anyhow::Result<()> {
    run_sql(
        admin_url,
        &format!(
            r#"drop database if exists "{}" with (force)"#,
            checked(name)?
        ),
    )
    .with_context(|| format!("could not drop database {name}"))
}

/// A database name that no other test, process or run uses.
pub fn unique_name(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{prefix}_{}_{:08x}_{count}",
        std::process::id(),
        rand::random::<u32>()
    )
}

/// Runs SQL through `psql`, so that this crate needs no database driver.
pub fn run_sql(url: &str, sql: &str) -> anyhow::Result<()> {
    let psql = find_in_path("psql")
        .map_or_else(|| binary_folder().map(|folder| folder.join("psql")), Ok)
        .context("could not find psql")?;
    let mut command = Command::new(psql);
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]);
    run(&mut command).context("psql failed")
}

/// Names go into SQL as identifiers: lower case, digits and underscores only, as long as allowed.
fn checked(name: &str) -> anyhow::Result<&str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    anyhow::ensure!(
        (1..=63).contains(&name.len()) && name.chars().all(allowed),
        "'{name}' is no database name: use 1 to 63 of a-z, 0-9 and _"
    );
    Ok(name)
}

fn with_database(admin_url: &str, name: &str) -> anyhow::Result<String> {
    let (address, query) = match admin_url.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (admin_url, String::new()),
    };
    let (server, _) = address
        .rsplit_once('/')
        .filter(|(server, _)| server.contains("://") && !server.ends_with('/'))
        .context("a PostgreSQL URL must name a database: postgres://user@host:port/name")?;
    Ok(format!("{server}/{name}{query}"))
}

struct RunningServer {
    child: Child,
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // The end of this pipe is the signal to stop.
        drop(self.child.stdin.take());
        let deadline = Instant::now() + STOP_WITHIN;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        // It did not listen; nothing more can be done about a failure here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn initialise(binaries: &Path, account: &Account, data: &Path) -> anyhow::Result<()> {
    let mut command = account.command(&binaries.join("initdb"));
    command
        .args([
            "--username",
            SUPERUSER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
        ])
        .args(["--locale", "C", "--no-sync", "--pgdata"])
        .arg(data);
    run(&mut command).context("initdb failed")
}

fn start_server(
    binaries: &Path,
    account: &Account,
    folder: &Path,
    port: u16,
    arguments: &[&str],
) -> anyhow::Result<RunningServer> {
    let log_path = folder.join("server.log");
    let log = fs::File::create(&log_path).context("could not create the server's log")?;
    let mut command = account.command(Path::new("sh"));
    command
        .args(["-c", SERVER_SCRIPT])
        .arg(binaries.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
        .args(["-c", &format!("max_connections={CONNECTIONS_MAX}")])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log);
    let child = command.spawn().context("could not start postgres")?;
    let mut server = RunningServer { child };
    let url = format!("postgres://{SUPERUSER}@127.0.0.1:{port}/postgres");
    let deadline = Instant::now() + START_WITHIN;
    loop {
        let ended = server
            .child
            .try_wait()
            .context("could not look after postgres")?;
        if ended.is_none() && run_sql(&url, "select 1").is_ok() {
            return Ok(server);
        }
        if ended.is_some() || Instant::now() >= deadline {
            let log = fs::read_to_string(&log_path).unwrap_or_default();
            anyhow::bail!("postgres did not come up on port {port}; its log says:\n{log}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Who runs the server: PostgreSQL refuses to run as root.
enum Account {
    Myself,
    Other {
        setpriv: PathBuf,
        uid: u32,
        gid: u32,
    },
}

impl Account {
    fn for_server() -> anyhow::Result<Self> {
        if id_of(&["-u"])? != 0 {
            return Ok(Self::Myself);
        }
        let uid = id_of(&["-u", "postgres"]).context(
            "PostgreSQL does not run as root, and there is no user 'postgres' to run it as",
        )?;
        let gid = id_of(&["-g", "postgres"])?;
        let setpriv = find_in_path("setpriv").context(
            "PostgreSQL does not run as root, and setpriv (util-linux) is not installed",
        )?;
        Ok(Self::Other { setpriv, uid, gid })
    }

    /// Makes the folder the server's own.
    fn give(&self, folder: &Path) -> anyhow::Result<()> {
        let Self::Other { uid, gid, .. } = self else {
            return Ok(());
        };
        std::os::unix::fs::chown(folder, Some(*uid), Some(*gid))
            .with_context(|| format!("could not give {} to user postgres", folder.display()))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = match self {
            Self::Myself => Command::new(program),
            Self::Other { setpriv, uid, gid } => {
                let mut command = Command::new(setpriv);
                command
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"))
                    .args(["--clear-groups", "--"])
                    .arg(program);
                command
            }
        };
        // The caller's folder may be closed to that account.
        command.current_dir("/").env("LC_ALL", "C");
        command
    }
}

fn id_of(arguments: &[&str]) -> anyhow::Result<u32> {
    let output = Command::new("id")
        .args(arguments)
        .output()
        .context("could not run id")?;
    anyhow::ensure!(
        output.status.success(),
        "id {} failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .context("id printed no number")
}

/// The newest installation under Debian's folder, else the one in the search path.
fn binary_folder() -> anyhow::Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
    {
        let folder = entry.path().join("bin");
        let version = entry.file_name().to_string_lossy().parse::<u32>();
        if let (Ok(version), true) = (version, folder.join("initdb").is_file()) {
            found.push((version, folder));
        }
    }
    if let Some((_, folder)) = found.into_iter().max() {
        return Ok(folder);
    }
    find_in_path("initdb").and_then(|initdb| Some(initdb.parent()?.to_owned())).context(
        "found no initdb in PATH or /usr/lib/postgresql: install PostgreSQL (Debian package 'postgresql')",
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "PATH is the machine's, not Wharf's configuration"
)]
fn find_in_path(program: &str) -> Option<PathBuf> {
    let path: OsString = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not run {}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    let mut said = output.stdout;
    // Writing into memory does not fail.
    let _ = said.write_all(&output.stderr);
    anyhow::bail!(
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&said).trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_takes_the_place_of_the_one_in_the_url() {
        let url = with_database(
            "postgres://wharf@127.0.0.1:5432/postgres?sslmode=disable",
            "t_1",
        );
        assert_eq!(
            url.unwrap(),
            "postgres://wharf@127.0.0.1:5432/t_1?sslmode=disable"
        );
        assert!(with_database("postgres://", "t_1").is_err());
        assert!(with_database("postgres://host", "t_1").is_err());
    }

    #[test]
    fn names_that_could_leave_their_quotes_are_refused() {
        for name in ["", "Tenant", "a\"b", "a b", &"x".repeat(64)] {
            assert!(checked(name).is_err(), "{name:?}");
        }
        assert!(checked(&unique_name("store")).is_ok());
    }

    #[test]
    fn a_server_starts_takes_databases_and_ends_with_its_value() {
        if !Postgres::is_installed() {
            // `cargo xtask test` says this loudly, and fails on it in CI.
            eprintln!("skipped: PostgreSQL is not installed");
            return;
        }
        let server = Postgres::start().unwrap();
        let url = server.create_database("first").unwrap();
        run_sql(&url, "create table t (a int); insert into t values (7)").unwrap();
        let copy = create_database_from(&server.url(), "second", "first").unwrap();
        run_sql(&copy, "do $$ begin assert (select a from t) = 7; end $$").unwrap();
        assert!(run_sql(&copy, "do $$ begin assert (select a from t) = 8; end $$").is_err());
        drop_database(&server.url(), "second").unwrap();
        assert!(run_sql(&copy, "select 1").is_err());
        let folder = server.socket_folder().to_owned();
        drop(server);
        assert!(!folder.exists());
        assert!(run_sql(&url, "select 1").is_err());
    }
}
