//! What one merge does to the pairs around it: which tokens stood beside its places, and where.

use super::pairs::NO_SLOT;

/// Postings of pairs: where each occurs, by its place in the table of pairs.
#[derive(Debug, Default)]
pub(super) struct Postings {
    /// For each place, its range of `list`.
    spans: Vec<(usize, u32)>,
    /// In ascending order for each place, each once. Some have lost the pair since.
    list: Vec<u32>,
}

impl Postings {
    /// Makes the postings of `n_places` pairs. `visit` calls its argument with the place and the posting
    /// of each occurrence, in order; it is called twice.
    pub(super) fn new(n_places: usize, visit: impl Fn(&mut dyn FnMut(u32, u32))) -> Self {
        let mut spans = vec![(0, 0); n_places];
        visit(&mut |place, _| spans[place as usize].0 += 1);
        let mut end = 0;
        for span in &mut spans {
            let n = std::mem::replace(&mut span.0, end);
            end += n;
        }
        let mut this = Self { spans, list: vec![0; end] };
        visit(&mut |place, posting| this.put(place, posting));
        this
    }

    /// Writes a posting into the room of its place, unless it is the last one there.
    #[inline(always)]
    fn put(&mut self, place: u32, posting: u32) {
        let span = &mut self.spans[place as usize];
        let end = span.0 + span.1 as usize;
        if span.1 == 0 || self.list[end - 1] != posting {
            self.list[end] = posting;
            span.1 += 1;
        }
    }

    /// How many a place has.
    pub(super) fn n(&self, place: u32) -> usize {
        self.spans.get(place as usize).map_or(0, |span| span.1 as usize)
    }

    /// The positions in [`get`](Self::get) of the postings of a place.
    pub(super) fn range(&self, place: u32) -> std::ops::Range<usize> {
        let (start, len) = self.spans.get(place as usize).copied().unwrap_or_default();
        start..start + len as usize
    }

    #[inline(always)]
    pub(super) fn get(&self, range: std::ops::Range<usize>) -> &[u32] {
        &self.list[range]
    }
}

/// The neighbours of one merge, on the left (side 0) and on the right (side 1).
#[derive(Debug, Default)]
pub(super) struct Sides([Side; 2]);

#[derive(Debug, Default)]
struct Side {
    /// By id, so that a neighbour costs no look-up in the table of pairs.
    cells: Vec<Cell>,
    /// The ids whose cell is in use.
    seen: Vec<u32>,
    /// Each neighbour with its posting.
    log: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    count: u64,
    /// Postings at most.
    n: u32,
}

impl Sides {
    /// Makes room for ids below `n_ids`.
    pub(super) fn make_room(&mut self, n_ids: usize) {
        self.0.iter_mut().for_each(|side| side.cells.resize(n_ids, Cell::default()));
    }

    #[inline(always)]
    pub(super) fn note(&mut self, side: usize, neighbour: u32, count: u64, posting: u32) {
        let side = &mut self.0[side];
        let cell = &mut side.cells[neighbour as usize];
        if cell.n == 0 {
            side.seen.push(neighbour);
        }
        cell.count += count;
        cell.n += 1;
        side.log.push((neighbour, posting));
    }

    /// Calls `sink` with the neighbours on one side and how often they stood there.
    pub(super) fn for_each(&self, side: usize, mut sink: impl FnMut(u32, u64)) {
        let side = &self.0[side];
        side.seen.iter().for_each(|&id| sink(id, side.cells[id as usize].count));
    }

    /// Writes the postings of the pairs that have come into being. `places` are the places that a
    /// neighbour on that side gave its new pair, if any, by id. Then forgets the neighbours.
    pub(super) fn post(&mut self, postings: &mut Postings, n_places: usize, places: [&[u32]; 2]) {
        postings.spans.resize(n_places, (0, 0));
        for (side, places) in self.0.iter_mut().zip(places) {
            let mut end = postings.list.len();
            for &id in &side.seen {
                let place = places[id as usize];
                if place != NO_SLOT {
                    postings.spans[place as usize] = (end, 0);
                    end += side.cells[id as usize].n as usize;
                }
            }
            postings.list.resize(end, 0);
            for &(id, posting) in &side.log {
                let place = places[id as usize];
                if place != NO_SLOT {
                    postings.put(place, posting);
                }
            }
        }
        self.forget();
    }

    /// Forgets the neighbours.
    pub(super) fn forget(&mut self) {
        for side in &mut self.0 {
            side.seen.drain(..).for_each(|id| side.cells[id as usize] = Cell::default());
            side.log.clear();
        }
    }
}
