//! Between our parameters and the tensors of Hugging Face's files.
//!
//! In memory every parameter has our name and our layout, one per module, whatever the family. A
//! family's files hold the same numbers under other names and in other arrangements; a table of
//! [`Row`]s says how each tensor of a file is made of ours. Every arrangement is linear, so gradients
//! pass through the same mapping as weights.

use crate::config::ModelConfig;
use crate::error::{ModelError, Result, ShapeMismatch};
use crate::parameters::NamedTensor;
use std::collections::{BTreeMap, BTreeSet};

/// A tensor of a file: its name, and what it is made of. `#` stands for the number of a block, `%`
/// for that of an expert, `*` at the end for `weight` and `bias`.
pub(crate) type Row = (&'static str, Layout);

/// How a tensor of a file is made of ours, which are named.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Layout {
    /// It is ours.
    Same(&'static str),
    /// `[in, out]`.
    Transposed(&'static str),
    /// The rows of one after those of another.
    Stacked(&'static [&'static str]),
    /// The transpose of that.
    StackedTransposed(&'static [&'static str]),
    /// The rows of the first head of each, then those of the second head of each, and so on.
    PerHead(&'static [&'static str]),
}

impl Layout {
    fn parts(&self) -> &[&'static str] {
        match self {
            Self::Same(one) | Self::Transposed(one) => std::slice::from_ref(one),
            Self::Stacked(parts) | Self::StackedTransposed(parts) | Self::PerHead(parts) => parts,
        }
    }
}

/// One tensor of a file and the parameters that it is made of.
#[derive(Debug)]
struct Entry {
    file: String,
    layout: Layout,
    /// Names and shapes of ours, in the order of the layout.
    ours: Vec<(String, Vec<usize>)>,
}

impl Entry {
    fn rows(&self) -> usize {
        self.ours.iter().map(|(_, shape)| shape[0]).sum()
    }

    /// Numbers in a row of ours.
    fn columns(&self) -> usize {
        self.ours[0].1[1..].iter().product()
    }

    fn shape(&self) -> Vec<usize> {
        let mut shape = self.ours[0].1.clone();
        shape[0] = self.rows();
        if matches!(self.layout, Layout::Transposed(_) | Layout::StackedTransposed(_)) {
            shape.reverse();
        }
        shape
    }

    /// For each row of the stacked tensor: which part, and which of its rows.
    fn order(&self, n_heads: usize) -> Vec<(usize, usize)> {
        let rows = |part: usize| self.ours[part].1[0];
        if let Layout::PerHead(_) = self.layout {
            let head = |h: usize| {
                (0..self.ours.len()).flat_map(move |part| {
                    let size = rows(part) / n_heads;
                    (h * size..(h + 1) * size).map(move |row| (part, row))
                })
            };
            return (0..n_heads).flat_map(head).collect();
        }
        (0..self.ours.len()).flat_map(|part| (0..rows(part)).map(move |row| (part, row))).collect()
    }

    fn is_transposed(&self) -> bool {
        matches!(self.layout, Layout::Transposed(_) | Layout::StackedTransposed(_))
    }

    fn join(&self, parts: &[&NamedTensor], n_heads: usize) -> NamedTensor {
        let columns = self.columns();
        let mut data = Vec::with_capacity(self.rows() * columns);
        for (part, row) in self.order(n_heads) {
            data.extend_from_slice(&parts[part].data[row * columns..(row + 1) * columns]);
        }
        if self.is_transposed() {
            data = transpose(&data, self.rows(), columns);
        }
        NamedTensor { name: self.file.clone(), shape: self.shape(), data }
    }

    fn split(&self, tensor: NamedTensor, n_heads: usize) -> Vec<NamedTensor> {
        if let Layout::Same(_) = self.layout {
            return vec![NamedTensor { name: self.ours[0].0.clone(), ..tensor }];
        }
        let columns = self.columns();
        let data = if self.is_transposed() {
            transpose(&tensor.data, columns, self.rows())
        } else {
            tensor.data
        };
        let mut parts: Vec<NamedTensor> = (self.ours.iter())
            .map(|(name, shape)| NamedTensor {
                name: name.clone(),
                shape: shape.clone(),
                data: Vec::with_capacity(shape.iter().product()),
            })
            .collect();
        for ((part, _), row) in self.order(n_heads).into_iter().zip(data.chunks(columns.max(1))) {
            parts[part].data.extend_from_slice(row);
        }
        parts
    }
}

