//! Encodes one type section for each interface a plugin may export. The export macro puts the sections of
//! those that a plugin names into its module, and the encoder joins them to its world: so a component
//! exports what its plugin implements and nothing else.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use wit_component::StringEncoding;
use wit_parser::Resolve;

/// The interfaces a plugin may leave out.
const OPTIONAL: [&str; 6] = [
    "media",
    "onboarding",
    "templates",
    "health",
    "reconcile",
    "profile",
];

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script by its environment where to write"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=wit");
    println!("cargo::rerun-if-changed=build.rs");
    let folder = env::var("OUT_DIR")?;
    write(
        Path::new(&folder),
        "provider",
        "include wharf:provider/provider@1.0.0;",
    )?;
    for interface in OPTIONAL {
        let world = format!(
            "include wharf:provider/provider@1.0.0; export wharf:provider/{interface}@1.0.0;"
        );
        write(Path::new(&folder), interface, &world)?;
    }
    Ok(())
}

fn write(folder: &Path, name: &str, world: &str) -> Result<(), Box<dyn Error>> {
    let mut resolve = Resolve::default();
    resolve.push_dir("wit")?;
    let source = format!("package wharf:plugin-{name};\nworld exported {{ {world} }}\n");
    let package = resolve.push_str("exported.wit", &source)?;
    let world = resolve.select_world(&[package], Some("exported"))?;
    let section = wit_component::metadata::encode(&resolve, world, StringEncoding::UTF8, None)?;
    fs::write(folder.join(format!("{name}.section")), section)?;
    Ok(())
}
