//! Attention of one row, forwards and backwards, head by head. Weights of tokens are computed again on the
//! way back, so that nothing is kept between the two. Paper: Vaswani et al., 2017, arXiv:1706.03762.

/// Shape of a row: `[tokens, 3 × width]` of query, key and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    pub(super) width: usize,
    pub(super) heads: usize,
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum()
}

fn add(sum: &mut [f32], line: &[f32], factor: f32) {
    sum.iter_mut().zip(line).for_each(|(sum, own)| *sum += factor * own);
}

impl Heads {
    fn own(self) -> usize {
        self.width / self.heads
    }

    /// Place of query (0), key (1) or value (2) of a token for a head.
    fn at(self, part: usize, token: usize, head: usize) -> std::ops::Range<usize> {
        let from = token * 3 * self.width + part * self.width + head * self.own();
        from..from + self.own()
    }

    fn out(self, token: usize, head: usize) -> std::ops::Range<usize> {
        let from = token * self.width + head * self.own();
        from..from + self.own()
    }

    fn scale(self) -> f32 {
        1.0 / (self.own() as f32).sqrt()
    }

    /// Writes how much a token looks at each of the first tokens.
    fn shares(self, x: &[f32], (token, head): (usize, usize), shares: &mut [f32]) {
        let query = &x[self.at(0, token, head)];
        for (other, share) in shares.iter_mut().enumerate() {
            *share = dot(query, &x[self.at(1, other, head)]) * self.scale();
        }
        let most = shares.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for share in shares.iter_mut() {
            *share = (*share - most).exp();
            sum += *share;
        }
        for share in shares.iter_mut() {
            *share /= sum;
        }
    }

    /// Writes `[tokens, width]`.
    pub(super) fn forward(self, x: &[f32], out: &mut [f32]) {
        let length = out.len() / self.width;
        let mut shares = vec![0.0_f32; length];
        for head in 0..self.heads {
            for token in 0..length {
                self.shares(x, (token, head), &mut shares);
                let out = &mut out[self.out(token, head)];
                for (other, share) in shares.iter().enumerate() {
                    add(out, &x[self.at(2, other, head)], *share);
                }
            }
        }
    }

    /// Writes the gradient of `x`, `[tokens, 3 × width]`, from that of the result.
    pub(super) fn backward(self, (x, slopes): (&[f32], &[f32]), out: &mut [f32]) {
        let length = slopes.len() / self.width;
        let (mut shares, mut pulls) = (vec![0.0_f32; length], vec![0.0_f32; length]);
        for head in 0..self.heads {
            for token in 0..length {
                self.shares(x, (token, head), &mut shares);
                let slope = &slopes[self.out(token, head)];
                for (other, pull) in pulls.iter_mut().enumerate() {
                    *pull = dot(slope, &x[self.at(2, other, head)]);
                }
                let mean = dot(&shares, &pulls);
                for (other, (share, pull)) in shares.iter().zip(&pulls).enumerate() {
                    add(&mut out[self.at(2, other, head)], slope, *share);
                    let factor = share * (pull - mean) * self.scale();
                    add(&mut out[self.at(0, token, head)], &x[self.at(1, other, head)], factor);
                    add(&mut out[self.at(1, other, head)], &x[self.at(0, token, head)], factor);
                }
            }
        }
    }
}
