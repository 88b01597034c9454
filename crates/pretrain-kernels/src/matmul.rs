//! Matrix products on slices, through the `gemm` crate, which takes pointers.
//!
//! A product is never cut along its inner dimension, by us or by `gemm`'s threads, so the bits of
//! a result do not depend on the number of threads. `gemm` chooses its block of the inner dimension
//! by the caches of the processor, so bits may differ between models of processors.
#![expect(unsafe_code, reason = "gemm takes pointers; ranges are checked in the constructors")]

use gemm::Parallelism;
use rayon::prelude::*;

/// A matrix inside a slice: element `(r, c)` is at `r * row_stride + c * col_stride`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row-major, rows next to each other.
    pub(crate) fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// Row-major, the first elements of two rows `row_stride` apart.
    ///
    /// # Panics
    ///
    /// When the last element is outside `data`.
    pub(crate) fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        check_range(data.len(), rows, cols, row_stride);
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// The transpose, without moving an element.
    pub(crate) fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }

    /// Rows `start..start + rows`.
    ///
    /// # Panics
    ///
    /// When there are fewer rows.
    pub(crate) fn row_range(self, start: usize, rows: usize) -> Self {
        assert!(start + rows <= self.rows, "rows {start}+{rows} of {}", self.rows);
        let offset = if rows == 0 { 0 } else { start * self.row_stride };
        Self { data: &self.data[offset.min(self.data.len())..], rows, ..self }
    }
}

/// A row-major matrix to be written.
#[derive(Debug)]
pub(crate) struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// Rows next to each other.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// The first elements of two rows `row_stride` apart.
    ///
    /// # Panics
    ///
    /// When the last element is outside `data` or rows overlap.
    pub(crate) fn strided(
        data: &'a mut [f32],
        rows: usize,
        cols: usize,
        row_stride: usize,
    ) -> Self {
        assert!(row_stride >= cols, "rows of {cols} elements, {row_stride} apart, overlap");
        check_range(data.len(), rows, cols, row_stride);
        Self { data, rows, cols, row_stride }
    }
}

fn check_range(len: usize, rows: usize, cols: usize, row_stride: usize) {
    if rows > 0 && cols > 0 {
        let end = (rows - 1).checked_mul(row_stride).and_then(|x| x.checked_add(cols));
        assert!(end.is_some_and(|end| end <= len), "{rows}x{cols}/{row_stride} in {len} elements");
    }
}

/// What a product does with the old content of its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Old {
    Overwrite,
    AddTo,
}

/// `dst = alpha * lhs * rhs`, or `dst += ...`, on the calling thread.
///
/// # Panics
///
/// When the shapes do not fit together.
pub(crate) fn matmul(dst: MatrixMut<'_>, old: Old, alpha: f32, lhs: Matrix<'_>, rhs: Matrix<'_>) {
    multiply(dst, old, alpha, lhs, rhs, Parallelism::None);
}

/// Below this many multiplications a product stays on the calling thread.
const PARALLEL_FROM: usize = 1 << 20;
/// Rows of one task at least: smaller ones spend their time packing the right operand.
const TASK_ROWS: usize = 128;

/// How many rows of a product to give to each task of the current rayon pool: an equal part, but
/// at least `least`.
///
/// `narrowest` is the smallest of the other dimensions of the products that a task computes.
/// `gemm` has a code path of its own where a dimension is 1 or the inner one at most 2, and blocks
/// the inner dimension differently when the destination is at most 64 by 64. So either there is
/// one task, or nothing is that narrow and every task, the last one included, has more than 64
/// rows: the bits do not depend on the number of tasks.
pub(crate) fn task_rows(rows: usize, least: usize, narrowest: usize) -> usize {
    const SMALL: usize = 64;
    if narrowest <= 2 {
        return rows.max(1);
    }
    let tasks = rayon::current_num_threads().min(rows / least.max(SMALL + 1)).max(1);
    let mut task = rows.div_ceil(tasks).max(1);
    while task < rows && (1..=SMALL).contains(&(rows % task)) {
        task += 1;
    }
    task
}

/// As [`matmul`], spread over the current rayon pool by rows of the destination (`[rows, cols]`
/// without gaps).
///
/// # Panics
///
/// When the shapes do not fit together.
pub(crate) fn par_matmul(dst: &mut [f32], old: Old, lhs: Matrix<'_>, rhs: Matrix<'_>) {
    let (rows, cols, depth) = (lhs.rows, rhs.cols, lhs.cols);
    assert_eq!(dst.len(), rows * cols, "destination of {rows}x{cols}");
    let threads = rayon::current_num_threads();
    if threads == 1 || rows.saturating_mul(cols).saturating_mul(depth) < PARALLEL_FROM {
        return matmul(MatrixMut::new(dst, rows, cols), old, 1.0, lhs, rhs);
    }
    if rows < 2 * TASK_ROWS {
        let dst = MatrixMut::new(dst, rows, cols);
        return multiply(dst, old, 1.0, lhs, rhs, Parallelism::Rayon(0));
    }
    let task = task_rows(rows, TASK_ROWS, cols.min(depth));
    dst.par_chunks_mut(task * cols).enumerate().for_each(|(i, dst)| {
        let rows = dst.len() / cols;
        let lhs = lhs.row_range(i * task, rows);
        matmul(MatrixMut::new(dst, rows, cols), old, 1.0, lhs, rhs);
    });
}

