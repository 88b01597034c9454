//! Reading and building `Flex` tensors as slices.
//!
//! The fused kernels take 32-bit floats; a tensor of another type falls back to the composed twin.

use burn::tensor::{DType, Shape};
use burn_flex::{FlexTensor, Layout};

use crate::buffer::Buffer;

/// A row-major f32 tensor, copied only where its layout was not row-major.
#[derive(Debug, Clone)]
pub(crate) struct Floats(FlexTensor);

impl Floats {
    /// `None` when the elements are not f32.
    pub(crate) fn new(tensor: &FlexTensor) -> Option<Self> {
        (tensor.dtype() == DType::F32).then(|| Self(row_major(tensor)))
    }

    pub(crate) fn as_slice(&self) -> &[f32] {
        self.0.as_slice().expect("row-major f32, by construction")
    }

    pub(crate) fn dims<const D: usize>(&self) -> [usize; D] {
        self.0.layout().shape().dims()
    }
}

fn row_major(tensor: &FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor.clone() } else { tensor.to_contiguous() }
}

/// `Some` of every argument as [`Floats`], or `None` when one of them is not f32.
pub(crate) fn floats<const N: usize>(tensors: [&FlexTensor; N]) -> Option<[Floats; N]> {
    let all: Option<Vec<Floats>> = tensors.into_iter().map(Floats::new).collect();
    all.and_then(|all| all.try_into().ok())
}

/// A tensor over `values`, row-major.
pub(crate) fn tensor<const D: usize>(values: Buffer, dims: [usize; D]) -> FlexTensor {
    debug_assert_eq!(values.len(), dims.iter().product::<usize>());
    FlexTensor::new(values.into_bytes(), Layout::contiguous(Shape::from(dims)), DType::F32)
}

/// The elements of an int tensor, or `None` when it is neither i32 nor i64.
pub(crate) fn ints(tensor: &FlexTensor) -> Option<Vec<i64>> {
    let tensor = row_major(tensor);
    match tensor.dtype() {
        DType::I32 => tensor.as_slice::<i32>().map(|x| x.iter().map(|&i| i64::from(i)).collect()),
        DType::I64 => tensor.as_slice::<i64>().map(<[i64]>::to_vec),
        _ => None,
    }
}

/// Makes `tensor` a row-major buffer that nobody else holds, so that writes stay private; copies
/// where they would not. The elements are f32.
pub(crate) fn exclusive(tensor: FlexTensor) -> FlexTensor {
    let whole = tensor.layout().start_offset() == 0
        && tensor.is_contiguous()
        && tensor.bytes().len() == tensor.layout().num_elements() * size_of::<f32>();
    if whole && tensor.is_unique() {
        return tensor;
    }
    let shape = tensor.layout().shape().clone();
    let source = row_major(&tensor);
    let values = Buffer::copy_of(source.as_slice().expect("row-major f32, by the caller"));
    FlexTensor::new(values.into_bytes(), Layout::contiguous(shape), DType::F32)
}
