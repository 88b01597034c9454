//! Batches of a run, each a pure function of its number.

use crate::{Batch, DataOrder, Mixture, MixtureConfig, PackError, PackedDataset, Result, Sample};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Where a sample of the run comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleRef {
    /// Number of the source in the mixture; 0 where there is only one.
    pub source: usize,
    /// How often the source was passed over before.
    pub epoch: u64,
    /// The sequence in that source's [`PackedDataset`].
    pub index: u64,
}

/// Hands out the batches of a run.
///
/// The run is one endless stream of samples, fixed by seed, sources and mixture. An optimizer step
/// takes the next `batch_size` of them; a rank of several takes every `world_size`-th of those; a
/// micro-batch takes the next rows of the rank's share. Nothing is remembered between calls: to
/// resume, ask for the step after the last one, or, where the batch size changes during the run,
/// keep the number of samples taken so far and use [`batch_at`](Self::batch_at). The samples of a
/// step do not depend on the number of ranks or micro-batches.
///
/// Calls take `&self` and are safe from many threads, so that later batches can be read ahead.
#[derive(Debug, Clone)]
pub struct Loader {
    sources: Vec<Arc<PackedDataset>>,
    orders: Vec<DataOrder>,
    mixture: Mixture,
    seed: u64,
    batch_size: usize,
    micro_batch_size: usize,
    rank: usize,
    world_size: usize,
}

impl Loader {
    /// Batches of one dataset: `batch_size` sequences per step, in one micro-batch, on one rank.
    ///
    /// # Errors
    /// The batch size is 0, or a batch has more than 2^31 - 1 positions.
    pub fn new(
        dataset: impl Into<Arc<PackedDataset>>,
        seed: u64,
        batch_size: usize,
    ) -> Result<Self> {
        Self::build(vec![dataset.into()], Mixture::single("data"), seed, batch_size)
    }

    /// Batches of several datasets, each with its share; `sources` in the order of the mixture's.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`MixtureConfig::resolve`]; or the datasets are not one per source,
    /// or differ in sequence length or tokenizer.
    pub fn with_mixture(
        sources: Vec<Arc<PackedDataset>>,
        mixture: MixtureConfig,
        seed: u64,
        batch_size: usize,
    ) -> Result<Self> {
        Self::build(sources, mixture.resolve()?, seed, batch_size)
    }

    fn build(
        sources: Vec<Arc<PackedDataset>>,
        mixture: Mixture,
        seed: u64,
        batch_size: usize,
    ) -> Result<Self> {
        let mut faults = Vec::new();
        let n = mixture.sources().len();
        if sources.len() != n {
            faults.push(format!("sources: {} datasets for {n} sources", sources.len()));
        }
        for (source, dataset) in mixture.sources().iter().zip(&sources) {
            let (header, len) = (dataset.tokens().header(), dataset.seq_len());
            let (first, first_len) = (sources[0].tokens().header(), sources[0].seq_len());
            if len != first_len {
                faults.push(format!("seq_len: {len} in {:?}, {first_len} before", source.name));
            }
            if header != first {
                faults.push(format!("tokenizer: {:?} has another than the first", source.name));
            }
        }
        if !faults.is_empty() {
            return Err(PackError::Config { faults });
        }
        let orders = (0..)
            .zip(&sources)
            .map(|(stream, source)| DataOrder::new(seed, stream, source.n_samples()))
            .collect::<Result<_>>()?;
        Self {
            sources,
            orders,
            mixture,
            seed,
            batch_size,
            micro_batch_size: batch_size,
            rank: 0,
            world_size: 1,
        }
        .validated()
    }

    /// The same with at most `rows` sequences per micro-batch; the last of a step may have fewer.
    ///
    /// # Errors
    /// `rows` is 0, or a micro-batch has more than 2^31 - 1 positions.
    pub fn micro_batch_size(mut self, rows: usize) -> Result<Self> {
        self.micro_batch_size = rows;
        self.validated()
    }

    /// The same for rank `rank` of `world_size`.
    ///
    /// # Errors
    /// The rank is not below the number of ranks.
    pub fn rank(mut self, rank: usize, world_size: usize) -> Result<Self> {
        (self.rank, self.world_size) = (rank, world_size);
        self.validated()
    }

    fn validated(self) -> Result<Self> {
        let Self { batch_size, micro_batch_size, rank, world_size, .. } = &self;
        let mut faults = Vec::new();
        if *batch_size == 0 {
            faults.push("batch_size: is 0".to_owned());
        }
        if *micro_batch_size == 0 && *batch_size > 0 {
            faults.push("micro_batch_size: is 0".to_owned());
        }
        if rank >= world_size {
            faults.push(format!("rank: {rank} of {world_size}"));
        }
        let rows = (*micro_batch_size).min(*batch_size);
        let positions = rows.checked_mul(self.seq_len());
        if positions.is_none_or(|positions| i32::try_from(positions).is_err()) {
            let len = self.seq_len();
            faults.push(format!("micro_batch_size: {rows} rows of {len} pass 2^31-1 positions"));
        }
        if faults.is_empty() { Ok(self) } else { Err(PackError::Config { faults }) }
    }

