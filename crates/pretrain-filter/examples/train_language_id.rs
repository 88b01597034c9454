//! Trains a language identifier: lines of `code TAB text` on standard input, the model on standard
//! output. This is how `src/langid/model.bin` was made.
//!
//! ```text
//! cargo run --release -p pretrain-filter --example train_language_id < lines.tsv > model.bin
//! ```

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};

use pretrain_filter::langid::{LanguageTrainer, Pruning};

fn main() -> Result<(), Box<dyn Error>> {
    let mut trainer = LanguageTrainer::default();
    for line in stdin().lock().lines() {
        let line = line?;
        let (code, text) = line.split_once('\t').ok_or("a line without a tab")?;
        trainer.add(code, text);
    }
    stdout().write_all(&trainer.finish(&Pruning::default())?.to_bytes())?;
    Ok(())
}
