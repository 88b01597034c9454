//! What a layer remembers of the tokens it has seen.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

/// Keys (turned) and values of the tokens that one layer has seen, each `[b, seen, k, e]`.
#[derive(Debug, Clone)]
pub struct LayerCache<B: Backend> {
    seen: Option<(Tensor<B, 4>, Tensor<B, 4>)>,
}

impl<B: Backend> Default for LayerCache<B> {
    fn default() -> Self {
        Self { seen: None }
    }
}

impl<B: Backend> LayerCache<B> {
    /// Appends new keys and values and returns all. Copies what was there: `O(seen)` per call.
    pub(super) fn extend(
        &mut self,
        key: Tensor<B, 4>,
        value: Tensor<B, 4>,
    ) -> (Tensor<B, 4>, Tensor<B, 4>) {
        let (key, value) = match self.seen.take() {
            None => (key, value),
            Some((keys, values)) => {
                (Tensor::cat(vec![keys, key], 1), Tensor::cat(vec![values, value], 1))
            }
        };
        self.seen = Some((key.clone(), value.clone()));
        (key, value)
    }
}
