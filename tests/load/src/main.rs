//! `wharf-bench`: the figures of Wharf, each beside a counterpart measured in the same run.
//!
//! Owns what is measured and how it is shown. Started by `cargo xtask bench`, which builds the gateway
//! and the plugins in the release profile and says where they are. It must not decide what a figure
//! should be: goals are those of BENCHMARKS.md, and a miss is shown, not hidden.

mod accept;
mod bare;
mod client;
mod end_to_end;
mod gateway;
mod hostile;
mod ingest;
mod memory;
mod plugin;
mod process;
mod ready;
mod report;
mod rounds;
mod swap;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use tokio::runtime::Runtime;

use crate::client::Client;
use crate::report::Row;

#[derive(Parser)]
#[command(name = "wharf-bench")]
struct Options {
    /// Measure only this row
    #[arg(long)]
    only: Option<Name>,
    /// End with an error when a goal is missed
    #[arg(long)]
    check: bool,
    /// Of `hostile_p99_ratio`, only these entries of the catalogue, or `all` of it
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    entries: Vec<String>,
    /// Of `hostile_p99_ratio`, so many requests a run: fewer are for trying out
    #[arg(long, value_name = "NUMBER", default_value_t = hostile::REQUESTS)]
    requests: u32,
    /// Folder of the plugins' components
    #[arg(long, env = "WHARF_PLUGINS_DIST")]
    plugins: PathBuf,
    /// The gateway's program file
    #[arg(long, env = "WHARF_BIN")]
    wharf: PathBuf,
    /// File that takes the figures as JSON
    #[arg(long, env = "WHARF_BENCH_JSON")]
    json: PathBuf,
    /// Folder for databases, on the disk whose syncs count
    #[arg(long, env = "WHARF_BENCH_WORK")]
    work: PathBuf,
}

/// The rows, in the order in which they are measured and shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Name {
    PluginCallUs,
    PluginCallFloorUs,
    AcceptPerS,
    IngestPerS,
    EndToEndPerS,
    IdleRssMib,
    ReadyMs,
    #[value(alias = "swap")]
    SwapFailedRequests,
    #[value(alias = "hostile")]
    HostileP99Ratio,
}

/// What a row is measured with.
struct Bench {
    options: Options,
    /// Runs the gateway, or the counterpart: as many threads as there are cores, as `wharf serve`.
    host: Runtime,
    /// Runs the fake Graph API: one thread, as if it were another machine's.
    peer: Runtime,
    client: Client,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    // Warnings only: a row that fails silently in the gateway would be a wrong figure.
    wharf::telemetry::start("warn", wharf::telemetry::LogFormat::Pretty)?;
    std::fs::create_dir_all(&options.work)?;
    let bench = Bench {
        host: tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?,
        peer: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?,
        client: Client::new()?,
        options,
    };
    let mut rows = Vec::new();
    for name in Name::value_variants() {
        if bench.options.only.is_none_or(|only| only == *name) {
            let row = bench.measure(*name)?;
            eprintln!("{} {:.1} {}", row.name, row.value, row.unit);
            rows.push(row);
        }
    }
    print!("{}", report::table(&rows));
    report::write_json(&bench.options.json, &rows)?;
    println!("written to {}", bench.options.json.display());
    let missed = rows.iter().any(|row| !row.is_met());
    Ok(if bench.options.check && missed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

impl Bench {
    fn measure(&self, name: Name) -> anyhow::Result<Row> {
        match name {
            Name::PluginCallUs => plugin::measure(self),
            Name::PluginCallFloorUs => plugin::measure_floor(self),
            Name::AcceptPerS => accept::measure(self),
            Name::IngestPerS => ingest::measure(self),
            Name::EndToEndPerS => end_to_end::measure(self),
            Name::IdleRssMib => memory::measure(self),
            Name::ReadyMs => ready::measure(self),
            Name::SwapFailedRequests => swap::measure(self),
            Name::HostileP99Ratio => hostile::measure(self),
        }
    }
}
