//! Matrix products of a net on the CPU, by tiles that stay in registers.
//!
//! A matrix `[rows, columns]` is kept in panels of 32 columns: panel by panel, each one line of 32 numbers
//! per row; columns beyond the last are zeros. Each number of a result is one chain of fused multiply-adds
//! over the inner index in ascending order, so tiles of any size and registers of any width give the same
//! bits. Method: Goto and van de Geijn, 2008, "Anatomy of high-performance matrix multiplication",
//! doi:10.1145/1356052.1356053, without their copies: panels are packed as they are.
#![allow(clippy::inline_always, reason = "vectors are only wide where the loop is inlined into its caller")]

use super::vector::{LINE, Level, Line, Plain, Vector};
#[cfg(target_arch = "x86_64")]
use super::vector::{Wide256, Wide512};

/// Rows of a panel are a multiple of this.
pub(super) const ROWS: usize = 8;

/// Returns the panels of so many columns.
pub(super) fn panels(columns: usize) -> usize {
    columns.div_ceil(LINE)
}

/// What is done to a product before it is written.
#[derive(Clone, Copy)]
pub(super) enum Finish<'a> {
    Nothing,
    /// Negative numbers become 0.
    Relu,
    /// Times the factor where this matrix is positive, else 0.
    Gate(&'a [Line], f32),
}

/// `out[rows, n] = start + a[rows, k] × b[k, n]`.
pub(super) struct Product<'a> {
    /// `[rows, k]`, rows a multiple of [`ROWS`].
    pub(super) a: &'a [Line],
    pub(super) rows: usize,
    pub(super) k: usize,
    /// `[k, n]`; its panels of `k` lines.
    pub(super) b: &'a [Line],
    /// One line per panel of the result; zeros when empty.
    pub(super) start: &'a [Line],
    pub(super) finish: Finish<'a>,
}

impl Product<'_> {
    /// Writes the product; `out` has as many panels as `b`.
    #[allow(unsafe_code, reason = "calling functions with target features from one without them")]
    pub(super) fn write(&self, level: Level, out: &mut [Line]) {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn wide512(product: &Product<'_>, out: &mut [Line]) {
            product.by_tiles::<Wide512, 8>(out);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn wide256(product: &Product<'_>, out: &mut [Line]) {
            product.by_tiles::<Wide256, 2>(out);
        }
        match level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a level is made only where its features were found.
            Level::Wide512 => unsafe { wide512(self, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Wide256 => unsafe { wide256(self, out) },
            Level::Plain => self.by_tiles::<Plain, 2>(out),
        }
    }

    #[inline(always)]
    fn by_tiles<V: Vector, const TALL: usize>(&self, out: &mut [Line]) {
        let by_panel = self.b.chunks_exact(self.k).zip(out.chunks_exact_mut(self.rows)).enumerate();
        for (panel, (b, out)) in by_panel {
            let start = self.start.get(panel).unwrap_or(&[0.0; LINE]);
            for (tile, out) in out.as_chunks_mut::<TALL>().0.iter_mut().enumerate() {
                let sums = self.tile::<V, TALL>(tile * TALL, b, V::load(start));
                for (at, (sum, line)) in sums.into_iter().zip(out).enumerate() {
                    let sum = match self.finish {
                        Finish::Nothing => sum,
                        Finish::Relu => sum.relu(),
                        Finish::Gate(gate, factor) => {
                            sum.gated(V::load(&gate[panel * self.rows + tile * TALL + at]), factor)
                        }
                    };
                    sum.store(line);
                }
            }
        }
    }

    #[inline(always)]
    fn tile<V: Vector, const TALL: usize>(&self, row: usize, b: &[Line], start: V) -> [V; TALL] {
        let mut sums = [start; TALL];
        for (b, a) in b.chunks(LINE).zip(self.a.chunks_exact(self.rows)) {
            let Some(a) = a[row..].first_chunk::<TALL>() else { break };
            for (inner, line) in b.iter().enumerate().take(LINE) {
                let line = V::load(line);
                for at in 0..TALL {
                    sums[at] = sums[at].add_scaled(a[at][inner], line);
                }
            }
        }
        sums
    }
}

/// `out[outputs, inputs] += slopesᵀ × x` over some rows: the gradient of a layer's weights.
pub(super) struct Gradient<'a> {
    /// `[stride, outputs]`, of which `rows` count.
    pub(super) slopes: &'a [Line],
    /// `[stride, inputs]`.
    pub(super) x: &'a [Line],
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
}

