//! The stream of samples: every sample once per epoch, the same for any ranks, resumable.

use crate::numbered;
use pretrain_pack::{
    Batch, Loader, MixtureConfig, PackConfig, PackError, PackedDataset, Packing, Sample,
    SourceConfig,
};
use std::path::Path;
use std::sync::Arc;

fn dataset(dir: &Path, n_samples: u64) -> Arc<PackedDataset> {
    let tokens = numbered(dir, &vec![3; n_samples as usize * 2], 3);
    let config = PackConfig::new(6, Packing::Concat);
    Arc::new(PackedDataset::new(tokens, config).unwrap())
}

fn rows(batch: &Batch) -> Vec<Vec<u32>> {
    batch.input_ids.chunks(batch.seq_len).map(<[u32]>::to_vec).collect()
}

#[test]
fn an_epoch_has_every_sample_once() {
    let tmp = tempfile::tempdir().unwrap();
    let data = dataset(tmp.path(), 400);
    let loader = Loader::new(Arc::clone(&data), 17, 20).unwrap();
    let epoch = |e: u64| -> Vec<Vec<u32>> {
        (0..20).flat_map(|step| rows(&loader.batch(e * 20 + step, 0).unwrap())).collect()
    };
    let (mut first, mut second) = (epoch(0), epoch(1));
    assert_ne!(first, second);
    first.sort();
    second.sort();
    assert_eq!(first, second);
    let mut all: Vec<_> = (0..400).map(|i| data.sample(i).unwrap().input_ids).collect();
    assert_ne!(first[0], first[1]);
    all.sort();
    assert_eq!(first, all);
    assert_ne!(
        Loader::new(data, 18, 20).unwrap().batch(0, 0).unwrap(),
        loader.batch(0, 0).unwrap()
    );
}

#[test]
fn ranks_and_micro_batches_share_the_same_step() {
    let tmp = tempfile::tempdir().unwrap();
    let data = dataset(tmp.path(), 100);
    let loader = Loader::new(data, 3, 10).unwrap();
    for step in [0, 1, 9, 10, 11] {
        let whole = rows(&loader.batch(step, 0).unwrap());
        assert_eq!(whole.len(), 10);
        for world in 1..=12 {
            for micro_rows in [1, 2, 3, 10, 99] {
                let mut found = vec![None; 10];
                for rank in 0..world {
                    let part = loader.clone().rank(rank, world).unwrap();
                    let part = part.micro_batch_size(micro_rows).unwrap();
                    let mut place = rank;
                    for micro in 0..part.n_micro_batches() {
                        let batch = part.batch(step, micro).unwrap();
                        assert!(batch.batch <= micro_rows && batch.batch > 0);
                        for row in rows(&batch) {
                            assert!(found[place].replace(row).is_none());
                            place += world;
                        }
                    }
                    let error = part.batch(step, part.n_micro_batches()).unwrap_err();
                    assert!(matches!(error, PackError::OutOfRange { .. }), "{error}");
                }
                let found: Vec<_> = found.into_iter().map(Option::unwrap).collect();
                assert_eq!(found, whole, "step {step}, {world} ranks, {micro_rows} rows");
            }
        }
    }
}

#[test]
fn a_growing_batch_keeps_the_order() {
    let tmp = tempfile::tempdir().unwrap();
    let loader = Loader::new(dataset(tmp.path(), 50), 3, 8).unwrap();
    let stream: Vec<Vec<u32>> = (0..70).map(|c| loader.sample(c).unwrap().input_ids).collect();
    let mut taken = 0;
    for size in [1_usize, 2, 3, 5, 8, 8, 20, 1, 22] {
        let step: Vec<Vec<u32>> = (0..size.div_ceil(8))
            .flat_map(|micro| rows(&loader.batch_at(taken, size, micro).unwrap()))
            .collect();
        assert_eq!(step, stream[taken as usize..taken as usize + size]);
        taken += size as u64;
    }
    assert_eq!(taken, 70);
}

#[test]
fn a_mixture_has_its_shares_and_its_own_orders() {
    let tmp = tempfile::tempdir().unwrap();
    let sources = ["a", "b"].map(|name| dataset(&tmp.path().join(name), 64)).to_vec();
    let source =
        |name: &str, weight, max_epochs| SourceConfig { name: name.into(), weight, max_epochs };
    let config =
        MixtureConfig { sources: vec![source("a", 3.0, None), source("b", 1.0, Some(2.0))] };
    let loader = Loader::with_mixture(sources.clone(), config.clone(), 5, 8).unwrap();
    let mut places = [vec![], vec![]];
    for counter in 0..400 {
        let at = loader.locate(counter);
        assert_eq!(at.epoch, places[at.source].len() as u64 / 64);
        places[at.source].push(at.index);
    }
    assert_eq!([places[0].len(), places[1].len()], [300, 100]);
    assert_ne!(places[0][..64], places[1][..64], "sources are shuffled independently");
    let mut once = places[0][..64].to_vec();
    once.sort_unstable();
    assert_eq!(once, (0..64).collect::<Vec<_>>());

    assert_eq!(loader.epochs(512).unwrap(), [6.0, 2.0]);
    assert!(matches!(loader.epochs(520), Err(PackError::TooManyEpochs { .. })));
    assert!(loader.sample(500).is_ok());
    let past = (512..).find(|&c| loader.locate(c).epoch == 2 && loader.locate(c).source == 1);
    assert!(matches!(loader.sample(past.unwrap()), Err(PackError::TooManyEpochs { .. })));

    let other = Loader::with_mixture(sources.clone(), config.clone(), 6, 8).unwrap();
    assert_ne!(other.content(), loader.content());
    assert!(Loader::with_mixture(sources[..1].to_vec(), config, 5, 8).is_err());
}

#[test]
fn impossible_settings_are_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let data = dataset(tmp.path(), 10);
    assert!(Loader::new(Arc::clone(&data), 0, 0).is_err());
    let loader = Loader::new(data, 0, 4).unwrap();
    assert!(loader.clone().rank(2, 2).is_err());
    assert!(loader.clone().micro_batch_size(0).is_err());
    assert!(loader.batch(u64::MAX, 0).is_err());
    assert!(loader.batch_at(u64::MAX - 2, 4, 0).is_err());
    assert_eq!(loader.batch(u64::MAX / 8, 0).unwrap().batch, 4);
}

#[test]
fn a_batch_serves_variable_length_kernels() {
    let tmp = tempfile::tempdir().unwrap();
    let loader = Loader::new(dataset(tmp.path(), 10), 0, 2).unwrap();
    let batch = loader.batch(0, 0).unwrap();
    let cu = batch.cu_seqlens().unwrap();
    assert_eq!(cu.offsets(), [0, 3, 6, 9, 12]);
    assert_eq!((cu.max_seqlen(), batch.n_targets()), (3, 8));
    let again = Batch::from_samples(&[Sample::default()]).unwrap();
    assert_eq!(again.cu_seqlens().unwrap().offsets(), [0]);
}
