//! The worker's own side: reads the job, trains, writes lines.

use super::{
    exchange,
    protocol::{Probe, Reply, Request},
};
use crate::{
    TrainError,
    device::usable_devices,
    mlp::{NetObserver, NetResult, train_net},
};
use std::{
    cell::RefCell,
    io::{self, BufRead, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use yard_types::{event::Progress, run::TrainPoint};

/// Writes what this worker can use as one line of JSON.
pub fn write_probe(output: &mut impl Write) -> io::Result<()> {
    let (devices, reason) = usable_devices();
    write_line(output, &Probe { devices, reason })
}

/// Does one job: reads it from `input`, writes progress and the result to `output`. The job is stopped by
/// a cancel line or by the end of `input` (then the program is gone).
pub fn serve(mut input: impl BufRead + Send + 'static, output: impl Write) -> io::Result<()> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let checkpoint = Arc::new(AtomicBool::new(false));
    let (stop, keep) = (Arc::clone(&cancelled), Arc::clone(&checkpoint));
    std::thread::spawn(move || {
        for line in input.lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(Request::Cancel) => break,
                Ok(Request::Checkpoint) => keep.store(true, Ordering::Relaxed),
                _ => {}
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let writer = Writer { output: RefCell::new(output), cancelled, checkpoint, failed: RefCell::new(None) };
    let last = match work(&line, &writer) {
        Ok(result) => Reply::Done { result: Box::new(result) },
        Err(error) => Reply::of_error(&error),
    };
    writer.write(&last);
    writer.failed.into_inner().map_or(Ok(()), Err)
}

fn work<W: Write>(line: &str, writer: &Writer<W>) -> Result<NetResult, TrainError> {
    let bad = |reason: String| TrainError::Worker {
        reason,
        advice: "use a worker of the program's own version".to_owned(),
    };
    let request =
        serde_json::from_str(line).map_err(|error| bad(format!("the job can't be read: {error}")))?;
    let Request::Train { job, data, train, validation } = request else {
        return Err(TrainError::Cancelled);
    };
    let [train, validation] = exchange::read(&data, job.features, [train, validation])
        .map_err(|error| bad(format!("the exchange file: {error}")))?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(job.threads.max(1))
        .use_current_thread()
        .build()
        .map_err(|error| TrainError::part("worker", &error))?;
    // The pool counts this thread as its first, so that tensors never leave it.
    let result = train_net(&job, &train, &validation, writer);
    drop(pool);
    result
}

struct Writer<W> {
    output: RefCell<W>,
    cancelled: Arc<AtomicBool>,
    checkpoint: Arc<AtomicBool>,
    failed: RefCell<Option<io::Error>>,
}

impl<W: Write> Writer<W> {
    fn write(&self, reply: &Reply) {
        if let Err(error) = write_line(&mut *self.output.borrow_mut(), reply) {
            *self.failed.borrow_mut() = Some(error);
        }
    }
}

impl<W: Write> NetObserver for Writer<W> {
    fn progress(&self, progress: Progress) {
        self.write(&Reply::Progress { progress });
    }

    fn point(&self, point: TrainPoint) {
        self.write(&Reply::Point { point });
    }

    fn cancelled(&self) -> bool {
        // A pipe that nobody reads means that the program is gone.
        self.cancelled.load(Ordering::Relaxed) || self.failed.borrow().is_some()
    }

    fn checkpoint_due(&self) -> bool {
        self.checkpoint.swap(false, Ordering::Relaxed)
    }

    fn warning(&self, message: &str) {
        self.write(&Reply::Warning { message: message.to_owned() });
    }
}

fn write_line(output: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    let line = serde_json::to_string(value).map_err(io::Error::other)?;
    writeln!(output, "{line}")?;
    output.flush()
}
