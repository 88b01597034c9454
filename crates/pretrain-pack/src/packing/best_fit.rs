//! Best-fit decreasing bin packing, fast and plain.
//!
//! Items go in by length, longest first, equal lengths in their given order; each goes to the open
//! bin with the least room that still fits it, the lowest-numbered of equals, or to a new bin.
//! Both functions compute exactly that assignment.

use super::bitmap::Bitmap;
use crate::{PackError, Result};
use std::cmp::Reverse;

/// The largest bin that is packed.
pub(super) const MAX_CAPACITY: u32 = 1 << 24;

/// Which bin each item went to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bins {
    /// The bin of each item.
    pub assignment: Vec<u32>,
    /// The load of each bin, in the unit of the lengths.
    pub loads: Vec<u32>,
}

impl Bins {
    /// The items of each bin in order of placement: bin `b` holds `items[starts[b]..starts[b + 1]]`.
    /// `lengths` are those that were packed.
    pub fn contents(&self, lengths: &[u32]) -> (Vec<u64>, Vec<u32>) {
        let mut starts = vec![0_u64; self.loads.len() + 1];
        for &bin in &self.assignment {
            starts[bin as usize + 1] += 1;
        }
        for bin in 1..starts.len() {
            starts[bin] += starts[bin - 1];
        }
        let mut next = starts.clone();
        let mut items = vec![0; self.assignment.len()];
        for item in longest_first(lengths) {
            let slot = &mut next[self.assignment[item as usize] as usize];
            items[*slot as usize] = item;
            *slot += 1;
        }
        (starts, items)
    }
}

/// Packs by best-fit decreasing.
///
/// Works on runs of items of one length: the bin with the least room that fits takes as many of them
/// as it can, since after the first it is still the fullest that fits. Bins are kept by their room,
/// with a bitmap that tells the next room that has any. While lengths of `n` are placed, bins are
/// drawn from rooms of `n` or more and land in smaller ones, so that a room is sorted once, when it is
/// first drawn from. O(n log n) in the items, memory O(items + capacity).
///
/// # Errors
/// A length is 0 or above the capacity, the capacity is above 2^24 (the memory per amount of room
/// would not be small any more), or there are more than 2^32 - 1 items.
pub fn best_fit_decreasing(lengths: &[u32], capacity: u32) -> Result<Bins> {
    validate(lengths, capacity)?;
    let mut open = OpenBins::new(capacity);
    let mut assignment = vec![0; lengths.len()];
    let mut loads: Vec<u32> = Vec::new();
    let order = longest_first(lengths);
    for run in order.chunk_by(|&a, &b| lengths[a as usize] == lengths[b as usize]) {
        let length = lengths[run[0] as usize];
        let mut rest = run;
        while !rest.is_empty() {
            let (room, bin) = open.take(length).unwrap_or_else(|| {
                loads.push(0);
                (capacity, loads.len() as u32 - 1)
            });
            let (now, later) = rest.split_at(rest.len().min((room / length) as usize));
            for &item in now {
                assignment[item as usize] = bin;
            }
            let placed = now.len() as u32 * length;
            loads[bin as usize] += placed;
            open.put(room - placed, bin);
            rest = later;
        }
    }
    Ok(Bins { assignment, loads })
}

/// Bins that are not full, by room.
struct OpenBins {
    rooms: Vec<Room>,
    /// The rooms that have bins.
    occupied: Bitmap,
}

#[derive(Default)]
struct Room {
    /// Bin numbers; falling if `sorted`, so that the lowest is at the end.
    bins: Vec<u32>,
    sorted: bool,
}

impl OpenBins {
    fn new(capacity: u32) -> Self {
        let mut rooms = Vec::new();
        rooms.resize_with(capacity as usize, Room::default);
        Self { rooms, occupied: Bitmap::new(capacity as usize) }
    }

    /// Takes the lowest bin of the least room that is at least `length`; returns room and bin.
    fn take(&mut self, length: u32) -> Option<(u32, u32)> {
        let at = self.occupied.next(length as usize)?;
        let room = &mut self.rooms[at];
        if !room.sorted {
            room.bins.sort_unstable_by(|a, b| b.cmp(a));
            room.sorted = true;
        }
        let bin = room.bins.pop().expect("the bitmap names rooms with bins");
        if room.bins.is_empty() {
            self.occupied.remove(at);
            room.sorted = false;
        }
        Some((at as u32, bin))
    }

    /// Adds a bin; a full one is forgotten.
    fn put(&mut self, room: u32, bin: u32) {
        if room == 0 {
            return;
        }
        let at = room as usize;
        let room = &mut self.rooms[at];
        if room.bins.is_empty() {
            self.occupied.insert(at);
        }
        if room.sorted {
            // Only the last bin of a run lands in a room that was drawn from.
            let place = room.bins.partition_point(|&other| other > bin);
            room.bins.insert(place, bin);
        } else {
            room.bins.push(bin);
        }
    }
}

/// The same by looking at every bin for every item: O(items * bins), kept as the reference.
///
/// # Errors
/// As [`best_fit_decreasing`].
pub fn best_fit_decreasing_plain(lengths: &[u32], capacity: u32) -> Result<Bins> {
    validate(lengths, capacity)?;
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&item| Reverse(lengths[item]));
    let mut assignment = vec![0; lengths.len()];
    let mut loads: Vec<u32> = Vec::new();
    for item in order {
        let fits = |&(_, &load): &(usize, &u32)| load + lengths[item] <= capacity;
        // The first of the fullest: max_by_key would give the last.
        let best = loads.iter().enumerate().filter(fits).min_by_key(|&(_, &load)| Reverse(load));
        let bin = best.map_or(loads.len(), |(bin, _)| bin);
        if bin == loads.len() {
            loads.push(0);
        }
        loads[bin] += lengths[item];
        assignment[item] = bin as u32;
    }
    Ok(Bins { assignment, loads })
}

/// Item numbers by length descending, equal lengths in order: a counting sort.
fn longest_first(lengths: &[u32]) -> Vec<u32> {
    let longest = lengths.iter().copied().max().unwrap_or(0) as usize;
    let mut next = vec![0_u32; longest + 2];
    // Rank 0 is the longest; next[rank] becomes the first place of that rank.
    for &length in lengths {
        next[longest - length as usize + 1] += 1;
    }
    for rank in 1..next.len() {
        next[rank] += next[rank - 1];
    }
    let mut order = vec![0; lengths.len()];
    for (item, &length) in (0..).zip(lengths) {
        let place = &mut next[longest - length as usize];
        order[*place as usize] = item;
        *place += 1;
    }
    order
}

fn validate(lengths: &[u32], capacity: u32) -> Result<()> {
    let mut faults = Vec::new();
    if capacity > MAX_CAPACITY {
        faults.push(format!("capacity: {capacity} is above {MAX_CAPACITY}"));
    }
    if let Some(item) = lengths.iter().position(|&length| length == 0 || length > capacity) {
        let length = lengths[item];
        faults.push(format!("lengths: item {item} has length {length}, not in 1..={capacity}"));
    }
    if u32::try_from(lengths.len()).is_err() {
        faults.push(format!("lengths: {} items, at most 2^32-1", lengths.len()));
    }
    if faults.is_empty() { Ok(()) } else { Err(PackError::Config { faults }) }
}
