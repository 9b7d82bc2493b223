//! A server on "another machine" by ssh: an sshd of the test's own on loopback, with keys made for it. Without
//! sshd on this machine there is nothing to reach, which the test says.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[allow(dead_code, reason = "shared with the server's own tests")]
#[path = "../../yard_serve/tests/serving/fixture.rs"]
mod fixture;

use fixture::{churn, package, requests};
use serde_json::json;
use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use yard_deploy::ssh::SshTarget;
use yard_types::serving::RouteRequest;

struct Sshd(Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn key(path: &Path) {
    let done = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(done.unwrap().success());
}

/// Starts sshd and writes a configuration for `ssh` that reaches it.
fn sshd(folder: &Path) -> Option<(Sshd, PathBuf)> {
    let program = Path::new("/usr/sbin/sshd");
    if !program.exists() {
        return None;
    }
    let (host, user) = (folder.join("host"), folder.join("user"));
    key(&host);
    key(&user);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = |path: &Path| path.display().to_string();
    std::fs::copy(folder.join("user.pub"), folder.join("allowed")).unwrap();
    let settings = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\n",
        at(&host),
        at(&folder.join("allowed"))
    );
    std::fs::write(folder.join("sshd_config"), settings).unwrap();
    // sshd wants this folder for its unprivileged half; without the right to make it, it says so itself.
    let _ = std::fs::create_dir_all("/run/sshd");
    let child = Command::new(program)
        .args(["-D", "-e", "-f"])
        .arg(folder.join("sshd_config"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let sshd = Sshd(child);
    let public = std::fs::read_to_string(folder.join("host.pub")).unwrap();
    std::fs::write(folder.join("known"), format!("[127.0.0.1]:{port} {public}")).unwrap();
    let config = format!(
        "Host there\nHostName 127.0.0.1\nPort {port}\nIdentityFile {}\nIdentitiesOnly yes\nUserKnownHostsFile {}\n\
         StrictHostKeyChecking yes\n",
        at(&user),
        at(&folder.join("known"))
    );
    std::fs::write(folder.join("ssh_config"), config).unwrap();
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some((sshd, folder.join("ssh_config")));
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("sshd does not listen");
}

/// The server's program, which lies beside the tests' own.
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().unwrap();
    Some(own.parent()?.parent()?.join("yard-serve")).filter(|path| path.exists())
}

#[test]
fn copies_starts_deploys_and_goes_back_over_ssh() {
    let folder = tempfile::tempdir().unwrap();
    let (Some((_sshd, config)), Some(program)) = (sshd(folder.path()), program()) else {
        eprintln!("left out: it needs /usr/sbin/sshd and the program yard-serve beside the tests");
        return;
    };
    let there = folder.path().join("there");
    let target = SshTarget {
        destination: "there".to_owned(),
        port: None,
        config: Some(config),
        folder: there.display().to_string(),
    };
    let bytes = std::fs::read(program).unwrap();
    assert!(target.install(&bytes).unwrap());
    assert!(!target.install(&bytes).unwrap(), "the same bytes are not copied again");
    let file = target.start().unwrap();
    assert_eq!(target.start().unwrap(), file, "a running server is found again");
    let (client, tunnel) = target.connect(&file).unwrap();
    let first = client.upload("churn", package(churn(1))).unwrap().version;
    client.route("churn", &RouteRequest { stable: Some(first), ..Default::default() }).unwrap();
    let second = client.upload("churn", package(churn(2))).unwrap().version;
    client.route("churn", &RouteRequest { stable: Some(second), ..Default::default() }).unwrap();
    let body = json!({"instances": requests(churn(1), 3, 1)});
    assert_eq!(client.predict("churn", &body).unwrap().version, second);
    client.roll_back("churn").unwrap();
    assert_eq!(client.predict("churn", &body).unwrap().version, first);
    assert_eq!(client.log("churn", 0, 100).unwrap().entries.len(), 2);
    client.shut_down().unwrap();
    drop(tunnel);
    let again = target.start().unwrap();
    assert_ne!(again.pid, file.pid, "a server that has ended is started again");
    let (client, _tunnel) = target.connect(&again).unwrap();
    assert_eq!(client.predict("churn", &body).unwrap().version, first, "the store is the same");
    client.shut_down().unwrap();
}
