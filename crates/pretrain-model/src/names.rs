//! From a parameter's place in our modules to its name in Hugging Face's.
//!
//! The modules of this crate are named by what they do, whatever family the model is of; the names
//! that other programs know are data. One table per family says which is which, `#` standing for
//! the number of a block. Optimizer groups, checkpoints and exports all use the names on the right.

/// The names of `LlamaForCausalLM`. A tied head has no parameter of its own, hence no name.
const LLAMA: &[(&str, &str)] = &[
    ("embedding.weight", "model.embed_tokens.weight"),
    ("blocks.#.attention_norm.weight", "model.layers.#.input_layernorm.weight"),
    ("blocks.#.attention.query.weight", "model.layers.#.self_attn.q_proj.weight"),
    ("blocks.#.attention.key.weight", "model.layers.#.self_attn.k_proj.weight"),
    ("blocks.#.attention.value.weight", "model.layers.#.self_attn.v_proj.weight"),
    ("blocks.#.attention.output.weight", "model.layers.#.self_attn.o_proj.weight"),
    ("blocks.#.mlp_norm.weight", "model.layers.#.post_attention_layernorm.weight"),
    ("blocks.#.mlp.gate.weight", "model.layers.#.mlp.gate_proj.weight"),
    ("blocks.#.mlp.up.weight", "model.layers.#.mlp.up_proj.weight"),
    ("blocks.#.mlp.down.weight", "model.layers.#.mlp.down_proj.weight"),
    ("norm.weight", "model.norm.weight"),
    ("head.weight", "lm_head.weight"),
];

/// The Hugging Face name of the parameter at `path` (`["blocks", "0", "mlp", "up", "weight"]`).
///
/// # Panics
/// No parameter of the decoder is there: the table and the modules have come apart, which a test
/// that visits every parameter prevents.
pub(crate) fn hugging_face_name<S: AsRef<str>>(path: &[S]) -> String {
    let is_number = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    let number = parts.iter().copied().find(|part| is_number(part)).unwrap_or_default();
    let pattern: Vec<&str> =
        parts.iter().map(|part| if is_number(part) { "#" } else { part }).collect();
    let pattern = pattern.join(".");
    let (_, name) = LLAMA
        .iter()
        .find(|(ours, _)| *ours == pattern)
        .expect("every parameter of the decoder has a row in the table");
    name.replace('#', number)
}

/// Whether a tensor of a Hugging Face file is a table that follows from the configuration. Old
/// exports store the rotary frequencies of every layer; they are computed, never loaded.
pub(crate) fn is_derived(name: &str) -> bool {
    name.starts_with("model.") && name.ends_with(".rotary_emb.inv_freq")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_names() {
        let path = ["blocks", "12", "attention", "query", "weight"];
        assert_eq!(hugging_face_name(&path), "model.layers.12.self_attn.q_proj.weight");
        assert_eq!(hugging_face_name(&["head", "weight"]), "lm_head.weight");
        assert!(is_derived("model.layers.3.self_attn.rotary_emb.inv_freq"));
        assert!(!is_derived("model.layers.3.self_attn.q_proj.weight"));
    }
}
