//! Made-up source files.

use crate::{Draws, Vocabulary};
use std::fmt::{self, Write};

/// What every file begins with, as licences do.
const HEADER: &str = "// Copyright the authors. Licensed under either of the usual two licences, at your\n\
    // option. This file may not be copied, modified or distributed except by those terms.\n\n";
const TYPES: &[&str] =
    &["u8", "u32", "usize", "bool", "String", "&str", "Vec<u8>", "Option<u64>", "Result<()>"];
const OPERATORS: &[&str] = &["+", "-", "*", "/", "&", "|", "<<", "^"];

/// Files in a language like Rust, 8 kB on average: imports, documented functions, nested blocks, calls,
/// literals. Each file has its own few identifiers, used again and again.
#[derive(Debug, Clone, Default)]
pub struct Code {
    vocabulary: Vocabulary,
}

impl Code {
    /// The language.
    pub fn new() -> Self {
        Self::default()
    }

    /// File number `index`.
    pub fn document(&self, index: u64) -> String {
        let mut draws = Draws::new("code", index);
        let names = (0..20).map(|_| self.identifier(&mut draws)).collect();
        let mut file = File { vocabulary: &self.vocabulary, names, draws, text: HEADER.to_owned() };
        file.write().expect("writing to a string cannot fail");
        file.text
    }

    fn identifier(&self, draws: &mut Draws) -> String {
        let word = |draws: &mut Draws| self.vocabulary.draw(draws).replace('é', "e");
        let mut name = word(draws);
        for _ in 0..draws.below(3) {
            name.push('_');
            name.push_str(&word(draws));
        }
        name
    }
}

/// A file in the making.
struct File<'a> {
    vocabulary: &'a Vocabulary,
    names: Vec<String>,
    draws: Draws,
    text: String,
}

impl File<'_> {
    fn write(&mut self) -> fmt::Result {
        for _ in 0..self.draws.within(1..=8) {
            let (crate_name, item) = (self.name(), self.name());
            writeln!(self.text, "use {crate_name}::{item};")?;
        }
        for _ in 0..self.draws.size(0..4) {
            self.function()?;
        }
        Ok(())
    }

    fn function(&mut self) -> fmt::Result {
        self.text.push_str("\n///");
        for _ in 0..self.draws.within(4..=16) {
            let word = self.vocabulary.draw(&mut self.draws);
            write!(self.text, " {word}")?;
        }
        let (name, argument, other) = (self.name(), self.name(), self.name());
        let [a, b, c] = [0; 3].map(|_| self.draws.one_of(TYPES));
        writeln!(self.text, ".\npub fn {name}({argument}: {a}, {other}: &mut {b}) -> {c} {{")?;
        self.block(1)?;
        writeln!(self.text, "    {other}\n}}")
    }

    fn block(&mut self, depth: usize) -> fmt::Result {
        for _ in 0..self.draws.within(2..=7) {
            let indent = "    ".repeat(depth);
            let [a, b, c] = [0; 3].map(|_| self.name());
            let number = self.draws.size(0..12);
            match self.draws.below(if depth < 4 { 9 } else { 7 }) {
                0 => writeln!(self.text, "{indent}let {a} = {b}.{c}();")?,
                1 => writeln!(self.text, "{indent}let mut {a} = {b}::new({c}, {number});")?,
                2 => {
                    let operator = self.draws.one_of(OPERATORS);
                    writeln!(self.text, "{indent}{a} = ({b} {operator} {number:#x}) as usize;")?;
                }
                3 => writeln!(self.text, "{indent}self.{a}.push({b}[{c} % {number}]);")?,
                4 => writeln!(self.text, "{indent}assert_eq!({a}, {b}, \"{c} is not {number}\");")?,
                5 => {
                    writeln!(
                        self.text,
                        "{indent}{a}.iter().map(|{b}| {b}.{c}).sum::<f64>() * 0.5;"
                    )?;
                }
                6 => writeln!(self.text, "{indent}// {a} {b} {c}")?,
                7 => {
                    writeln!(self.text, "{indent}if {a} != {b} && !{c}.is_empty() {{")?;
                    self.block(depth + 1)?;
                    writeln!(self.text, "{indent}}}")?;
                }
                _ => {
                    writeln!(self.text, "{indent}for {a} in 0..{b}.len() {{")?;
                    self.block(depth + 1)?;
                    writeln!(self.text, "{indent}}}")?;
                }
            }
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        self.draws.one_of(&self.names)
    }
}