impl Gradient<'_> {
    /// Adds to `out`, `[outputs, inputs]` row-major.
    #[allow(unsafe_code, reason = "calling functions with target features from one without them")]
    pub(super) fn add(&self, level: Level, out: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn wide512(gradient: &Gradient<'_>, out: &mut [f32]) {
            gradient.by_tiles::<Wide512, 8>(out);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn wide256(gradient: &Gradient<'_>, out: &mut [f32]) {
            gradient.by_tiles::<Wide256, 2>(out);
        }
        match level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a level is made only where its features were found.
            Level::Wide512 => unsafe { wide512(self, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Wide256 => unsafe { wide256(self, out) },
            Level::Plain => self.by_tiles::<Plain, 2>(out),
        }
    }

    #[inline(always)]
    fn by_tiles<V: Vector, const TALL: usize>(&self, out: &mut [f32]) {
        for panel in 0..panels(self.inputs) {
            let whole = self.outputs / TALL * TALL;
            for output in (0..whole).step_by(TALL) {
                self.tile::<V, TALL>(output, panel, out);
            }
            for output in whole..self.outputs {
                self.tile::<V, 1>(output, panel, out);
            }
        }
    }

    #[inline(always)]
    fn tile<V: Vector, const TALL: usize>(&self, output: usize, panel: usize, out: &mut [f32]) {
        let first = output * self.inputs + panel * LINE;
        let width = LINE.min(self.inputs - panel * LINE);
        let mut sums = [V::load(&[0.0; LINE]); TALL];
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum = load(&out[first + at * self.inputs..][..width]);
        }
        let x = &self.x[panel * self.stride..][..self.rows];
        let slopes = &self.slopes[output / LINE * self.stride..][..self.rows];
        for (slopes, x) in slopes.iter().zip(x) {
            let Some(slopes) = slopes[output % LINE..].first_chunk::<TALL>() else { break };
            let x = V::load(x);
            for at in 0..TALL {
                sums[at] = sums[at].add_scaled(slopes[at], x);
            }
        }
        for (at, sum) in sums.into_iter().enumerate() {
            store(sum, &mut out[first + at * self.inputs..][..width]);
        }
    }
}

/// Loads at most a line; the rest are zeros.
#[inline(always)]
fn load<V: Vector>(values: &[f32]) -> V {
    if let Some(line) = values.first_chunk::<LINE>() {
        return V::load(line);
    }
    let mut line = [0.0; LINE];
    line[..values.len()].copy_from_slice(values);
    V::load(&line)
}

/// Stores as many numbers as there is room for.
#[inline(always)]
fn store<V: Vector>(vector: V, values: &mut [f32]) {
    if let Some(line) = values.first_chunk_mut::<LINE>() {
        return vector.store(line);
    }
    let mut line = [0.0; LINE];
    vector.store(&mut line);
    values.copy_from_slice(&line[..values.len()]);
}

/// `out[rows, n] = bias + a[rows, k] × b[n, k]ᵀ` for few columns (at most 32): 32 running sums each, which
/// are then added by halves.
pub(super) struct Narrow<'a> {
    /// `[rows, k]`.
    pub(super) a: &'a [Line],
    pub(super) rows: usize,
    /// `[n, k]`: panels of `n` lines.
    pub(super) b: &'a [Line],
    pub(super) bias: &'a [f32],
}

