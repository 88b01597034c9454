//! Every kernel against its composed twin under Burn's own differentiation, and against finite
//! differences of a plain f64 implementation written here.

mod adamw;
mod attention;
mod checkpointing;
mod cross_entropy;
mod dtypes;
mod embedding;
mod grad_norm;
mod linear;
mod rms_norm;
mod rope;
mod support;
mod swiglu;
mod threads;