fn transpose(data: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| data[r * columns + c])).collect()
}

/// The tensors of a family's file for parameters of given shapes.
#[derive(Debug)]
pub(crate) struct Names {
    entries: Vec<Entry>,
    n_heads: usize,
}

impl Names {
    /// Fills the family's table with the numbers of blocks and experts.
    ///
    /// # Panics
    /// A parameter has no row, or two: the table and the design have come apart, which a test of
    /// every family prevents.
    pub(crate) fn new(config: &ModelConfig, shapes: &[(String, Vec<usize>)]) -> Self {
        let shapes_by_name: BTreeMap<&str, &[usize]> =
            shapes.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
        let rows = config.architecture.family().names(config);
        let first: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.1.parts()[0], row)).collect();
        let mut named = BTreeSet::new();
        let mut entries = Vec::new();
        for (name, _) in shapes {
            let (pattern, numbers) = pattern(name);
            let (stem, kind) = pattern.rsplit_once('.').unwrap_or_default();
            let both = format!("{stem}.*");
            let row = first.get(pattern.as_str()).or_else(|| first.get(both.as_str()));
            let Some((file, layout)) = row else { continue };
            let fill = |pattern: &str| fill(pattern, &numbers).replace('*', kind);
            let ours: Vec<(String, Vec<usize>)> = layout
                .parts()
                .iter()
                .map(|part| fill(part))
                .filter_map(|part| {
                    let shape = shapes_by_name.get(part.as_str())?.to_vec();
                    Some((part, shape))
                })
                .collect();
            let complete = ours.len() == layout.parts().len();
            let new = ours.iter().all(|(name, _)| named.insert(name.clone()));
            assert!(complete && new, "{name}: the family's table names it once and in full");
            entries.push(Entry { file: fill(file), layout: *layout, ours });
        }
        if let Some((name, _)) = shapes.iter().find(|(name, _)| !named.contains(name)) {
            panic!("{name} has no row in the table of {}", config.architecture);
        }
        Self { entries, n_heads: config.n_heads }
    }

    /// Whether a file of the model has a tensor of this name.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.entries.iter().any(|entry| entry.file == file)
    }

    /// Our tensors as those of a file, sorted by name; one of which a part is not given is left out.
    pub(crate) fn to_files(&self, tensors: &[NamedTensor]) -> Vec<NamedTensor> {
        let by_name: BTreeMap<&str, &NamedTensor> =
            tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        let mut files: Vec<NamedTensor> = (self.entries.iter())
            .filter_map(|entry| {
                let parts: Option<Vec<&NamedTensor>> = entry
                    .ours
                    .iter()
                    .map(|(name, _)| by_name.get(name.as_str()).copied())
                    .collect();
                Some(entry.join(&parts?, self.n_heads))
            })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files
    }

    /// The tensors of a file as ours.
    ///
    /// # Errors
    /// [`ModelError::Weights`] lists all tensors that are missing, unexpected or misshapen, by the
    /// file's names; [`ModelError::DataLength`] when a tensor contradicts itself.
    pub(crate) fn to_ours(&self, tensors: Vec<NamedTensor>) -> Result<Vec<NamedTensor>> {
        let shapes: Vec<(String, Vec<usize>)> =
            self.entries.iter().map(|entry| (entry.file.clone(), entry.shape())).collect();
        let mut by_name = fit(&shapes, tensors)?;
        let split = |entry: &Entry| {
            let tensor = by_name.remove(&entry.file).expect("the names were compared");
            entry.split(tensor, self.n_heads)
        };
        Ok(self.entries.iter().flat_map(split).collect())
    }
}

