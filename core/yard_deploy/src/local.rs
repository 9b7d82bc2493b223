//! The server on this machine: a process of its own that outlives the program, with its store in a
//! folder of the user.
//!
//! It is found again by `server.json` in the store: the address answers with the token of that store.
//! A process id alone proves nothing, because ids are used again.

use crate::{
    client::{ServerClient, Tokens, read_token},
    error::DeployError,
};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use yard_types::serving::ServerFile;

/// Longest wait for a started server.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Wait for the server of another process on the same store.
const GIVE_WAY: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

/// A server of this machine: where its store is and which program serves.
#[derive(Clone, Debug)]
pub struct LocalServer {
    /// Folder with `server.json`, the packages and the log.
    pub store: PathBuf,
    /// Executable that is started with `serve --store FOLDER --grpc ADDRESS`.
    pub program: PathBuf,
}

/// A running server.
#[derive(Clone, Debug)]
pub struct Running {
    /// What it wrote about itself.
    pub file: ServerFile,
    /// Connection.
    pub client: ServerClient,
    /// Whether it was started just now.
    pub started: bool,
}

impl LocalServer {
    /// Finds the running server; `None` when there is none.
    pub fn find(&self) -> Option<Running> {
        let text = std::fs::read_to_string(self.store.join("server.json")).ok()?;
        let file: ServerFile = serde_json::from_str(&text).ok()?;
        let client = self.client(&file).ok()?;
        client.check().ok()?;
        Some(Running { file, client, started: false })
    }

    /// Finds the running server or starts one and waits until it answers.
    pub fn ensure(&self) -> Result<Running, DeployError> {
        if let Some(running) = self.find() {
            return Ok(running);
        }
        let log = self.log_path();
        let io = |act, path: &Path| {
            let path = path.to_owned();
            move |source| DeployError::Io { act, path, source }
        };
        std::fs::create_dir_all(&self.store).map_err(io("make", &self.store))?;
        let output = OpenOptions::new().create(true).append(true).open(&log).map_err(io("open", &log))?;
        let mut child = self.spawn(output).map_err(|source| DeployError::Start {
            reason: format!("\"{}\" did not start ({source})", self.program.display()),
            log: log.clone(),
        })?;
        self.wait_until_ready(&mut child, &log)
    }

    /// Stops the running server and waits until it is gone; false when there was none.
    pub fn shut_down(&self) -> Result<bool, DeployError> {
        let Some(running) = self.find() else { return Ok(false) };
        running.client.shut_down()?;
        for _ in 0..600 {
            if self.find().is_none() {
                return Ok(true);
            }
            std::thread::sleep(POLL);
        }
        Err(DeployError::Start { reason: "it does not end".to_owned(), log: self.log_path() })
    }

    fn find_within(&self, most: Duration) -> Option<Running> {
        for _ in 0..most.as_millis() / POLL.as_millis() {
            if let Some(running) = self.find() {
                return Some(running);
            }
            std::thread::sleep(POLL);
        }
        None
    }

    /// Returns where the server's messages go.
    pub fn log_path(&self) -> PathBuf {
        self.store.join("server.log")
    }

    fn client(&self, file: &ServerFile) -> Result<ServerClient, DeployError> {
        let token = |name: &str| {
            let path = Path::new(name);
            read_token(&if path.is_absolute() { path.to_owned() } else { self.store.join(path) })
        };
        let tokens = Tokens {
            infer: token(&file.tokens.infer)?,
            observe: token(&file.tokens.observe)?,
            manage: token(&file.tokens.manage)?,
        };
        let pin = file.pin.as_ref().map_or_else(String::new, |pin| format!("#sha256={pin}"));
        ServerClient::new(&format!("{}{pin}", file.url), tokens)
    }

    fn spawn(&self, output: File) -> std::io::Result<Child> {
        let errors = output.try_clone()?;
        let mut command = Command::new(&self.program);
        command
            .arg("serve")
            .arg("--store")
            .arg(&self.store)
            .args(["--grpc", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::from(output))
            .stderr(Stdio::from(errors));
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // A process group of its own: Ctrl-C in our terminal is not meant for the server.
            command.process_group(0);
        }
        #[cfg(windows)]
        {
            use std::os::windows::process::CommandExt as _;
            const DETACHED_PROCESS: u32 = 0x8;
            const NEW_GROUP: u32 = 0x200;
            command.creation_flags(DETACHED_PROCESS | NEW_GROUP);
        }
        command.spawn()
    }

    fn wait_until_ready(&self, child: &mut Child, log: &Path) -> Result<Running, DeployError> {
        let rounds = START_TIMEOUT.as_millis() / POLL.as_millis();
        for _ in 0..rounds {
            if let Some(running) = self.find() {
                return Ok(Running { started: true, ..running });
            }
            if let Ok(Some(status)) = child.try_wait() {
                // Another process may be starting a server on this store: then ours gives way to it.
                if let Some(running) = self.find_within(GIVE_WAY) {
                    return Ok(running);
                }
                let reason = format!("it ended at once ({status}): {}", last_lines(log));
                return Err(DeployError::Start { reason, log: log.to_owned() });
            }
            std::thread::sleep(POLL);
        }
        let _ = child.kill();
        let _ = child.wait();
        let reason = format!("it did not answer within {} s: {}", START_TIMEOUT.as_secs(), last_lines(log));
        Err(DeployError::Start { reason, log: log.to_owned() })
    }
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut lines: Vec<&str> = text.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    lines.reverse();
    if lines.is_empty() { "it wrote nothing".to_owned() } else { lines.join(" | ") }
}
