//! The optional third stage: candidate pairs, and which of them are true.

use super::groups::Pair;
use super::work::{Bits, Key, ShardInfo, Staged, n_documents};
use crate::minhash::{jaccard, shingle_set};
use crate::runs::{RunFile, RunWriter, Sorter};
use crate::{DedupError, Result};
use pretrain_store::Unit;
use rayon::prelude::*;

/// In groups of up to this many documents, all pairs are candidates.
const ALL_PAIRS: usize = 1024;
/// In larger groups, each document with the first and with so many that follow it.
const NEIGHBOURS: usize = 32;
/// Pairs that one thread verifies at a time.
const CHUNK: usize = 1024;

const PAIRS: &str = "pairs";
const VERIFIED: &str = "verified";

/// The documents whose shingles are needed.
#[derive(Debug)]
pub struct Wanted {
    documents: Bits,
    shards: Vec<ShardInfo>,
}

impl Wanted {
    /// Whether the shingles of a document of a shard are needed.
    pub fn contains(&self, shard: usize, document: u32) -> bool {
        self.shards.get(shard).is_some_and(|shard| {
            document < shard.n_documents && self.documents.get(shard.first + document)
        })
    }
}

/// Takes the shingles of one shard's wanted documents in order. Memory: 16 bytes per wanted document.
#[derive(Debug)]
pub struct SetWriter<'a, K> {
    staged: &'a Staged<K>,
    name: String,
    run: RunWriter,
    /// Document in the collection, first hash, number of hashes.
    places: Vec<(u32, u64, u32)>,
    first: u32,
    n_hashes: u64,
}

impl<K: Key> SetWriter<'_, K> {
    /// Adds the shingle hashes (in any order, with repeats) of a document of the shard. Documents come in
    /// ascending order.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn push(&mut self, document: u32, hashes: Vec<u64>) -> Result<()> {
        let set = shingle_set(hashes);
        set.iter().try_for_each(|hash| self.run.push(hash))?;
        self.places.push((self.first + document, self.n_hashes, set.len() as u32));
        self.n_hashes += set.len() as u64;
        Ok(())
    }

    /// Makes the sets part of the run.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn commit(mut self) -> Result<()> {
        self.run.begin::<(u32, u64, u32)>()?;
        self.places.iter().try_for_each(|place| self.run.push(place))?;
        let entry = self.run.finish()?;
        Ok(self.staged.stage.commit_unit(Unit::new(&self.name).file(entry))?)
    }
}

fn sets_name(shard: usize) -> String {
    format!("sets-{shard:06}")
}

impl<K: Key> Staged<K> {
    /// Finds the candidate pairs and says whose shingles are needed; `None` if nothing is verified.
    ///
    /// In a group of up to 1024 documents with an equal key every pair is a candidate; in larger ones every
    /// document is compared with the first and the 32 after it, so that the density of such clusters is
    /// underestimated.
    ///
    /// # Errors
    /// A band was not grouped; a run is damaged; the disk refuses.
    pub fn pairs(&self) -> Result<Option<Wanted>> {
        if self.config.verify.is_none() {
            return Ok(None);
        }
        if self.stage.unit(PAIRS).is_none() {
            let mut sorter =
                Sorter::spilling(self.stage.dir(), "sorting-pairs", self.memory_bytes / 2);
            for band in 0..self.bands {
                self.for_each_group(band, |group, _| {
                    candidates(group, &mut |pair| sorter.push(pair))
                })?;
            }
            let mut out = RunWriter::create(&self.path("pairs.run"))?;
            out.begin::<Pair>()?;
            let (mut last, mut n) = (None, 0);
            for pair in sorter.finish()? {
                let pair = pair?;
                if last != Some(pair) {
                    out.push(&pair)?;
                    n += 1;
                    last = Some(pair);
                }
            }
            let entry = out.finish()?;
            self.stage.commit_unit(Unit::new(PAIRS).file(entry).count("candidates", n))?;
        }
        let shards = self.shards("finding pairs")?;
        let mut documents = Bits::new(n_documents(&shards));
        for pair in RunFile::open(&self.path("pairs.run"))?.section::<Pair>(0)? {
            let (a, b) = pair?;
            documents.set(a);
            documents.set(b);
        }
        Ok(Some(Wanted { documents, shards }))
    }

    /// Calls `each` with every group of two or more documents of a band, ascending, and whether an
    /// index of earlier data holds its key; with groups of one only if it does.
    pub(super) fn for_each_group(
        &self,
        band: usize,
        mut each: impl FnMut(&[u32], bool) -> Result<()>,
    ) -> Result<()> {
        let (mut group, mut known) = (Vec::new(), false);
        for pair in self.band_pairs(band, "reading groups")? {
            let (first, other) = pair?;
            if group.first() != Some(&first) {
                if !group.is_empty() {
                    each(&group, known)?;
                }
                group.clear();
                group.push(first);
                known = first == other;
            }
            if first != other {
                group.push(other);
            }
        }
        if group.is_empty() { Ok(()) } else { each(&group, known) }
    }

