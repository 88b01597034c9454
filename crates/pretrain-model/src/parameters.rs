//! Every parameter of a model by its name: looking, replacing, and moving to the host.

use crate::error::{ModelError, Result};
use crate::layout::parameter_shapes;
use crate::names::fit;
use crate::transformer::Transformer;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Tensor, TensorData};
use std::collections::BTreeMap;

/// A tensor on the host: what files hold and what crosses from one device to another.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Name of the parameter, ours or that of a file.
    pub name: String,
    /// Sizes, slowest axis first; empty for a single number.
    pub shape: Vec<usize>,
    /// Row-major numbers.
    pub data: Vec<f32>,
}

impl NamedTensor {
    /// Refuses data whose length is not the product of the shape.
    pub(crate) fn check(&self) -> Result<()> {
        let product = self.shape.iter().try_fold(1usize, |n, size| n.checked_mul(*size));
        if product == Some(self.data.len()) {
            return Ok(());
        }
        Err(ModelError::DataLength {
            name: self.name.clone(),
            shape: self.shape.clone(),
            found: self.data.len(),
        })
    }
}

/// The gradient of one parameter, without the graph that made it.
#[derive(Debug, Clone)]
pub struct NamedGradient<B: Backend> {
    /// Name of the parameter.
    pub name: String,
    /// Shape of the parameter.
    pub shape: Vec<usize>,
    /// The gradient, flattened row-major.
    pub gradient: Tensor<B, 1>,
}

/// Looks at each parameter.
pub trait ParameterVisitor<B: Backend> {
    /// Called once per parameter, in the order of the layers.
    fn visit<const D: usize>(&mut self, name: &str, parameter: &Tensor<B, D>);
}

/// Replaces each parameter.
pub trait ParameterMapper<B: Backend> {
    /// Called once per parameter, in the order of the layers; the result has to have the same shape.
    ///
    /// The result is cut from whatever graph made it and tracks gradients if the parameter did. The
    /// tensor is handed over without another owner, so an in-place update of its buffer is possible.
    fn map<const D: usize>(&mut self, name: &str, parameter: Tensor<B, D>) -> Tensor<B, D>;
}

impl<B: Backend> Transformer<B> {
    /// Shows every parameter to `visitor`.
    pub fn visit_parameters<V: ParameterVisitor<B>>(&self, visitor: &mut V) {
        self.visit(&mut NamingVisitor { path: Path::default(), inner: visitor });
    }

    /// Replaces every parameter by what `mapper` makes of it.
    pub fn map_parameters<M: ParameterMapper<B>>(self, mapper: &mut M) -> Self {
        self.map(&mut NamingMapper { path: Path::default(), inner: mapper })
    }

    /// Names and shapes of the parameters, in the order of the layers.
    pub fn parameter_shapes(&self) -> Vec<(String, Vec<usize>)> {
        parameter_shapes(self.config())
    }

    /// Copies every parameter to the host as 32-bit floats, sorted by name. The tensors of a file of
    /// its family are made of them by [`to_hf_tensors`](crate::to_hf_tensors).
    pub fn to_tensors(&self) -> Vec<NamedTensor> {
        struct Copies(Vec<NamedTensor>);
        impl<B: Backend> ParameterVisitor<B> for Copies {
            fn visit<const D: usize>(&mut self, name: &str, parameter: &Tensor<B, D>) {
                let shape = parameter.dims().to_vec();
                self.0.push(NamedTensor {
                    name: name.to_owned(),
                    shape,
                    data: to_f32(parameter.to_data()),
                });
            }
        }
        let mut copies = Copies(Vec::new());
        self.visit_parameters(&mut copies);
        copies.0.sort_by(|a, b| a.name.cmp(&b.name));
        copies.0
    }