impl Narrow<'_> {
    /// Writes one line per row.
    #[allow(unsafe_code, reason = "calling functions with target features from one without them")]
    pub(super) fn write(&self, level: Level, out: &mut [Line]) {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn wide512(narrow: &Narrow<'_>, out: &mut [Line]) {
            narrow.by_rows::<Wide512>(out);
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn wide256(narrow: &Narrow<'_>, out: &mut [Line]) {
            narrow.by_rows::<Wide256>(out);
        }
        match level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a level is made only where its features were found.
            Level::Wide512 => unsafe { wide512(self, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Wide256 => unsafe { wide256(self, out) },
            Level::Plain => self.by_rows::<Plain>(out),
        }
    }

    #[inline(always)]
    fn by_rows<V: Vector>(&self, out: &mut [Line]) {
        let n = self.bias.len();
        for (row, out) in out.iter_mut().enumerate().take(self.rows) {
            *out = [0.0; LINE];
            for (at, (value, bias)) in out.iter_mut().zip(self.bias).enumerate() {
                let mut sums = V::load(&[0.0; LINE]);
                for (a, b) in self.a.chunks_exact(self.rows).zip(self.b.chunks_exact(n)) {
                    sums = sums.add_product(V::load(&a[row]), V::load(&b[at]));
                }
                let mut line = [0.0; LINE];
                sums.store(&mut line);
                *value = bias + halves(line);
            }
        }
    }
}

#[inline(always)]
fn halves(mut line: Line) -> f32 {
    for half in [16, 8, 4, 2, 1] {
        for at in 0..half {
            line[at] += line[at + half];
        }
    }
    line[0]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use yard_types::rng;

    fn value(stream: u64, at: usize) -> f32 {
        rng::uniform(5, stream, at as u64) as f32 - 0.5
    }

    /// Puts `[rows, columns]` into panels of `stride` lines.
    fn to_panels(values: &[f32], columns: usize, stride: usize) -> Vec<Line> {
        let mut out = vec![[0.0; LINE]; panels(columns) * stride];
        for (at, value) in values.iter().enumerate() {
            let (row, column) = (at / columns, at % columns);
            out[column / LINE * stride + row][column % LINE] = *value;
        }
        out
    }

    #[test]
    fn products_are_those_of_the_definition() {
        for (rows, k, n) in [(8, 1, 1), (8, 28, 33), (16, 70, 64), (40, 33, 5)] {
            let a: Vec<f32> = (0..rows * k).map(|at| value(1, at)).collect();
            let b: Vec<f32> = (0..k * n).map(|at| value(2, at)).collect();
            let start: Vec<f32> = (0..n).map(|at| value(3, at)).collect();
            let gate: Vec<f32> = (0..rows * n).map(|at| value(4, at)).collect();
            let gates = to_panels(&gate, n, rows);
            let exact = |row: usize, column: usize| -> f64 {
                let product = |at: usize| f64::from(a[row * k + at]) * f64::from(b[at * n + column]);
                f64::from(start[column]) + (0..k).map(product).sum::<f64>()
            };
            for finish in [Finish::Nothing, Finish::Relu, Finish::Gate(&gates, 2.0)] {
                let product = Product {
                    a: &to_panels(&a, k, rows),
                    rows,
                    k,
                    b: &to_panels(&b, n, k),
                    start: &to_panels(&start, n, 1),
                    finish,
                };
                for level in Level::all() {
                    let mut out = vec![[9.0; LINE]; panels(n) * rows];
                    product.write(level, &mut out);
                    for at in 0..rows * n {
                        let (row, column) = (at / n, at % n);
                        let expected = match finish {
                            Finish::Nothing => exact(row, column),
                            Finish::Relu => exact(row, column).max(0.0),
                            Finish::Gate(..) if gate[at] > 0.0 => 2.0 * exact(row, column),
                            Finish::Gate(..) => 0.0,
                        };
                        let found = out[column / LINE * rows + row][column % LINE];
                        assert!((f64::from(found) - expected).abs() < 1e-5, "{level:?} {rows} {k} {n}");
                    }
                }
            }
        }
    }

    #[test]
    fn gradients_and_narrow_products_are_those_of_the_definition() {
        for (rows, outputs, inputs) in [(1, 1, 1), (5, 3, 33), (13, 19, 70), (8, 40, 28)] {
            let stride = 16;
            let slopes: Vec<f32> = (0..rows * outputs).map(|at| value(1, at)).collect();
            let x: Vec<f32> = (0..rows * inputs).map(|at| value(2, at)).collect();
            let (own, before) = (to_panels(&slopes, outputs, stride), to_panels(&x, inputs, stride));
            let gradient = Gradient { slopes: &own, x: &before, stride, rows, outputs, inputs };
            let weights: Vec<f32> = (0..outputs * inputs).map(|at| value(3, at)).collect();
            let bias: Vec<f32> = (0..outputs.min(LINE)).map(|at| value(4, at)).collect();
            let few = outputs.min(LINE);
            let narrow = Narrow {
                a: &before,
                rows: stride,
                b: &to_panels(&weights[..few * inputs], inputs, few),
                bias: &bias,
            };
            for level in Level::all() {
                let mut out = vec![1.0; outputs * inputs];
                gradient.add(level, &mut out);
                for (at, found) in out.iter().enumerate() {
                    let (output, input) = (at / inputs, at % inputs);
                    let term = |row: usize| {
                        f64::from(slopes[row * outputs + output]) * f64::from(x[row * inputs + input])
                    };
                    let expected = 1.0 + (0..rows).map(term).sum::<f64>();
                    assert!(
                        (f64::from(*found) - expected).abs() < 1e-5,
                        "{level:?} {rows} {outputs} {inputs}"
                    );
                }
                let mut out = vec![[9.0; LINE]; stride];
                narrow.write(level, &mut out);
                for (row, line) in out.iter().enumerate().take(rows) {
                    for (at, found) in line.iter().enumerate().take(few) {
                        let term =
                            |k: usize| f64::from(x[row * inputs + k]) * f64::from(weights[at * inputs + k]);
                        let expected = f64::from(bias[at]) + (0..inputs).map(term).sum::<f64>();
                        assert!((f64::from(*found) - expected).abs() < 1e-5, "{level:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn not_a_number_is_not_hidden() {
        for level in Level::all() {
            let mut out = [[0.0; LINE]; 8];
            let a = [[f32::NAN; LINE]; 8];
            let (b, start) = ([[1.0; LINE]], [[-1.0; LINE]]);
            Product { a: &a, rows: 8, k: 1, b: &b, start: &start, finish: Finish::Relu }
                .write(level, &mut out);
            assert!(out.iter().flatten().all(|value| value.is_nan()), "{level:?}");
        }
    }
}
