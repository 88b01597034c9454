//! Names and shapes of a model's parameters, before there is a model.

use crate::config::ResolvedConfig;
use crate::names::hugging_face_name;

/// Hugging Face names and shapes of every parameter of a configuration, in the order of the layers.
/// Matrices are `[out, in]`. Nothing is allocated for the parameters themselves.
pub fn parameter_shapes(config: &ResolvedConfig) -> Vec<(String, Vec<usize>)> {
    let c = config.as_config();
    let (d, e) = (c.d_model, config.head_dim());
    let (query, key_value) = (c.n_heads * e, c.n_kv_heads * e);
    let mut shapes = vec![(hugging_face_name(&["embedding", "weight"]), vec![c.vocab_size, d])];
    for index in 0..c.n_layers {
        let index = index.to_string();
        let norm = |part| hugging_face_name(&["blocks", &index, part, "weight"]);
        let inner = |module, part| hugging_face_name(&["blocks", &index, module, part, "weight"]);
        shapes.extend([
            (norm("attention_norm"), vec![d]),
            (inner("attention", "query"), vec![query, d]),
            (inner("attention", "key"), vec![key_value, d]),
            (inner("attention", "value"), vec![key_value, d]),
            (inner("attention", "output"), vec![d, query]),
            (norm("mlp_norm"), vec![d]),
            (inner("mlp", "gate"), vec![c.d_ff, d]),
            (inner("mlp", "up"), vec![c.d_ff, d]),
            (inner("mlp", "down"), vec![d, c.d_ff]),
        ]);
    }
    shapes.push((hugging_face_name(&["norm", "weight"]), vec![d]));
    if !c.tie_embeddings {
        shapes.push((hugging_face_name(&["head", "weight"]), vec![c.vocab_size, d]));
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;

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
