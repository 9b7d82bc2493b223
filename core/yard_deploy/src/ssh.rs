//! A server on another machine by the system's OpenSSH client: copies the server's program there, starts it on the
//! other machine's loopback, and reaches it through a tunnel, so that no port of it is open to the network.
//!
//! Keys, known hosts and jump hosts are those of the user's own `ssh` configuration; nothing is asked for
//! (`BatchMode`), and a host whose key is not known is refused as `ssh` refuses it.

use crate::{
    client::{ServerClient, Tokens},
    error::DeployError,
};
use sha2::{Digest as _, Sha256};
use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use yard_types::serving::ServerFile;

/// How long the other machine has to start the server, and the tunnel to open.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two looks.
const POLL: Duration = Duration::from_millis(50);

/// A place on another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshTarget {
    /// `HOST` or `USER@HOST`, as for `ssh`.
    pub destination: String,
    /// Port of sshd; `None` is what the user's configuration says.
    pub port: Option<u16>,
    /// Configuration file instead of the user's own.
    pub config: Option<PathBuf>,
    /// Folder there, for program and store; relative to the home folder.
    pub folder: String,
}

/// An open tunnel; it closes when this is dropped.
#[derive(Debug)]
pub struct Tunnel {
    ssh: Child,
    /// Its end on this machine.
    pub port: u16,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.ssh.kill();
        let _ = self.ssh.wait();
    }
}

impl SshTarget {
    /// Checks that neither destination nor folder can be taken for something else by `ssh` or a shell.
    pub fn check(&self) -> Result<(), DeployError> {
        let plain = |text: &str, more: &str| {
            let letters = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            !text.is_empty() && text.len() <= 255 && !text.starts_with('-') && text.chars().all(letters)
        };
        if !plain(&self.destination, "._-@:[]%") {
            return Err(self.failed("the destination holds other characters than those of USER@HOST"));
        }
        if !plain(&self.folder, "._-/") {
            return Err(self.failed("the folder holds other characters than letters, digits, . _ - and /"));
        }
        Ok(())
    }

    /// Copies the program unless the same bytes are there; returns whether it was copied.
    pub fn install(&self, program: &[u8]) -> Result<bool, DeployError> {
        self.check()?;
        let wanted = yard_types::ids::Sha256(Sha256::digest(program).into()).to_hex();
        let (folder, sum) = (&self.folder, "sha256sum yard-serve 2>/dev/null | cut -d' ' -f1");
        let there = self.run(&format!("umask 077; mkdir -p {folder} && cd {folder} && {sum}"), &[])?;
        if there.trim() == wanted {
            return Ok(false);
        }
        // The new file takes the old one's place at once, also while the old one runs.
        let put = "cat > yard-serve.new && chmod 700 yard-serve.new && mv yard-serve.new yard-serve";
        let there = self.run(&format!("umask 077; cd {folder} && {put} && {sum}"), program)?;
        if there.trim() == wanted {
            return Ok(true);
        }
        Err(self.failed(&format!("the copy has SHA-256 {}, expected {wanted}", there.trim())))
    }

