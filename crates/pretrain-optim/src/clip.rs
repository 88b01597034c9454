//! The bound on the norm of all gradients together.

/// The factor that brings gradients of global norm `norm` within `max_norm`:
/// `min(1, max_norm / (norm + 1e-6))`, as PyTorch's `clip_grad_norm_`.
///
/// A norm that is not finite gives 0 or NaN: the caller has to look at the norm before it updates.
///
/// # Source
/// Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013;
/// the 1e-6 is PyTorch's.
pub fn clip_factor(norm: f64, max_norm: f64) -> f64 {
    let factor = max_norm / (norm + 1e-6);
    // Not `min`, which would turn NaN into 1.
    if factor > 1.0 { 1.0 } else { factor }
}

/// The Euclidean norm of all gradients taken as one vector.
///
/// Parameters are added up in the order given, so the caller fixes the order. NaN and infinity carry
/// over. Waits for the device.
#[cfg(feature = "burn")]
pub fn global_norm<B: pretrain_kernels::KernelBackend>(
    gradients: &[burn::tensor::Tensor<B, 1>],
) -> f64 {
    pretrain_kernels::sum_of_squares(gradients).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_norm_is_left_alone_and_a_large_one_is_bounded() {
        assert_eq!(clip_factor(0.5, 1.0), 1.0);
        assert_eq!(clip_factor(0.0, 1.0), 1.0);
        assert_eq!(clip_factor(4.0 - 1e-6, 1.0), 0.25);
        assert_eq!(clip_factor(f64::INFINITY, 1.0), 0.0);
        assert!(clip_factor(f64::NAN, 1.0).is_nan());
    }

    #[cfg(feature = "burn")]
    #[test]
    fn the_norm_is_over_all_gradients() {
        use burn::tensor::Tensor;
        type B = pretrain_kernels::Flex;
        let device = Default::default();
        let gradients = [
            Tensor::<B, 1>::from_floats([3.0, 0.0], &device),
            Tensor::<B, 1>::from_floats([4.0], &device),
        ];
        assert_eq!(global_norm(&gradients), 5.0);
        assert_eq!(global_norm::<B>(&[]), 0.0);
        let poisoned = [Tensor::<B, 1>::from_floats([f32::NAN, 1.0], &device)];
        assert!(global_norm(&poisoned).is_nan());
    }
}
