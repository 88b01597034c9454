//! The whole run in one command: raw text in, trained and exported model out.

use examples::command;
use examples::run::run;
use std::process::ExitCode;

fn main() -> ExitCode {
    command::main("From raw text to a trained, evaluated and exported language model", run)
}
