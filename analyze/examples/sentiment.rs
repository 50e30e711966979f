//! Trains the sentiment model and prints its figures: `cargo run -p analyze --example sentiment -- DATA OUT`.
#![allow(clippy::print_stdout)]
use analyze::understand::sentiment::{evaluate, train};
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, data, out] = &arguments[..] else { anyhow::bail!("say: sentiment DATA OUT") };
    let start = std::time::Instant::now();
    let model = train(Path::new(data), Path::new(out))?;
    println!("trained in {:.1?}", start.elapsed());
    print!("{}", evaluate(&model, Path::new(data))?);
    Ok(())
}