/// `blocks.3.mlp.experts.5.up.weight` to `blocks.#.mlp.experts.%.up.weight` and `[3, 5]`.
fn pattern(name: &str) -> (String, Vec<&str>) {
    let mut numbers = Vec::new();
    let parts: Vec<&str> = name
        .split('.')
        .map(|part| {
            if !part.bytes().all(|b| b.is_ascii_digit()) {
                return part;
            }
            numbers.push(part);
            if numbers.len() == 1 { "#" } else { "%" }
        })
        .collect();
    (parts.join("."), numbers)
}

fn fill(pattern: &str, numbers: &[&str]) -> String {
    ['#', '%']
        .into_iter()
        .zip(numbers)
        .fold(pattern.to_owned(), |name, (sign, number)| name.replace(sign, number))
}

/// The tensors by name, if they are those of these names and shapes.
pub(crate) fn fit(
    shapes: &[(String, Vec<usize>)],
    tensors: Vec<NamedTensor>,
) -> Result<BTreeMap<String, NamedTensor>> {
    let expected: BTreeMap<&str, &[usize]> =
        shapes.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())).collect();
    let mut by_name = BTreeMap::new();
    let (mut unexpected, mut misshapen) = (Vec::new(), Vec::new());
    for tensor in tensors {
        tensor.check()?;
        let (name, found) = (tensor.name.clone(), tensor.shape.clone());
        match expected.get(name.as_str()) {
            Some(shape) if !by_name.contains_key(&name) => {
                by_name.insert(name.clone(), tensor);
                if found != *shape {
                    misshapen.push(ShapeMismatch { name, expected: shape.to_vec(), found });
                }
            }
            _ => unexpected.push(name),
        }
    }
    let absent = |name: &&str| !by_name.contains_key(*name);
    let missing: Vec<String> = expected.into_keys().filter(absent).map(str::to_owned).collect();
    if missing.is_empty() && unexpected.is_empty() && misshapen.is_empty() {
        return Ok(by_name);
    }
    unexpected.sort();
    misshapen.sort_by(|a, b| a.name.cmp(&b.name));
    Err(ModelError::Weights { missing, unexpected, misshapen })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_out_and_put_in() {
        let (pattern, numbers) = pattern("blocks.12.mlp.experts.5.up.weight");
        assert_eq!(pattern, "blocks.#.mlp.experts.%.up.weight");
        assert_eq!(fill("layers.#.w.%.x", &numbers), "layers.12.w.5.x");
        assert_eq!(fill("norm.weight", &[]), "norm.weight");
    }

    fn tensor(name: &str, shape: &[usize], first: usize) -> NamedTensor {
        let data = (first..first + shape.iter().product::<usize>()).map(|x| x as f32).collect();
        NamedTensor { name: name.to_owned(), shape: shape.to_vec(), data }
    }

    #[test]
    fn every_layout_is_undone() {
        let (q, k) = (tensor("q", &[4, 2], 0), tensor("k", &[4, 2], 8));
        for (layout, shape, data) in [
            (Layout::Same("q"), vec![4, 2], (0..8).collect::<Vec<_>>()),
            (Layout::Transposed("q"), vec![2, 4], vec![0, 2, 4, 6, 1, 3, 5, 7]),
            (Layout::Stacked(&["q", "k"]), vec![8, 2], (0..16).collect()),
            (
                Layout::StackedTransposed(&["q", "k"]),
                vec![2, 8],
                vec![0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15],
            ),
            (
                Layout::PerHead(&["q", "k"]),
                vec![8, 2],
                vec![0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15],
            ),
        ] {
            let parts = if layout.parts().len() == 1 { vec![&q] } else { vec![&q, &k] };
            let ours = parts.iter().map(|part| (part.name.clone(), part.shape.clone())).collect();
            let entry = Entry { file: "f".to_owned(), layout, ours };
            let joined = entry.join(&parts, 2);
            assert_eq!(joined.shape, shape);
            assert_eq!(joined.data, data.iter().map(|x| *x as f32).collect::<Vec<_>>());
            let split = entry.split(joined, 2);
            assert!(split.iter().zip(parts).all(|(a, b)| a == b));
        }
    }
}