    /// Replaces every parameter by the tensor of its name, in any order.
    ///
    /// # Errors
    /// [`ModelError::Weights`] lists all tensors that are missing, unexpected or misshapen;
    /// [`ModelError::DataLength`] when a tensor contradicts itself.
    pub fn with_tensors(self, tensors: Vec<NamedTensor>) -> Result<Self> {
        struct Replace<B: Backend> {
            by_name: BTreeMap<String, NamedTensor>,
            device: B::Device,
        }
        impl<B: Backend> ParameterMapper<B> for Replace<B> {
            fn map<const D: usize>(&mut self, name: &str, _: Tensor<B, D>) -> Tensor<B, D> {
                let tensor = self.by_name.remove(name).expect("the names were compared");
                Tensor::from_data(TensorData::new(tensor.data, tensor.shape), &self.device)
            }
        }
        let by_name = fit(&parameter_shapes(self.config()), tensors)?;
        let device = self.device();
        Ok(self.map_parameters(&mut Replace { by_name, device }))
    }
}

impl<B: AutodiffBackend> Transformer<B> {
    /// Takes the gradient of every parameter that has one out of the result of `backward`, in the
    /// order of the layers.
    pub fn take_gradients(
        &self,
        gradients: &mut B::Gradients,
    ) -> Vec<NamedGradient<B::InnerBackend>> {
        struct Take<'a, B: AutodiffBackend> {
            from: &'a mut B::Gradients,
            taken: Vec<NamedGradient<B::InnerBackend>>,
        }
        impl<B: AutodiffBackend> ParameterVisitor<B> for Take<'_, B> {
            fn visit<const D: usize>(&mut self, name: &str, parameter: &Tensor<B, D>) {
                if let Some(gradient) = parameter.grad_remove(self.from) {
                    let (name, shape) = (name.to_owned(), parameter.dims().to_vec());
                    let size = shape.iter().product::<usize>();
                    let gradient = gradient.reshape([size]);
                    self.taken.push(NamedGradient { name, shape, gradient });
                }
            }
        }
        let mut take = Take::<B> { from: gradients, taken: Vec::new() };
        self.visit_parameters(&mut take);
        take.taken
    }

    /// Replaces every parameter by what `update` makes of its name and its flattened values, on the
    /// backend below the graph: the step of an optimizer.
    ///
    /// # Panics
    /// `update` returns another number of values.
    pub fn update_parameters<F>(self, update: F) -> Self
    where
        F: FnMut(&str, Tensor<B::InnerBackend, 1>) -> Tensor<B::InnerBackend, 1>,
    {
        struct Update<F>(F);
        impl<B, F> ParameterMapper<B> for Update<F>
        where
            B: AutodiffBackend,
            F: FnMut(&str, Tensor<B::InnerBackend, 1>) -> Tensor<B::InnerBackend, 1>,
        {
            fn map<const D: usize>(&mut self, name: &str, parameter: Tensor<B, D>) -> Tensor<B, D> {
                let shape = parameter.shape();
                let flat = parameter.inner().reshape([shape.num_elements()]);
                Tensor::from_inner((self.0)(name, flat).reshape(shape))
            }
        }
        self.map_parameters(&mut Update(update))
    }
}

/// The numbers of a tensor as 32-bit floats, whatever the backend computes with.
pub(crate) fn to_f32(data: TensorData) -> Vec<f32> {
    data.convert::<f32>().into_vec().expect("the data was converted to f32")
}

/// Where a walk through the modules is. The variant of an enum says nothing about a place, and the
/// blocks that every model has need no prefix.
#[derive(Default)]
struct Path(Vec<Option<String>>);

impl Path {
    fn enter(&mut self, name: &str, container: &str) {
        let silent = container.starts_with("Enum:") || (self.0.is_empty() && name == "stack");
        self.0.push((!silent).then(|| name.to_owned()));
    }

    fn name(&self) -> String {
        self.0.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

struct NamingVisitor<'a, V> {
    path: Path,
    inner: &'a mut V,
}

impl<B: Backend, V: ParameterVisitor<B>> ModuleVisitor<B> for NamingVisitor<'_, V> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.0.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<B, D>>) {
        self.inner.visit(&self.path.name(), &parameter.val());
    }
}

struct NamingMapper<'a, M> {
    path: Path,
    inner: &'a mut M,
}

impl<B: Backend, M: ParameterMapper<B>> ModuleMapper<B> for NamingMapper<'_, M> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.0.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let (id, tensor, mapper) = parameter.consume();
        let tracked = tensor.is_require_grad();
        let tensor = self.inner.map(&self.path.name(), tensor);
        Param::from_mapped_value(id, tensor.detach().set_require_grad(tracked), mapper)
    }
}