fn multiply(
    dst: MatrixMut<'_>,
    old: Old,
    alpha: f32,
    lhs: Matrix<'_>,
    rhs: Matrix<'_>,
    parallelism: Parallelism,
) {
    assert_eq!((dst.rows, dst.cols), (lhs.rows, rhs.cols), "shape of the destination");
    assert_eq!(lhs.cols, rhs.rows, "inner dimension");
    if dst.rows == 0 || dst.cols == 0 {
        return;
    }
    // SAFETY: the constructors and `row_range` have checked that the last element of each matrix,
    // hence every element (strides are not negative), lies inside its slice; the destination is
    // borrowed exclusively, so it overlaps neither operand, and its rows do not overlap; with
    // `Overwrite` gemm does not read the destination, and f32 has no invalid bit patterns.
    unsafe {
        gemm::gemm(
            dst.rows,
            dst.cols,
            lhs.cols,
            dst.data.as_mut_ptr(),
            1,
            dst.row_stride as isize,
            old == Old::AddTo,
            lhs.data.as_ptr(),
            lhs.col_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.col_stride as isize,
            rhs.row_stride as isize,
            1.0,
            alpha,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The product a student would write.
    fn plain(
        old: &[f32],
        stride: usize,
        accumulate: bool,
        alpha: f32,
        a: Matrix<'_>,
        b: Matrix<'_>,
    ) -> Vec<f32> {
        let mut dst = old.to_vec();
        for r in 0..a.rows {
            for c in 0..b.cols {
                let sum: f64 = (0..a.cols)
                    .map(|k| {
                        let x = a.data[r * a.row_stride + k * a.col_stride];
                        let y = b.data[k * b.row_stride + c * b.col_stride];
                        f64::from(x) * f64::from(y)
                    })
                    .sum();
                let start = if accumulate { f64::from(dst[r * stride + c]) } else { 0.0 };
                dst[r * stride + c] = (start + f64::from(alpha) * sum) as f32;
            }
        }
        dst
    }

    fn numbers(len: usize, seed: u32) -> Vec<f32> {
        (0..len as u32)
            .map(|i| {
                let x = (i ^ seed).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(97);
                x as f32 / u32::MAX as f32 - 0.5
            })
            .collect()
    }

    fn close(a: &[f32], b: &[f32], depth: usize) {
        assert_eq!(a.len(), b.len());
        for (x, y) in a.iter().zip(b) {
            assert!((x - y).abs() <= 1e-6 * (depth + 4) as f32, "{x} and {y}");
        }
    }

    proptest! {
        #[test]
        fn equals_its_plain_twin(
            rows in 0usize..70, cols in 1usize..70, depth in 0usize..70, gap in 0usize..5,
            left in any::<bool>(), right in any::<bool>(), accumulate in any::<bool>(),
        ) {
            let (a, b) = (numbers(rows * depth, 1), numbers(depth * cols, 2));
            let lhs = if left { Matrix::new(&a, depth, rows).t() } else { Matrix::new(&a, rows, depth) };
            let rhs = if right { Matrix::new(&b, cols, depth).t() } else { Matrix::new(&b, depth, cols) };
            let stride = cols + gap;
            let mut dst = numbers(rows * stride, 3);
            let old = if accumulate { Old::AddTo } else { Old::Overwrite };
            let want = plain(&dst, stride, accumulate, 0.5, lhs, rhs);
            matmul(MatrixMut::strided(&mut dst, rows, cols, stride), old, 0.5, lhs, rhs);
            close(&dst, &want, depth);
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        for (rows, cols, depth) in [
            (1, 3000, 700),
            (130, 300, 65),
            (257, 64, 700),
            (700, 129, 640),
            (2048, 33, 1300),
            (9001, 1, 300),
            (3001, 200, 2),
        ] {
            let (a, b) = (numbers(rows * depth, 1), numbers(depth * cols, 2));
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut dst = vec![0.0; rows * cols];
                pool.install(|| {
                    let (a, b) = (Matrix::new(&a, rows, depth), Matrix::new(&b, cols, depth).t());
                    par_matmul(&mut dst, Old::Overwrite, a, b);
                });
                dst
            };
            let one = run(1);
            for threads in [2, 3, 8] {
                assert!(one == run(threads), "{rows}x{cols}x{depth} with {threads} threads");
            }
        }
    }

    #[test]
    fn no_task_is_small_unless_it_is_the_only_one() {
        for threads in [1, 2, 3, 16] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                for rows in 1..1000 {
                    let task = task_rows(rows, 80, 3);
                    let last = if rows % task == 0 { task } else { rows % task };
                    assert!(task == rows || (task > 64 && last > 64), "{rows} in {task}");
                    assert!(rows.div_ceil(task) <= threads);
                }
            });
        }
    }

    #[test]
    #[should_panic(expected = "in 5 elements")]
    fn a_matrix_past_its_slice_is_refused() {
        Matrix::new(&[0.0; 5], 2, 3);
    }
}
