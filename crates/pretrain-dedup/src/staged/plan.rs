//! What a staged run will need, before it starts.

use super::StagedConfig;
use crate::minhash::MinHashConfig;
use serde::Serialize;

/// The collection and the machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlanInput {
    /// Documents.
    pub n_documents: u64,
    /// Bytes of text.
    pub n_bytes: u64,
    /// Threads.
    pub n_threads: u64,
    /// The memory budget, in bytes.
    pub memory_bytes: u64,
    /// Bytes of text per second and thread that keys are made at; measure it on a sample, as it depends on the
    /// texts.
    pub keys_per_second: f64,
    /// Share of documents in groups of equal keys, for the disk that groups take; 0.3 is common for web text.
    pub duplicated: f64,
}

/// What one stage needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlannedStage {
    /// The stage's name.
    pub name: &'static str,
    /// Memory at its peak, in bytes.
    pub memory_bytes: u64,
    /// What it adds to the disk, in bytes.
    pub disk_bytes: u64,
    /// Estimated time, in seconds.
    pub seconds: f64,
}

/// Records per second and thread that are merged, sorted and connected; a cautious half of what was measured
/// (docs/scale.md).
const RECORDS_PER_SECOND: f64 = 5e6;

/// The stages of MinHash over a collection. Memory and disk follow from the formats; time is an estimate.
pub fn plan(
    minhash: &MinHashConfig,
    config: &StagedConfig,
    input: &PlanInput,
) -> Vec<PlannedStage> {
    let PlanInput { n_documents, n_bytes, n_threads, memory_bytes, keys_per_second, duplicated } =
        *input;
    let threads = n_threads.max(1) as f64;
    let bands = minhash.bands as u64;
    let records = n_documents.saturating_mul(bands);
    let grouped = records as f64 * duplicated.clamp(0.0, 1.0);
    let bits = n_documents / 4;
    let merging = super::work::MERGE_BYTES.saturating_mul(n_threads.max(1).min(bands));
    let forest = if n_documents.saturating_mul(4) <= memory_bytes / 2 {
        n_documents * 4
    } else {
        memory_bytes
    };
    // Contraction sorts all edges twice in each of about ten rounds.
    let rounds = if forest == memory_bytes { 20.0 } else { 1.0 };
    let mut stages = vec![
        PlannedStage {
            name: "keys",
            memory_bytes: memory_bytes / 2,
            disk_bytes: records.saturating_mul(12),
            seconds: n_bytes as f64 / keys_per_second.max(1.0) / threads,
        },
        PlannedStage {
            name: "groups",
            memory_bytes: merging,
            disk_bytes: (grouped * 8.0) as u64,
            seconds: records as f64 / RECORDS_PER_SECOND / threads,
        },
    ];
    if config.verify.is_some() {
        // Shingles of eight bytes, about one in six bytes of text.
        let sets = (n_bytes as f64 * duplicated * 8.0 / 6.0) as u64;
        stages.push(PlannedStage {
            name: "verify",
            memory_bytes: memory_bytes / 2 + (n_documents as f64 * duplicated * 16.0) as u64,
            disk_bytes: sets,
            seconds: n_bytes as f64 / keys_per_second.max(1.0) / threads
                + grouped / RECORDS_PER_SECOND,
        });
    }
    stages.push(PlannedStage {
        name: "clusters",
        memory_bytes: forest.saturating_add(memory_bytes / 2).saturating_add(bits),
        disk_bytes: n_documents.saturating_mul(4).saturating_add((grouped * 16.0) as u64),
        seconds: rounds * (grouped * 2.0 + n_documents as f64) / RECORDS_PER_SECOND,
    });
    stages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_grows_with_the_collection_and_stays_in_the_budget() {
        let input = PlanInput {
            n_documents: 10_000_000,
            n_bytes: 50_000_000_000,
            n_threads: 2,
            memory_bytes: 1 << 30,
            keys_per_second: 40e6,
            duplicated: 0.3,
        };
        let small = plan(&MinHashConfig::default(), &StagedConfig::default(), &input);
        let names: Vec<&str> = small.iter().map(|stage| stage.name).collect();
        assert_eq!(names, ["keys", "groups", "clusters"]);
        assert_eq!(small[0].disk_bytes, 10_000_000 * 14 * 12);
        assert_eq!(small[0].seconds, 625.0);
        assert!(small.iter().all(|stage| stage.memory_bytes < 2 << 30), "{small:?}");
        let input = PlanInput { n_documents: 1 << 31, ..input };
        let verify = StagedConfig { verify: Some(0.8), ..StagedConfig::default() };
        let large = plan(&MinHashConfig::default(), &verify, &input);
        assert_eq!(large.len(), 4);
        assert!(large[3].seconds > 20.0 * small[2].seconds, "{large:?}");
        assert!(large[3].memory_bytes < 3 << 30);
    }
}