    /// What takes the shingles of shard `i`'s wanted documents, or `None` if they were committed before
    /// or nothing is verified.
    ///
    /// # Errors
    /// Pairs were not found; the disk refuses.
    pub fn sets(&self, i: usize) -> Result<Option<SetWriter<'_, K>>> {
        let name = sets_name(i);
        if self.config.verify.is_none() || self.stage.unit(&name).is_some() {
            return Ok(None);
        }
        self.require(PAIRS, "collecting shingles", "finding pairs")?;
        let shards = self.shards("collecting shingles")?;
        let mut run = RunWriter::create(&self.path(&format!("{name}.run")))?;
        run.begin::<u64>()?;
        let (places, first) = (Vec::new(), shards[i].first);
        Ok(Some(SetWriter { staged: self, name, run, places, first, n_hashes: 0 }))
    }

    /// Keeps the candidate pairs whose shingle sets have the Jaccard similarity asked for. Does nothing if
    /// nothing is verified, or if it was done before. Pairs are divided over rayon's pool.
    ///
    /// # Errors
    /// The sets of a shard were not committed; a run is damaged; the disk refuses.
    pub fn verify(&self) -> Result<()> {
        let Some(threshold) = self.config.verify.filter(|_| self.stage.unit(VERIFIED).is_none())
        else {
            return Ok(());
        };
        let sets = self.open_sets()?;
        let mut out = RunWriter::create(&self.path("verified.run"))?;
        out.begin::<Pair>()?;
        let (mut n_accepted, mut n_rejected) = (0, 0);
        let mut pairs = RunFile::open(&self.path("pairs.run"))?.section::<Pair>(0)?;
        loop {
            let some = pairs.by_ref().take(CHUNK * rayon::current_num_threads());
            let some = some.collect::<Result<Vec<Pair>>>()?;
            if some.is_empty() {
                break;
            }
            let judged: Result<Vec<Vec<bool>>> =
                some.par_chunks(CHUNK).map(|pairs| judge(&sets, pairs, threshold)).collect();
            for (pair, accepted) in some.iter().zip(judged?.concat()) {
                if accepted {
                    out.push(pair)?;
                    n_accepted += 1;
                } else {
                    n_rejected += 1;
                }
            }
        }
        // What an index holds cannot be verified and counts as it is.
        for band in 0..self.bands {
            self.for_each_group(band, |group, known| match known {
                true => group.iter().try_for_each(|&document| out.push(&(document, document))),
                false => Ok(()),
            })?;
        }
        let unit = Unit::new(VERIFIED).file(out.finish()?);
        let unit = unit.count("verified", n_accepted).count("rejected", n_rejected);
        Ok(self.stage.commit_unit(unit)?)
    }

    fn open_sets(&self) -> Result<Sets> {
        let (mut files, mut places) = (Vec::new(), Vec::new());
        for i in 0..self.n_shards {
            let name = sets_name(i);
            self.require(&name, "verification", "the shingles of every shard")?;
            let file = RunFile::open(&self.path(&format!("{name}.run")))?;
            let from = places.len();
            for place in file.section::<(u32, u64, u32)>(1)? {
                places.push(place?);
            }
            files.push((from, file));
        }
        Ok(Sets { files, places })
    }

    /// Every pair that connects two documents, or one with itself if an index holds it; with the band
    /// of its group. After verification each pair is its own group.
    pub(super) fn for_each_link(
        &self,
        mut each: impl FnMut(u32, Pair) -> Result<()>,
    ) -> Result<()> {
        if self.config.verify.is_some() {
            self.require(VERIFIED, "clustering", "verification")?;
            for pair in RunFile::open(&self.path("verified.run"))?.section::<Pair>(0)? {
                each(0, pair?)?;
            }
            return Ok(());
        }
        for band in 0..self.bands {
            for pair in self.band_pairs(band, "clustering")? {
                each(band as u32, pair?)?;
            }
        }
        Ok(())
    }
}

fn candidates(group: &[u32], each: &mut impl FnMut(Pair) -> Result<()>) -> Result<()> {
    let reach = if group.len() <= ALL_PAIRS { group.len() } else { NEIGHBOURS };
    for (i, &earlier) in group.iter().enumerate() {
        let later = &group[i + 1..group.len().min(i + 1 + reach)];
        later.iter().try_for_each(|&later| each((earlier, later)))?;
        if i > reach {
            each((group[0], earlier))?;
        }
    }
    Ok(())
}

/// The shingle sets of all wanted documents, on disk.
struct Sets {
    /// First place and file of every shard.
    files: Vec<(usize, RunFile)>,
    places: Vec<(u32, u64, u32)>,
}

impl Sets {
    fn of(&self, document: u32) -> Result<Vec<u64>> {
        let found = self.places.binary_search_by_key(&document, |place| place.0);
        let missing =
            DedupError::StageOrder { asked: "verification", missing: "the shingles of a document" };
        let place = found.map_err(|_| missing)?;
        let (_, start, n) = self.places[place];
        let file = self.files.partition_point(|(first, _)| *first <= place) - 1;
        // Shards without any place begin where the next one does; the last of them has it.
        self.files[file].1.range(0, start..start + u64::from(n))
    }
}

fn judge(sets: &Sets, pairs: &[Pair], threshold: f64) -> Result<Vec<bool>> {
    let mut first: Option<(u32, Vec<u64>)> = None;
    let mut judged = Vec::with_capacity(pairs.len());
    for &(a, b) in pairs {
        if first.as_ref().is_none_or(|(document, _)| *document != a) {
            first = Some((a, sets.of(a)?));
        }
        let (_, left) = first.as_ref().expect("set just above");
        judged.push(jaccard(left, &sets.of(b)?) >= threshold);
    }
    Ok(judged)
}
