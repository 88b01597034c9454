//! Rotary embedding on `Flex` storage: one pass over the rows.

use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;

use super::{RopeKernel, Turn, composed};
use crate::buffer::Buffer;
use crate::primitive::{float, int, into_float};
use crate::simd::{Kernel, dispatch};
use crate::storage::{floats, ints, tensor};

/// Tokens of one task.
const BLOCK_TOKENS: usize = 64;

impl RopeKernel for Flex {
    fn rope_forward(
        x: FlexTensor,
        cos: FlexTensor,
        sin: FlexTensor,
        positions: Option<FlexTensor>,
        turn: Turn,
    ) -> FlexTensor {
        // The outer `None` is another element type, the inner one no positions.
        let ids = positions.as_ref().map_or(Some(None), |positions| ints(positions).map(Some));
        let (Some([x, cos, sin]), Some(ids)) = (floats([&x, &cos, &sin]), ids) else {
            let (x, cos, sin) = (float(x), float(cos), float(sin));
            let y = composed::rotate::<Flex>(x, cos, sin, positions.map(int), turn);
            return into_float(y);
        };
        let dims @ [_, seq, heads, head_dim] = x.dims();
        let [max_seq, half] = cos.dims();
        let sign = if turn == Turn::Inverse { -1.0 } else { 1.0 };
        let (x, cos, sin) = (x.as_slice(), cos.as_slice(), sin.as_slice());
        let mut y = Buffer::stale(x.len());
        let token = heads * head_dim;
        let block = (BLOCK_TOKENS * token).max(1);
        y.par_chunks_mut(block).zip(x.par_chunks(block)).enumerate().for_each(|(i, (y, x))| {
            let rows = y.chunks_exact_mut(token).zip(x.chunks_exact(token));
            for (t, (y, x)) in (i * BLOCK_TOKENS..).zip(rows) {
                let position = match &ids {
                    Some(ids) => usize::try_from(ids[t]).unwrap_or(usize::MAX),
                    None => t % seq,
                };
                assert!(position < max_seq, "rope: position outside the table of {max_seq}");
                let angle = position * half..(position + 1) * half;
                let (cos, sin) = (&cos[angle.clone()], &sin[angle]);
                dispatch(Rotate { x, cos, sin, sign, y });
            }
        });
        tensor(y, dims)
    }
}

/// All heads of one token.
struct Rotate<'a> {
    x: &'a [f32],
    cos: &'a [f32],
    sin: &'a [f32],
    sign: f32,
    y: &'a mut [f32],
}

impl Kernel for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let half = self.cos.len();
        for (y, x) in self.y.chunks_exact_mut(2 * half).zip(self.x.chunks_exact(2 * half)) {
            let ((a, b), (first, second)) = (x.split_at(half), y.split_at_mut(half));
            let angles = self.cos.iter().zip(self.sin);
            let pairs = a.iter().zip(b).zip(first.iter_mut().zip(second));
            for ((cos, sin), ((a, b), (first, second))) in angles.zip(pairs) {
                let sin = sin * self.sign;
                *first = a * cos - b * sin;
                *second = b * cos + a * sin;
            }
        }
    }
}
