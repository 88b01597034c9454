//! Several networks of which each token passes a few.

use super::{Linear, Mlp};
use crate::design::{ExpertsDesign, Scoring};
use burn::module::{Module, Param};
use burn::tensor::activation::{log_softmax, sigmoid, softmax};
use burn::tensor::backend::Backend;
use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};
use pretrain_kernels::KernelBackend;

/// Experts and the router that sends tokens to them. Every token reaches each of its experts,
/// however many others do; which ones is decided on the host, from a copy of the scores. The last bits
/// of a token's result may depend on how many tokens its experts have got: products of another height
/// are blocked in another way.
///
/// # Source
/// Shazeer et al., "Outrageously Large Neural Networks", 2017; shared experts and groups: DeepSeek-AI,
/// "DeepSeek-V3", 2024, §2.1.2.
#[derive(Module, Debug)]
pub struct Experts<B: Backend> {
    /// `[experts, d]`.
    pub router: Linear<B>,
    /// `[experts]`, added to the scores for the choice alone; no gradient reaches it.
    pub correction: Option<Param<Tensor<B, 1>>>,
    /// One network each.
    pub experts: Vec<Mlp<B>>,
    /// Passed by every token.
    pub shared: Option<Mlp<B>>,
    /// How scores become weights.
    #[module(skip)]
    pub design: ExpertsDesign,
}

/// What a router decided for the tokens of one forward pass.
#[derive(Debug, Clone)]
pub struct Routing<B: Backend> {
    /// Its scores, `[tokens, experts]`.
    pub logits: Tensor<B, 2>,
    /// How many tokens came to each expert.
    pub counts: Vec<usize>,
}

impl<B: KernelBackend> Experts<B> {
    /// `[b, s, d]` to the same shape, and the router's choices.
    pub fn forward(&self, x: Tensor<B, 3>) -> (Tensor<B, 3>, Routing<B>) {
        let config = self.design.config;
        let ([b, s, d], device, k) = (x.dims(), x.device(), config.top_k);
        let tokens = b * s;
        let logits = self.router.forward(x.clone()).reshape([tokens, config.count]);
        let scores = match self.design.scoring {
            Scoring::Softmax => softmax(logits.clone(), 1),
            Scoring::Sigmoid => sigmoid(logits.clone()),
        };
        let chosen = self.choose(scores.clone());
        let ids = |ids: Vec<i64>| {
            let n = ids.len();
            let data = TensorData::new(ids, [n]).convert::<B::IntElem>();
            Tensor::<B, 1, Int>::from_data(data, &device)
        };
        let flat = ids(chosen.iter().map(|expert| *expert as i64).collect());
        let weights = scores.gather(1, flat.reshape([tokens, k]));
        let weights = match config.normalize {
            true => weights.clone() / (weights.sum_dim(1) + 1e-20),
            false => weights,
        };
        let weights = (weights * config.scale).reshape([tokens * k, 1]);
        let rows = x.clone().reshape([tokens, d]);
        let mut output = Tensor::zeros([tokens, d], (&device, x.dtype()));
        let mut counts = vec![0; config.count];
        for (index, expert) in self.experts.iter().enumerate() {
            let places: Vec<i64> =
                (0..tokens * k).filter(|p| chosen[*p] == index).map(|p| p as i64).collect();
            counts[index] = places.len();
            // An expert without tokens gets one whose result counts nothing: its gradient is zero,
            // not absent, as that of every other parameter would be.
            let (places, share) = if places.is_empty() { (vec![0], 0.0) } else { (places, 1.0) };
            let n = places.len();
            let of = ids(places.iter().map(|p| p / k as i64).collect());
            let y = expert.forward(rows.clone().select(0, of.clone()).reshape([1, n, d]));
            let weight = weights.clone().select(0, ids(places)) * share;
            let y = y.reshape([n, d]) * weight;
            output = output.select_assign(0, of, y, IndexingUpdateOp::Add);
        }
        let output = output.reshape([b, s, d]);
        let output = match &self.shared {
            Some(shared) => output + shared.forward(x),
            None => output,
        };
        (output, Routing { logits, counts })
    }

    /// The experts of each token, `top_k` after `top_k`, best first; the lowest number among equals.
    fn choose(&self, scores: Tensor<B, 2>) -> Vec<usize> {
        let config = self.design.config;
        let scores = match &self.correction {
            Some(correction) => scores + correction.val().unsqueeze(),
            None => scores,
        };
        let scores = scores.into_data().convert::<f32>();
        let scores = scores.into_vec::<f32>().expect("the data was converted to f32");
        let size = config.count / config.groups;
        let best = |of: &[f32], n: usize| -> Vec<usize> {
            let mut order: Vec<usize> = (0..of.len()).collect();
            order.sort_by(|a, b| of[*b].total_cmp(&of[*a]).then(a.cmp(b)));
            order.truncate(n);
            order
        };
        let choose = |row: &[f32]| {
            let mut row = row.to_vec();
            if config.top_groups < config.groups {
                // A group is as good as its two best experts together.
                let worth = |group: &[f32]| best(group, 2).iter().map(|i| group[*i]).sum::<f32>();
                let groups: Vec<f32> = row.chunks(size).map(worth).collect();
                let kept = best(&groups, config.top_groups);
                let dropped = (0..config.count).filter(|i| !kept.contains(&(i / size)));
                dropped.for_each(|i| row[i] = f32::NEG_INFINITY);
            }
            best(&row, config.top_k)
        };
        scores.chunks(config.count).flat_map(choose).collect()
    }
}

/// The losses that keep routers even and small, weighted: 0 where their weights are.
///
/// Balance: `experts * sum_e(share of the choices that e got, over one slot) * (mean probability of
/// e)` over the tokens of all blocks together (Fedus et al., "Switch Transformers", 2021, §2.2, as
/// Hugging Face's `load_balancing_loss_func` extends it to several choices). z: the mean over tokens
/// and blocks of the squared log-sum-exp of the scores (Zoph et al., "ST-MoE", 2022, eq. 5).
pub(crate) fn router_loss<B: Backend>(
    routings: &[Routing<B>],
    design: &ExpertsDesign,
) -> Option<Tensor<B, 1>> {
    let config = design.config;
    if routings.is_empty() || (config.balance_loss == 0.0 && config.z_loss == 0.0) {
        return None;
    }
    let logits = Tensor::cat(routings.iter().map(|r| r.logits.clone()).collect(), 0);
    let [tokens, count] = logits.dims();
    let share =
        |e: usize| routings.iter().map(|r| r.counts[e]).sum::<usize>() as f32 / tokens as f32;
    let shares = TensorData::new((0..count).map(share).collect::<Vec<f32>>(), [1, count]);
    let shares = Tensor::<B, 2>::from_data(shares, &logits.device());
    let probabilities = softmax(logits.clone(), 1).mean_dim(0);
    let balance = (probabilities * shares).sum() * (count as f64 * config.balance_loss);
    // log_softmax(x) = x - log-sum-exp(x), in every column.
    let log_sum = logits.clone().narrow(1, 0, 1) - log_softmax(logits, 1).narrow(1, 0, 1);
    Some(balance + log_sum.powi_scalar(2).mean() * config.z_loss)
}
