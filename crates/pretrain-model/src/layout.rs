//! Names and shapes of a model's parameters, before there is a model: the one place that says which
//! parameters a [`Design`] has. Modules are assembled from what is listed here.

use crate::config::{ModelConfig, ResolvedConfig};
use crate::design::{Design, NormWeight, Positions, RotaryDesign};
use crate::error::ConfigFault;

/// Names and shapes of every parameter of a configuration, in the order of the layers. Matrices are
/// `[out, in]`. Nothing is allocated for the parameters themselves.
pub fn parameter_shapes(config: &ResolvedConfig) -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    visit(config.as_config(), config.design(), &mut |name, shape| {
        shapes.push((name.to_owned(), shape.to_vec()));
    });
    shapes
}

/// Number of stored numbers, if memory could hold them.
pub(crate) fn count_parameters(config: &ModelConfig, design: &Design) -> Option<usize> {
    let mut total = Some(0usize);
    visit(config, design, &mut |_, shape| {
        let size = shape.iter().try_fold(1usize, |product, n| product.checked_mul(*n));
        total = total.zip(size).and_then(|(total, size)| total.checked_add(size));
    });
    // Four bytes each must be addressable too.
    total.filter(|total| *total <= isize::MAX as usize / 4)
}

/// What keeps a design from being built.
pub(crate) fn faults(config: &ModelConfig, design: &Design) -> Vec<ConfigFault> {
    let mut faults = Vec::new();
    let head_dim = design.attention.head_dim;
    match design.positions {
        Positions::Rotary(RotaryDesign { dim, .. }) if dim % 2 == 1 || dim == 0 => {
            faults.push(ConfigFault::OddHeadDim { head_dim: dim });
        }
        Positions::Sinusoidal if config.d_model % 2 == 1 => {
            let (field, found) = ("d_model", config.d_model as f64);
            let expected = "even, as sines and cosines need";
            faults.push(ConfigFault::Range { field, found, expected });
        }
        _ => {}
    }
    if head_dim == 0 {
        faults.push(ConfigFault::Zero { field: "head_dim" });
    }
    faults
}

type Each<'a> = &'a mut dyn FnMut(&str, &[usize]);

fn visit(config: &ModelConfig, design: &Design, each: Each<'_>) {
    let c = config;
    let d = c.d_model;
    let mut list = List { design, each };
    let width = design.embedding.width.unwrap_or(d);
    list.add("embedding.weight", &[c.vocab_size, width]);
    if let Positions::Learned { offset, .. } = design.positions {
        list.add("embedding.positions", &[c.max_seq_len.saturating_add(offset), width]);
    }
    if design.embedding.token_types > 0 {
        list.add("embedding.token_types", &[design.embedding.token_types, width]);
    }
    if design.embedding.block_positions > 0 {
        list.add("embedding.block_positions", &[design.embedding.block_positions, width]);
    }
    if design.embedding.norm {
        list.norm("embedding.norm", width);
    }
    if width != d {
        list.linear("embedding.projection", [d, width], true);
    }
    if let Some(n_layers) = design.encoder_layers {
        list.stack(c, "encoder.", n_layers, false);
    }
    list.stack(c, "", c.n_layers, design.encoder_layers.is_some());
    let head = &design.head;
    if head.transform.is_some() {
        list.linear("head.transform", [d, d], true);
    }
    if head.transform_norm {
        list.norm("head.norm", d);
    }
    let rows = if head.discriminator { 1 } else { c.vocab_size };
    if head.discriminator || !c.tie_embeddings {
        list.add("head.weight", &[rows, d]);
    }
    if head.bias {
        list.add("head.bias", &[rows]);
    }
}

struct List<'a> {
    design: &'a Design,
    each: Each<'a>,
}

