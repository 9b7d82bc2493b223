//! The program's side: starts the worker, follows its lines, stops it, and turns its end into an error
//! that says what to do.

use super::{
    exchange::{self, Exchange},
    protocol::{Probe, Reply, Request},
};
use crate::{
    TrainError,
    mlp::{NetJob, NetObserver, NetResult, NetRows, means_out_of_memory},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread::JoinHandle,
    time::Duration,
};

/// How often the observer is asked whether to stop.
const TICK: Duration = Duration::from_millis(50);
/// Ticks that a worker has for its answer to a probe, and for ending after it was told to stop.
const PROBE_TICKS: u32 = 400;
const STOP_TICKS: u32 = 100;
/// Kept of a worker's error output.
const ERROR_BYTES: usize = 16 << 10;

/// Asks a worker what it can use.
pub fn probe(path: &Path) -> Result<Probe, TrainError> {
    let mut worker = Worker::start(path, &["--probe"])?;
    worker.input = None;
    let mut quiet = 0;
    loop {
        match worker.lines.recv_timeout(TICK) {
            Ok(line) => {
                if let Ok(probe) = serde_json::from_str(&line) {
                    return Ok(probe);
                }
            }
            Err(RecvTimeoutError::Timeout) if quiet < PROBE_TICKS => quiet += 1,
            Err(RecvTimeoutError::Timeout) => {
                worker.kill();
                return Err(failed("no answer to --probe in 20 seconds", "replace the worker"));
            }
            Err(RecvTimeoutError::Disconnected) => return Err(worker.ended()),
        }
    }
}

/// Trains a net in a worker. `rows` are training and validation rows; the exchange file lies in
/// `folder`, or in the system's temporary folder.
pub fn run(
    path: &Path,
    job: &NetJob,
    rows: (&NetRows, &NetRows),
    observer: &dyn NetObserver,
    folder: Option<&Path>,
) -> Result<NetResult, TrainError> {
    let temporary = std::env::temp_dir();
    let exchange = Exchange::write(folder.unwrap_or(&temporary), rows.0, rows.1)
        .map_err(|error| failed(&format!("the exchange file: {error}"), "free space for temporary files"))?;
    let mut worker = Worker::start(path, &[])?;
    worker.send(&Request::Train {
        job: Box::new(job.clone()),
        data: exchange.path.clone(),
        train: exchange::shape(rows.0),
        validation: exchange::shape(rows.1),
    })?;
    worker.follow(observer)
}

struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

impl Worker {
    fn start(path: &Path, arguments: &[&str]) -> Result<Self, TrainError> {
        let mut child = Command::new(path)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                failed(&format!("{} can't be started: {error}", path.display()), "replace the worker")
            })?;
        let (sender, lines) = sync_channel(256);
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let errors = child.stderr.take().map(|output| std::thread::spawn(move || last_bytes(output)));
        Ok(Self { input: child.stdin.take(), child, lines, errors })
    }

    fn send(&mut self, request: &Request) -> Result<(), TrainError> {
        let line = serde_json::to_string(request).map_err(|error| TrainError::part("worker", &error))?;
        let sent = match &mut self.input {
            Some(input) => writeln!(input, "{line}").and_then(|()| input.flush()),
            None => Ok(()),
        };
        sent.map_err(|_| self.ended())
    }

    fn follow(&mut self, observer: &dyn NetObserver) -> Result<NetResult, TrainError> {
        let mut stopping: Option<u32> = None;
        loop {
            if stopping.is_none() && observer.cancelled() {
                stopping = Some(0);
                self.send(&Request::Cancel)?;
            }
            if observer.checkpoint_due() {
                self.send(&Request::Checkpoint)?;
            }
            match self.lines.recv_timeout(TICK) {
                Ok(line) => match serde_json::from_str(&line) {
                    Ok(Reply::Progress { progress }) => observer.progress(progress),
                    Ok(Reply::Point { point }) => observer.point(point),
                    Ok(Reply::Warning { message }) => observer.warning(&message),
                    Ok(Reply::Done { result }) => return Ok(*result),
                    Ok(Reply::Cancelled) => return Err(TrainError::Cancelled),
                    Ok(Reply::Failed { reason, advice }) => return Err(failed(&reason, &advice)),
                    // A library's own output between the lines.
                    Err(_) => {}
                },
                Err(RecvTimeoutError::Disconnected) if stopping.is_some() => {
                    return Err(TrainError::Cancelled);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(ticks) = &mut stopping {
                *ticks += 1;
                if *ticks > STOP_TICKS {
                    self.kill();
                    return Err(TrainError::Cancelled);
                }
            }
        }
    }

    /// Makes the error of a worker that ended without its last line.
    fn ended(&mut self) -> TrainError {
        let status = self.child.wait().ok();
        let errors = self.errors.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
        let reason = match status {
            Some(status) if last.is_empty() => format!("it ended early ({status})"),
            Some(status) => format!("it ended early ({status}): {last}"),
            None => "it ended early".to_owned(),
        };
        if means_out_of_memory(&errors) || status.is_some_and(killed) {
            return failed(
                &format!("{reason}; it is likely out of memory"),
                "lower batch or layers, free memory, or use --device cpu",
            );
        }
        failed(&reason, "use --device cpu, or replace the worker")
    }

    fn kill(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.input = None;
        self.kill();
    }
}

/// Returns whether the system killed a process (signal 9, as on exhausted memory).
fn killed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
    }
    #[cfg(not(unix))]
    {
        status.code() == Some(137)
    }
}

fn last_bytes(mut output: impl Read) -> String {
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = output.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(ERROR_BYTES);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

fn failed(reason: &str, advice: &str) -> TrainError {
    TrainError::Worker { reason: reason.to_owned(), advice: advice.to_owned() }
}
