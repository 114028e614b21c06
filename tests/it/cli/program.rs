//! One installation of the program: its folder, its files, its runs.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::environment;

/// 32 bytes in hex: a key that protects nothing here.
pub(super) const RING_KEY: &str =
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";

pub(super) struct Program {
    binary: PathBuf,
    plugins: String,
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Program {
    /// `None`, loudly, when the program or the plugins are not there.
    pub(super) fn new() -> Option<Self> {
        let program = Self {
            binary: PathBuf::from(environment("WHARF_BIN")?),
            plugins: environment("WHARF_PLUGINS_DIST")?,
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(program.path("tenants")).unwrap();
        Some(program)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(super) fn sqlite_url(&self) -> String {
        format!("sqlite:{}", self.path("wharf.db").display())
    }

    /// A main file that is right, and more of it.
    pub(super) fn main_file(&self, database: &str, more: &str) {
        let text = format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"{database}\"\n[plugins]\ndir = \"{}\"\n\
             [secrets]\nactive = \"k1\"\nkeys = {{ k1 = \"{RING_KEY}\" }}\n[log]\nformat = \"json\"\n{more}\n",
            self.plugins
        );
        self.write("wharf.toml", &text);
    }

    /// The one tenant, `acme`.
    pub(super) fn tenant_file(&self, more: &str) {
        self.write(
            "tenants/acme.toml",
            &format!("id = \"acme\"\nname = \"Acme\"\n{more}\n"),
        );
    }

    /// Files that are right, with a channel of the sandbox; an empty URL is SQLite in this folder.
    pub(super) fn sandbox(&self, database: &str) {
        match database {
            "" => self.main_file(&self.sqlite_url(), ""),
            url => self.main_file(url, ""),
        }
        self.tenant_file(
            "[channels.play]\nplugin = \"sandbox\"\nsettings = { sender = \"play\" }\nsecrets = { sandbox_key = \"k\" }\n",
        );
    }

    /// A run of it in the making. The tests' own variables look like configuration and stay outside.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        let config = self.path("wharf.toml");
        command
            .args(arguments)
            .env_clear()
            .current_dir(self.folder.path());
        if config.exists() {
            command.arg("--config").arg(config);
        }
        command
    }

    /// As [`Self::command`], with no file at all and the plugins that ship.
    pub(super) fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .env_clear()
            .env("WHARF_PLUGINS__DIR", &self.plugins)
            .current_dir(self.folder.path());
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Output {
            code: output.status.code().expect("it was not killed"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// `wharf dev` in the making, with what stands in a folder beside the files that it makes itself.
    pub(super) fn dev(&self, port: u16, more: &str) -> Command {
        let mut command = self.command(&["dev", "--plugins", &self.plugins]);
        command
            .args(["--listen", &format!("127.0.0.1:{port}"), "--with"])
            .arg(self.path(more));
        command
    }

    /// Starts the gateway and waits until it says where it listens.
    pub(super) fn serve(&self) -> Serving {
        Serving::start(self.command(&["serve"]))
    }
}

/// A gateway as a process.
pub(super) struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("it ended before it served: {}", said.join("\n"));
            };
            let parsed: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = parsed["fields"]["http.listen"].as_str() {
                break address.to_owned();
            }
            said.push(line);
        };
        // What it goes on to say must not fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, address }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What GET of this path answers to this key.
    pub(super) async fn status(&self, path: &str, key: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("no HTTP answer: {answer}"))
    }

    /// Asks it to end, and returns its exit code.
    pub(super) fn stop(mut self) -> i32 {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success());
        self.child
            .wait()
            .unwrap()
            .code()
            .expect("it ended by itself")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Already gone after `stop`; after a failed assertion nobody else ends it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