    /// Positions per sequence.
    pub fn seq_len(&self) -> usize {
        self.sources[0].seq_len()
    }

    /// Sequences per step over all ranks.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The datasets.
    pub fn sources(&self) -> &[Arc<PackedDataset>] {
        &self.sources
    }

    /// The mixture of the datasets.
    pub fn mixture(&self) -> &Mixture {
        &self.mixture
    }

    /// How often each source is passed over in the first `n_samples` of the stream: a check to make
    /// before the run.
    ///
    /// # Errors
    /// A source would pass its limit of epochs.
    pub fn epochs(&self, n_samples: u64) -> Result<Vec<f64>> {
        let available: Vec<u64> = self.sources.iter().map(|source| source.n_samples()).collect();
        self.mixture.epochs(n_samples, &available)
    }

    /// A number that names everything the stream of samples depends on: contents, packing, mixture
    /// and seed, not batch sizes or ranks. Kept in a checkpoint beside the counter, it tells whether
    /// the counter still means the same.
    pub fn content(&self) -> u64 {
        let mut words = vec![self.seed];
        for ((source, share), dataset) in
            self.mixture.sources().iter().zip(self.mixture.shares()).zip(&self.sources)
        {
            let limit = source.max_epochs.unwrap_or(f64::INFINITY);
            words.extend([share.to_bits(), limit.to_bits(), dataset.content()]);
        }
        let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
        xxh3_64(&bytes)
    }

    /// Where sample `counter` of the stream comes from.
    pub fn locate(&self, counter: u64) -> SampleRef {
        let (source, ordinal) = self.mixture.index(counter);
        let (epoch, index) = self.orders[source].index(ordinal);
        SampleRef { source, epoch, index }
    }

    /// Sample `counter` of the stream.
    ///
    /// # Errors
    /// The source is past its limit of epochs, or its tokens cannot be read.
    pub fn sample(&self, counter: u64) -> Result<Sample> {
        let SampleRef { source, index, .. } = self.locate(counter);
        // Limits are rare; the counting is done only where there is one.
        if self.mixture.sources()[source].max_epochs.is_some() {
            self.epochs(counter.saturating_add(1))?;
        }
        self.sources[source].sample(index)
    }

    /// Sequences of this rank in a step.
    pub fn n_rows(&self) -> usize {
        self.rows_of(self.batch_size)
    }

    /// Micro-batches of this rank in a step. Where ranks do not divide the batch, it may differ
    /// between ranks by one.
    pub fn n_micro_batches(&self) -> usize {
        self.n_rows().div_ceil(self.micro_batch_size)
    }

    /// Micro-batch `micro` of this rank in step `step` (from 0), all steps having
    /// [`batch_size`](Self::batch_size) sequences.
    ///
    /// # Errors
    /// The rank has no such micro-batch, the counter would pass `u64`, or as
    /// [`sample`](Self::sample).
    pub fn batch(&self, step: u64, micro: usize) -> Result<Batch> {
        let len = u64::MAX / self.batch_size as u64;
        let first = step.checked_mul(self.batch_size as u64);
        let first = first.ok_or(PackError::OutOfRange { what: "step", index: step, len })?;
        self.batch_at(first, self.batch_size, micro)
    }

    /// The same for a step that takes `batch_size` samples after `samples_taken` others.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    pub fn batch_at(&self, samples_taken: u64, batch_size: usize, micro: usize) -> Result<Batch> {
        let rows = self.rows_of(batch_size);
        let n_micro = rows.div_ceil(self.micro_batch_size);
        if micro >= n_micro {
            let (index, len) = (micro as u64, n_micro as u64);
            return Err(PackError::OutOfRange { what: "micro-batch", index, len });
        }
        let end = samples_taken.checked_add(batch_size as u64);
        if end.is_none() {
            let (index, len) = (samples_taken, u64::MAX - batch_size as u64);
            return Err(PackError::OutOfRange { what: "sample counter", index, len });
        }
        let first = micro * self.micro_batch_size;
        let last = rows.min(first.saturating_add(self.micro_batch_size));
        let samples = (first..last)
            .map(|row| self.sample(samples_taken + (self.rank + row * self.world_size) as u64))
            .collect::<Result<Vec<_>>>()?;
        Batch::from_samples(&samples)
    }

    /// How many of `0..batch_size` are `rank` modulo `world_size`.
    fn rows_of(&self, batch_size: usize) -> usize {
        batch_size.saturating_sub(self.rank).div_ceil(self.world_size)
    }
}