    /// Finds the running server, or starts it, and returns what it says of itself.
    pub fn start(&self) -> Result<ServerFile, DeployError> {
        self.check()?;
        let folder = &self.folder;
        let show = "p=$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' store/server.json 2>/dev/null); \
             [ -n \"$p\" ] && kill -0 \"$p\" 2>/dev/null && cat store/server.json; true";
        let find = || self.run(&format!("cd {folder} && {{ {show}; }}"), &[]);
        let found = find()?;
        if !found.trim().is_empty() {
            return self.read_file(&found);
        }
        let start = "rm -f store/server.json; nohup ./yard-serve --store store --listen 127.0.0.1:0 \
             >> server.log 2>&1 < /dev/null &";
        self.run(&format!("umask 077; cd {folder} && {{ {start} }}"), &[])?;
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let found = find()?;
            if !found.trim().is_empty() {
                return self.read_file(&found);
            }
            std::thread::sleep(POLL);
        }
        let log = self.run(&format!("tail -n 5 {folder}/server.log"), &[])?;
        Err(self.failed(&format!("the server did not start; its last messages: {}", log.trim())))
    }

    /// Opens a tunnel to the server and returns a client that goes through it, with the server's own tokens.
    pub fn connect(&self, file: &ServerFile) -> Result<(ServerClient, Tunnel), DeployError> {
        let remote: u16 = file
            .url
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .ok_or_else(|| self.failed(&format!("the server's URL \"{}\" has no port", file.url)))?;
        let folder = &self.folder;
        let tokens = self
            .run(&format!("cd {folder}/store/tokens && cat infer.token observe.token manage.token"), &[])?;
        let mut lines = tokens.lines().map(str::to_owned);
        let (Some(infer), Some(observe), Some(manage)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(self.failed("the tokens there can't be read"));
        };
        let tunnel = self.tunnel(remote)?;
        let url = format!("http://127.0.0.1:{}", tunnel.port);
        let client = ServerClient::new(&url, Tokens { infer, observe, manage })?;
        client.check()?;
        Ok((client, tunnel))
    }

    fn tunnel(&self, remote: u16) -> Result<Tunnel, DeployError> {
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr();
        let port = free().map_err(|error| self.failed(&error.to_string()))?.port();
        let mut command = self.ssh();
        command.args(["-N", "-o", "ExitOnForwardFailure=yes", "-L"]);
        command.arg(format!("127.0.0.1:{port}:127.0.0.1:{remote}")).arg("--").arg(&self.destination);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let ssh = command.spawn().map_err(|error| self.failed(&error.to_string()))?;
        let mut tunnel = Tunnel { ssh, port };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Ok(Some(status)) = tunnel.ssh.try_wait() {
                return Err(self.failed(&format!("the tunnel did not open: ssh ended with {status}")));
            }
            if began.elapsed() > PATIENCE {
                return Err(self.failed("the tunnel did not open in time"));
            }
            std::thread::sleep(POLL);
        }
        Ok(tunnel)
    }

    fn ssh(&self) -> Command {
        let mut command = Command::new("ssh");
        command.args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]);
        if let Some(port) = self.port {
            command.arg("-p").arg(port.to_string());
        }
        if let Some(config) = &self.config {
            command.arg("-F").arg(config);
        }
        command
    }

    /// Runs a command of the other machine's shell with this input; returns its output.
    fn run(&self, script: &str, input: &[u8]) -> Result<String, DeployError> {
        let mut command = self.ssh();
        command.arg("--").arg(&self.destination).arg(script);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |error: std::io::Error| self.failed(&format!("ssh: {error}"));
        let mut child = command.spawn().map_err(failed)?;
        let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input));
        let (mut output, mut errors) = (String::new(), String::new());
        if let Some(mut stdout) = child.stdout.take() {
            stdout.read_to_string(&mut output).map_err(failed)?;
        }
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut errors).map_err(failed)?;
        }
        let status = child.wait().map_err(failed)?;
        if !status.success() {
            let last = errors.lines().last().unwrap_or_default();
            return Err(self.failed(&format!("ssh ended with {status}: {last}")));
        }
        written.map_err(failed)?;
        Ok(output)
    }

    fn read_file(&self, text: &str) -> Result<ServerFile, DeployError> {
        serde_json::from_str(text).map_err(|error| self.failed(&format!("server.json there: {error}")))
    }

    fn failed(&self, reason: &str) -> DeployError {
        DeployError::Unreachable { url: format!("ssh://{}", self.destination), reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_shell_would_take_for_more_is_refused() {
        let target = |destination: &str, folder: &str| SshTarget {
            destination: destination.to_owned(),
            port: None,
            config: None,
            folder: folder.to_owned(),
        };
        target("ml@host.example", "modelyard/server").check().unwrap();
        for (destination, folder) in [
            ("-oProxyCommand=x", "a"),
            ("host;rm", "a"),
            ("ho st", "a"),
            ("", "a"),
            ("host", "a b"),
            ("host", "$(x)"),
            ("host", "-a"),
            ("host", "a'b"),
            ("host", ""),
        ] {
            assert!(target(destination, folder).check().is_err(), "{destination:?} {folder:?}");
        }
    }
}
