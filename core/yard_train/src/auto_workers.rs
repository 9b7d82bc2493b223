//! Independent pieces of work side by side, each with its share of the threads; answers are taken in the
//! order of the work, whoever ends first. Knows nothing of training.

use crate::{TrainError, train::in_pool};
use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
};

/// Does `count` pieces of work, at most `parallel` at once, each in a pool of its share of `threads`.
/// `work` gets the number of the piece and the threads it may use; `take` gets the answers in order.
pub(crate) fn each<T: Send>(
    (threads, parallel): (usize, usize),
    count: usize,
    work: impl Fn(usize, usize) -> T + Sync,
    mut take: impl FnMut(T),
) -> Result<(), TrainError> {
    let parallel = parallel.clamp(1, threads.max(1)).min(count.max(1));
    let share = (threads / parallel).max(1);
    let next = AtomicUsize::new(0);
    let (send, receive) = sync_channel(count.max(1));
    let (next, work) = (&next, &work);
    thread::scope(|scope| {
        let mut handles = Vec::with_capacity(parallel);
        for _ in 0..parallel {
            let send = send.clone();
            let in_turn = move || loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                // Nobody waits for an answer any more only when another worker has panicked.
                if at >= count || send.send((at, work(at, share))).is_err() {
                    return Ok(());
                }
            };
            handles.push(scope.spawn(move || in_pool(share, in_turn)));
        }
        drop(send);
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (at, answer) in receive {
            waiting.insert(at, answer);
            while let Some(answer) = waiting.remove(&due) {
                take(answer);
                due += 1;
            }
        }
        for handle in handles {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn answers_come_in_order_and_threads_are_shared() {
        for (threads, parallel) in [(1, 1), (2, 2), (4, 2), (2, 9)] {
            let mut seen = Vec::new();
            let wait = |at: usize| thread::sleep(std::time::Duration::from_millis((7 - at as u64) % 3));
            let work = |at: usize, share: usize| {
                wait(at);
                (at, share, rayon::current_num_threads())
            };
            each((threads, parallel), 7, work, |answer| seen.push(answer)).unwrap();
            let share = (threads / parallel.min(threads)).max(1);
            assert_eq!(seen, (0..7).map(|at| (at, share, share)).collect::<Vec<_>>());
        }
        each((2, 2), 0, |at, _| at, |_| unreachable!()).unwrap();
    }
}
