//! Rows on their way into the net: features from the scorer's encoder, kept in memory while they are few,
//! else decoded again for each batch; a thread of its own prepares the next batches while the net learns
//! from one. Batches come in the order of the epoch's shuffle, whatever the thread does.

use super::{
    augment::{self, Augment},
    net::Batch,
    plan::Plan,
};
use crate::{TrainError, fit::FitData, target::Part};
use candle_core::{Device, Tensor};
use std::sync::mpsc::{SyncSender, sync_channel};
use yard_score::encode::{Encoder, Rows};
use yard_types::table::Table;

/// Bytes of features up to which they are kept.
const MOST_KEPT: usize = 1 << 30;
/// Batches that are prepared ahead.
const AHEAD: usize = 2;

/// Rows of one part of the split.
pub(super) struct Feed<'a> {
    table: &'a Table,
    encoder: &'a Encoder,
    plan: &'a Plan,
    part: &'a Part,
    kept: Option<Vec<f32>>,
}

/// A batch on the way: positions within the part, images of each tower, other features.
pub(super) struct Prepared {
    pub(super) rows: Vec<u32>,
    images: Vec<Vec<f32>>,
    plain: Vec<f32>,
}

impl<'a> Feed<'a> {
    pub(super) fn new(data: &'a FitData<'_>, plan: &'a Plan, part: &'a Part) -> Result<Self, TrainError> {
        let bytes = part.rows.len().saturating_mul(plan.features()).saturating_mul(4);
        let kept = if bytes <= MOST_KEPT { Some(data.encode(&part.rows)?.concat()) } else { None };
        Ok(Self { table: data.table, encoder: &data.encoder, plan, part, kept })
    }

    pub(super) fn len(&self) -> usize {
        self.part.rows.len()
    }

    /// Prepares the rows at these positions; `augment` changes their images.
    pub(super) fn prepare(
        &self,
        positions: &[u32],
        augment: Option<(&Augment, u32)>,
    ) -> Result<Prepared, TrainError> {
        let width = self.plan.features();
        let encoded;
        let lines: Vec<&[f32]> = if let Some(kept) = &self.kept {
            positions.iter().map(|at| &kept[*at as usize * width..][..width]).collect()
        } else {
            let rows: Vec<u32> = positions.iter().map(|at| self.part.rows[*at as usize]).collect();
            let made = self.encoder.encode(self.table, Rows::List(&rows));
            encoded = made.map_err(|error| TrainError::part("recipe", &error))?;
            encoded.chunks_exact(width).collect()
        };
        let mut out = Prepared {
            rows: positions.to_vec(),
            images: vec![Vec::new(); self.plan.towers.len()],
            plain: Vec::with_capacity(positions.len() * self.plan.plain),
        };
        for (position, features) in positions.iter().zip(lines) {
            out.plain.extend_from_slice(&features[..self.plan.plain]);
            for (tower, images) in self.plan.towers.iter().zip(&mut out.images) {
                let pixels = &features[tower.first..tower.first + tower.pixels()];
                match augment {
                    Some((augment, epoch)) => augment.write(tower, pixels, (epoch, *position), images),
                    None => augment::plain(tower, pixels, images),
                }
            }
        }
        Ok(out)
    }

    /// Prepares all batches of an order, one after the other, ahead of `take`, which may stop early by an
    /// error.
    pub(super) fn each(
        &self,
        (order, size): (&[u32], usize),
        augment: Option<(&Augment, u32)>,
        mut take: impl FnMut(Prepared) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let (sender, receiver) = sync_channel(AHEAD);
        std::thread::scope(|scope| {
            scope.spawn(move || self.send_all((order, size), augment, &sender));
            for prepared in receiver {
                take(prepared?)?;
            }
            Ok(())
        })
    }

    fn send_all(
        &self,
        (order, size): (&[u32], usize),
        augment: Option<(&Augment, u32)>,
        sender: &SyncSender<Result<Prepared, TrainError>>,
    ) {
        for positions in order.chunks(size) {
            // The receiver is gone when the learner stopped.
            if sender.send(self.prepare(positions, augment)).is_err() {
                return;
            }
        }
    }
}

impl Prepared {
    /// Returns the batch as tensors.
    pub(super) fn batch(self, plan: &Plan) -> candle_core::Result<Batch> {
        let (rows, cpu) = (self.rows.len(), Device::Cpu);
        let images = self.images.into_iter().zip(&plan.towers).map(|(values, tower)| {
            Tensor::from_vec(values, (rows, tower.height, tower.width, tower.channels), &cpu)
        });
        let images = images.collect::<candle_core::Result<_>>()?;
        Ok(Batch { images, plain: Tensor::from_vec(self.plain, (rows, plan.plain), &cpu)? })
    }
}
