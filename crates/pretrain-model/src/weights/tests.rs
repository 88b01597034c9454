//! The laws and cases of `weights`.

#![allow(clippy::disallowed_methods, reason = "tests make broken files")]

use super::*;

fn tensor(name: &str, shape: &[usize], first: f32) -> NamedTensor {
    let size = shape.iter().product::<usize>();
    let data = (0..size).map(|i| first + i as f32).collect();
    NamedTensor { name: name.to_owned(), shape: shape.to_vec(), data }
}

#[test]
fn bytes_are_those_of_the_format_whatever_the_order() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("w.safetensors");
    let (a, b) = (tensor("a\"quote", &[2, 2], 1.0), tensor("b", &[], 7.5));
    write_safetensors(&path, &[b.clone(), a.clone()]).unwrap();
    let header = concat!(
        r#"{"__metadata__":{"format":"pt"},"a\"quote":{"dtype":"F32","shape":[2,2],"#,
        r#""data_offsets":[0,16]},"b":{"dtype":"F32","shape":[],"data_offsets":[16,20]}}"#,
    );
    let padded = header.len().next_multiple_of(8);
    let mut expected = (padded as u64).to_le_bytes().to_vec();
    expected.extend(format!("{header:padded$}").bytes());
    expected.extend([1f32, 2.0, 3.0, 4.0, 7.5].iter().flat_map(|x| x.to_le_bytes()));
    assert_eq!(std::fs::read(&path).unwrap(), expected);
    assert_eq!(read_safetensors(&path).unwrap(), [a.clone(), b.clone()]);
    let library = safetensors::serialize(
        [("a\"quote", view(&a)), ("b", view(&b))],
        Some(std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())])),
    );
    assert_eq!(library.unwrap(), expected);
}

fn view(tensor: &NamedTensor) -> TensorView<'static> {
    let bytes: Vec<u8> = tensor.data.iter().flat_map(|x| x.to_le_bytes()).collect();
    TensorView::new(Dtype::F32, tensor.shape.clone(), bytes.leak()).unwrap()
}

#[test]
fn half_precision_becomes_single_exactly_and_other_kinds_are_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("h.safetensors");
    let values = [1.0f32, -0.5, 65504.0, 0.099975586];
    let bf: Vec<u8> = values.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes()).collect();
    let hf: Vec<u8> = values.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect();
    let views = [
        ("bf", TensorView::new(Dtype::BF16, vec![4], &bf).unwrap()),
        ("hf", TensorView::new(Dtype::F16, vec![2, 2], &hf).unwrap()),
    ];
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let read = read_safetensors(&path).unwrap();
    assert_eq!(read[1].data, values);
    assert_eq!(read[1].shape, [2, 2]);
    assert_eq!(read[0].data, values.map(|x| bf16::from_f32(x).to_f32()));
    let views = [("i", TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap())];
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let error = read_safetensors(&path).unwrap_err().to_string();
    assert!(error.ends_with("tensor i has dtype I64, expected F32, BF16 or F16"), "{error}");
}

#[test]
fn broken_files_name_themselves() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("w.safetensors");
    write_safetensors(&path, &[tensor("a", &[3], 0.0)]).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 7, 20, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = read_safetensors(&path).unwrap_err();
        assert!(matches!(&error, ModelError::Safetensors { path: p, .. } if *p == path), "{error}");
    }
    assert!(matches!(read_weights(&tmp.path().join("none")), Err(ModelError::NoWeights { .. })));
}

#[test]
fn a_name_twice_or_data_of_another_length_is_refused_before_writing() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("w.safetensors");
    let a = tensor("a", &[3], 0.0);
    let error = write_safetensors(&path, &[a.clone(), a.clone()]).unwrap_err();
    assert!(matches!(error, ModelError::Weights { unexpected, .. } if unexpected == ["a"]));
    let short = NamedTensor { shape: vec![4], ..a };
    let error = write_safetensors(&path, &[short]).unwrap_err();
    assert!(matches!(error, ModelError::DataLength { found: 3, .. }));
    assert!(!path.exists());
}

#[test]
fn shards_are_read_through_their_index_and_have_to_agree_with_it() {
    let tmp = tempfile::tempdir().unwrap();
    let (a, b, c) = (tensor("a", &[1], 0.0), tensor("b", &[1], 1.0), tensor("c", &[1], 2.0));
    write_safetensors(&tmp.path().join("1.safetensors"), &[a.clone(), c.clone()]).unwrap();
    write_safetensors(&tmp.path().join("2.safetensors"), std::slice::from_ref(&b)).unwrap();
    let read = |map: &str| {
        let text = format!(r#"{{"metadata":{{"total_size":12}},"weight_map":{map}}}"#);
        std::fs::write(tmp.path().join(INDEX_NAME), text).unwrap();
        read_weights(tmp.path())
    };
    let whole = r#"{"a":"1.safetensors","b":"2.safetensors","c":"1.safetensors"}"#;
    assert_eq!(read(whole).unwrap(), [a, b, c]);
    for (map, words) in [
        (
            r#"{"a":"1.safetensors","b":"2.safetensors"}"#,
            "tensor c of 1.safetensors is not in the index",
        ),
        (
            r#"{"a":"1.safetensors","c":"1.safetensors","b":"2.safetensors","d":"2.safetensors"}"#,
            "tensor d is not in 2.safetensors",
        ),
        (r#"{"a":"../1.safetensors"}"#, "is not a file name"),
        (r#"{"a":"3.safetensors"}"#, "3.safetensors"),
        ("[]", "does not parse"),
    ] {
        let error = read(map).unwrap_err().to_string();
        assert!(error.contains(words), "{map}: {error}");
    }
}
