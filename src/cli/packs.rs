//! `scorekeeper packs`: program packs to start from.

use std::path::PathBuf;

use super::{Exit, Failure, Format};
use crate::rulebook::packs::{PACKS, Pack, pack};

/// Complete rule files for a trade, each with a week of sample events.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  scorekeeper packs init saas --dir rules")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// The packs there are.
    List,
    /// Print a pack's rules.
    Show { name: String },
    /// Write a pack's rules and sample events, NAME.yaml and NAME.events.jsonl; existing files are left alone.
    Init {
        name: String,
        /// Where to.
        #[arg(long, default_value = ".")]
        dir: PathBuf,
    },
}

pub fn run(args: &Args, format: Format) -> Result<Exit, Failure> {
    match &args.action {
        Action::List if format == Format::Json => {
            let packs: Vec<_> = PACKS.iter().map(|pack| serde_json::json!({ "name": pack.name, "title": pack.title })).collect();
            println!("{}", serde_json::Value::from(packs));
        }
        Action::List => PACKS.iter().for_each(|pack| println!("{:<12} {}", pack.name, pack.title)),
        Action::Show { name } => print!("{}", named(name)?.rules),
        Action::Init { name, dir } => {
            let pack = named(name)?;
            std::fs::create_dir_all(dir)
                .map_err(|error| Failure::new(Exit::CannotCreate, format!("{}: {error}", dir.display())))?;
            for (file, text) in [(format!("{name}.yaml"), pack.rules), (format!("{name}.events.jsonl"), pack.events)] {
                let path = dir.join(file);
                let written =
                    std::fs::File::create_new(&path).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
                written.map_err(|error| Failure::new(Exit::CannotCreate, format!("{}: {error}", path.display())))?;
                println!("{}", path.display());
            }
        }
    }
    Ok(Exit::Success)
}

fn named(name: &str) -> Result<&'static Pack, Failure> {
    pack(name).ok_or_else(|| {
        let names: Vec<&str> = PACKS.iter().map(|pack| pack.name).collect();
        Failure::new(Exit::Usage, format!("no pack {name:?}; there are {}", names.join(", ")))
    })
}
