//! Best-fit decreasing and concatenation against the golden cases.

use crate::golden::{hash, json_lines, numbers};
use crate::numbered;
use pretrain_pack::{
    PackConfig, PackedDataset, Packing, Tail, best_fit_decreasing, best_fit_decreasing_plain,
};

#[test]
fn golden_best_fit_assignments() {
    let Some(cases) = json_lines("packing.jsonl.zst") else { return };
    for case in &cases {
        let name = case["case"].as_str().unwrap();
        let capacity = case["L"].as_u64().unwrap() as u32;
        let mut items = Vec::new();
        for (document, length) in numbers(&case["lengths"]).into_iter().enumerate() {
            for start in (0..length).step_by(capacity as usize) {
                items.push([(length - start).min(capacity), document as u32, start]);
            }
        }
        assert_eq!(items.len() as u64, case["n_items"].as_u64().unwrap(), "{name}");
        if let Some(expected) = case.get("items") {
            let expected: Vec<_> = expected.as_array().unwrap().iter().map(numbers).collect();
            assert!(items.iter().map(|item| item.to_vec()).eq(expected), "{name}");
        }
        let lengths: Vec<u32> = items.iter().map(|item| item[0]).collect();
        let bins = best_fit_decreasing(&lengths, capacity).unwrap();
        if items.len() <= 3000 {
            assert_eq!(best_fit_decreasing_plain(&lengths, capacity).unwrap(), bins, "{name}");
        }
        if let Some(expected) = case.get("bfd_assignment") {
            assert_eq!(bins.assignment, numbers(expected), "{name}");
        }
        assert_eq!(bins.loads.len() as u64, case["bfd_bins"].as_u64().unwrap(), "{name}");
        assert_eq!(hash(bins.assignment.iter().copied()), case["bfd_assignment_xxh64"], "{name}");
        assert_eq!(hash(bins.loads.iter().copied()), case["bfd_loads_xxh64"], "{name}");
        let (starts, order) = bins.contents(&lengths);
        let contents = starts.windows(2).flat_map(|pair| {
            let inside = &order[pair[0] as usize..pair[1] as usize];
            std::iter::once(inside.len() as u32).chain(inside.iter().copied())
        });
        assert_eq!(hash(contents), case["bfd_bin_items_xxh64"], "{name}");
        let most = starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        assert_eq!(most, case["max_items_per_bin"].as_u64().unwrap(), "{name}");
    }
    println!("{} packing cases", cases.len());
}

#[test]
fn golden_packing_reports() {
    let Some(cases) = json_lines("packing.jsonl.zst") else { return };
    for case in &cases {
        let name = case["case"].as_str().unwrap();
        let number = |key: &str| case[key].as_u64().unwrap();
        let lengths: Vec<u64> = numbers(&case["lengths"]).into_iter().map(u64::from).collect();
        // Larger cases are covered by the assignments; here whole files are written.
        if number("total") == 0 || number("total") > 3_000_000 {
            continue;
        }
        let tmp = tempfile::tempdir().unwrap();
        let pack = |packing| {
            let config = PackConfig::new(number("L") as usize, packing).tail(Tail::Pad);
            PackedDataset::new(numbered(tmp.path(), &lengths, 3), config).unwrap()
        };
        let best_fit = pack(Packing::BestFit);
        let report = best_fit.report();
        assert_eq!(report.samples, number("bfd_bins"), "{name}");
        assert_eq!(report.cut_documents, number("docs_split"), "{name}");
        assert!((report.fill() - case["bfd_fill"].as_f64().unwrap()).abs() < 1e-12, "{name}");
        let concat = &case["concat"];
        let packed = pack(Packing::Concat);
        let report = packed.report();
        assert_eq!(report.samples, concat["chunks_with_tail"], "{name}");
        assert_eq!(report.cut_documents, concat["documents_cut"], "{name}");
        if concat["full_chunks"].as_u64().unwrap() > 0 {
            let config = PackConfig::new(number("L") as usize, Packing::Concat);
            let dropped = PackedDataset::new(numbered(tmp.path(), &lengths, 2), config).unwrap();
            assert_eq!(dropped.report().samples, concat["full_chunks"], "{name}");
            assert_eq!(dropped.report().dropped_tokens, concat["tail_tokens"], "{name}");
        }
    }
}
