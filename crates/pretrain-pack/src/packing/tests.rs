//! The laws and cases of `packing`.

use super::*;
use proptest::prelude::*;

#[test]
fn figure_one_of_the_paper() {
    // Ding et al. 2024, figure 1: documents of 14, 7, 5, 2, 3 tokens, sequences of 8.
    let lengths = [8, 6, 7, 5, 2, 3];
    let bins = best_fit_decreasing(&lengths, 8).unwrap();
    assert_eq!(bins.loads, [8, 7, 8, 8]);
    let (starts, items) = bins.contents(&lengths);
    assert_eq!((starts, items), (vec![0, 1, 2, 4, 6], vec![0, 2, 1, 4, 3, 5]));
}

#[test]
fn nothing_and_impossible_items() {
    let none = best_fit_decreasing(&[], 8).unwrap();
    assert_eq!((none.assignment.len(), none.contents(&[]).0), (0, vec![0]));
    for bad in [&[0][..], &[3, 9]] {
        assert!(best_fit_decreasing(bad, 8).is_err());
        assert!(best_fit_decreasing_plain(bad, 8).is_err());
    }
    assert!(best_fit_decreasing(&[1], u32::MAX).is_err());
}

proptest! {
    #[test]
    fn the_fast_packer_is_the_plain_one(
        capacity in 1_u32..5000,
        raw in prop::collection::vec(any::<u32>(), 0..300),
        short in 1_u32..5000,
    ) {
        // Sometimes only short items, so that bins hold many.
        let longest = capacity.min(short);
        let lengths: Vec<u32> = raw.iter().map(|r| r % longest + 1).collect();
        let fast = best_fit_decreasing(&lengths, capacity).unwrap();
        let plain = best_fit_decreasing_plain(&lengths, capacity).unwrap();
        prop_assert_eq!(&fast, &plain);
        prop_assert!(fast.loads.iter().all(|&load| load <= capacity));
        let (starts, items) = fast.contents(&lengths);
        for (bin, &load) in fast.loads.iter().enumerate() {
            let inside = &items[starts[bin] as usize..starts[bin + 1] as usize];
            prop_assert_eq!(inside.iter().map(|&i| lengths[i as usize]).sum::<u32>(), load);
        }
    }
}