impl List<'_> {
    fn add(&mut self, name: &str, shape: &[usize]) {
        (self.each)(name, shape);
    }

    fn linear(&mut self, name: &str, shape: [usize; 2], bias: bool) {
        self.add(&format!("{name}.weight"), &shape);
        if bias {
            self.add(&format!("{name}.bias"), &shape[..1]);
        }
    }

    fn norm(&mut self, name: &str, width: usize) {
        if self.design.norm.weight != NormWeight::Absent {
            self.add(&format!("{name}.weight"), &[width]);
        }
        if self.design.norm.bias {
            self.add(&format!("{name}.bias"), &[width]);
        }
    }

    fn stack(&mut self, c: &ModelConfig, prefix: &str, n_layers: usize, cross: bool) {
        let design = self.design;
        if let Positions::Relative(relative) = design.positions {
            self.add(&format!("{prefix}relative_bias.weight"), &[relative.buckets, c.n_heads]);
        }
        for index in 0..n_layers {
            self.block(c, &format!("{prefix}blocks.{index}."), index, cross);
        }
        if design.final_norm {
            self.norm(&format!("{prefix}norm"), c.d_model);
        }
    }

    fn block(&mut self, c: &ModelConfig, prefix: &str, index: usize, cross: bool) {
        let placement = self.design.placement;
        let sublayer = |list: &mut Self, name: &str, inner: &dyn Fn(&mut Self, &str)| {
            if placement.has_norm() {
                list.norm(&format!("{prefix}{name}_norm"), c.d_model);
            }
            inner(list, &format!("{prefix}{name}"));
            if placement.has_output_norm() {
                list.norm(&format!("{prefix}{name}_output_norm"), c.d_model);
            }
        };
        sublayer(self, "attention", &|list, name| list.self_attention(c, name));
        if cross {
            sublayer(self, "cross_attention", &|list, name| list.attention(c, name));
        }
        sublayer(self, "mlp", &|list, name| list.network(c, name, index));
    }

    fn self_attention(&mut self, c: &ModelConfig, name: &str) {
        let design = &self.design.attention;
        let (d, h) = (c.d_model, c.n_heads);
        let Some(latent) = design.latent else { return self.attention(c, name) };
        let query = h.saturating_mul(latent.plain_dim + latent.rope_dim);
        match latent.query_rank {
            Some(rank) => {
                self.linear(&format!("{name}.query_down"), [rank, d], design.bias);
                self.norm(&format!("{name}.query_norm"), rank);
                self.linear(&format!("{name}.query"), [query, rank], false);
            }
            None => self.linear(&format!("{name}.query"), [query, d], false),
        }
        let (rank, down) = (latent.key_value_rank, format!("{name}.key_value_down"));
        self.linear(&down, [rank + latent.rope_dim, d], design.bias);
        self.norm(&format!("{name}.key_value_norm"), rank);
        let up = h.saturating_mul(latent.plain_dim + latent.value_dim);
        self.linear(&format!("{name}.key_value"), [up, rank], false);
        let output = [d, h.saturating_mul(latent.value_dim)];
        self.linear(&format!("{name}.output"), output, design.output_bias);
    }

    fn attention(&mut self, c: &ModelConfig, name: &str) {
        let design = &self.design.attention;
        let (d, e) = (c.d_model, design.head_dim);
        let (query, key) = (c.n_heads.saturating_mul(e), c.n_kv_heads.saturating_mul(e));
        self.linear(&format!("{name}.query"), [query, d], design.bias);
        self.linear(&format!("{name}.key"), [key, d], design.bias);
        self.linear(&format!("{name}.value"), [key, d], design.bias);
        if let Some(norm) = design.qk_norm {
            let widths = if norm.whole { [query, key] } else { [e, e] };
            self.norm(&format!("{name}.query_norm"), widths[0]);
            self.norm(&format!("{name}.key_norm"), widths[1]);
        }
        self.linear(&format!("{name}.output"), [d, query], design.output_bias);
    }

    fn network(&mut self, c: &ModelConfig, name: &str, index: usize) {
        let Some(experts) = self.design.experts_of(index) else {
            return self.mlp(c.d_model, c.d_ff, name);
        };
        let e = experts.config;
        self.linear(&format!("{name}.router"), [e.count, c.d_model], false);
        if experts.correction {
            self.add(&format!("{name}.correction"), &[e.count]);
        }
        for expert in 0..e.count {
            self.mlp(c.d_model, e.d_ff, &format!("{name}.experts.{expert}"));
        }
        if e.shared > 0 {
            self.mlp(c.d_model, e.d_ff.saturating_mul(e.shared), &format!("{name}.shared"));
        }
    }

    fn mlp(&mut self, d: usize, f: usize, name: &str) {
        let design = self.design.mlp;
        if design.gated {
            self.linear(&format!("{name}.gate"), [f, d], design.bias);
        }
        self.linear(&format!("{name}.up"), [f, d], design.bias);
        self.linear(&format!("{name}.down"), [d, f], design.bias);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_add_up_to_the_number_of_parameters() {
        for tied in [true, false] {
            let mut config = ModelConfig::tiny(10);
            config.tie_embeddings = tied;
            config.head_dim = Some(12);
            let config = config.resolve().unwrap();
            let shapes = parameter_shapes(&config);
            let total: usize =
                shapes.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
            assert_eq!(total, config.n_parameters());
            assert_eq!(shapes.len(), 2 * 9 + 2 + usize::from(!tied));
        }
    }
}
