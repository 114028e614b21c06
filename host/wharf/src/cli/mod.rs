//! The command line: noun, verb; data on standard output, talk on standard error.

mod config;
mod dev;
mod key;
mod plugin;
mod queue;
mod serve;
mod signals;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::json;
use wharf_config::{Config, ConfigErrors, Sources};
use wharf_core::{Code, Reason};
use wharf_runtime::{WorkerLimits, compile_worker};

/// Exit codes: 0 ok, 1 failed, 2 wrong usage (clap's), 78 wrong configuration (sysexits' EX_CONFIG).
const EXIT_CONFIG: u8 = 78;

/// One gateway for every provider of the official WhatsApp Business platform.
#[derive(Parser)]
#[command(name = "wharf", version, about, arg_required_else_help = true)]
struct Arguments {
    /// The main configuration file; without it /etc/wharf/wharf.toml, if there is one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one configuration key, for example --set http.listen=127.0.0.1:9000
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Allow egress.connect_to, which sends a provider's traffic elsewhere: for tests only
    #[arg(long, global = true)]
    insecure_connect_to: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the HTTP API and run the jobs
    Serve,
    /// Try it: a throwaway database, tenant and key, and the sandbox provider
    Dev(dev::Options),
    /// Bring the database to this version
    Migrate {
        /// Only list what is pending
        #[arg(long)]
        status: bool,
    },
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// API keys of tenants
    #[command(subcommand)]
    Key(key::Command),
    /// Provider plugins: install, approve, look at, go back
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// The job queues and their dead letters
    #[command(subcommand)]
    Queue(queue::Command),
    /// Compile one plugin from standard input to standard output: what the gateway starts for itself
    #[command(name = crate::plugin_config::COMPILE_COMMAND, hide = true)]
    CompilePlugin {
        memory_bytes_max: u64,
        cpu_s_max: u64,
    },
    /// Where providers call
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Print the description of the API (OpenAPI 3.1)
    Openapi,
    /// Explain an error code of the API, or the reason why a message, delivery or plugin failed
    Errors {
        /// The code, as in a problem's `code`, or the reason, as in a message's `error.code`; without it all are listed
        code: Option<String>,
    },
}

/// The program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let sources = sources(&arguments);
    let result = match arguments.command {
        Command::Serve => load(&sources).and_then(serve::run),
        Command::Dev(options) => dev::run(&options),
        Command::Migrate { status } => {
            load(&sources).and_then(|config| serve::migrate(config, status))
        }
        Command::Config(command) => config::run(&command, &sources),
        Command::Key(command) => key::run(&command, || load(&sources)),
        Command::Plugin(command) => match plugin::run(&command, &sources) {
            Ok(code) => return code,
            Err(error) if command.is_for_programs() => return report_json(&error),
            Err(error) => Err(error),
        },
        Command::Queue(command) => load(&sources).and_then(|config| queue::run(&command, config)),
        Command::Webhook(command) => {
            load(&sources).and_then(|config| webhook::run(&command, config))
        }
        Command::Openapi => {
            print(&format!("{:#}", crate::http::openapi()));
            Ok(())
        }
        Command::Errors { code } => errors(code.as_deref()),
        Command::CompilePlugin {
            memory_bytes_max,
            cpu_s_max,
        } => {
            return compile_plugin(&WorkerLimits {
                memory_bytes_max,
                cpu_s_max,
            });
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// Its last words go to the gateway, which quotes them.
fn compile_plugin(limits: &WorkerLimits) -> ExitCode {
    match compile_worker(limits) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn sources(arguments: &Arguments) -> Sources {
    let mut sources = Sources::of_process(arguments.config.as_deref());
    sources.flags.extend(arguments.set.iter().cloned());
    sources.allow_connect_to = arguments.insecure_connect_to;
    sources
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, for example http.listen=127.0.0.1:9000".to_owned()),
    }
}

fn load(sources: &Sources) -> anyhow::Result<Config> {
    Ok(Config::load(sources)?)
}

/// Says what went wrong, with its causes numbered.
fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(errors) = error.downcast_ref::<ConfigErrors>() {
        tell(&format!(
            "The configuration is wrong; nothing was started.\n{errors}"
        ));
        return exit_code(error);
    }
    tell(&format!("wharf: {error}"));
    for (number, cause) in error.chain().skip(1).enumerate() {
        tell(&format!("  caused by {}: {cause}", number + 1));
    }
    exit_code(error)
}

/// The same as one line of JSON, on standard error as well: standard output has the command's data and nothing else.
fn report_json(error: &anyhow::Error) -> ExitCode {
    let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
    tell(&json!({ "error": error.to_string(), "causes": causes }).to_string());
    exit_code(error)
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    match error.is::<ConfigErrors>() {
        true => ExitCode::from(EXIT_CONFIG),
        false => ExitCode::FAILURE,
    }
}

fn errors(slug: Option<&str>) -> anyhow::Result<()> {
    let Some(slug) = slug else {
        for code in Code::ALL {
            let (slug, status) = (code.as_str(), code.http_status());
            print(&format!("{slug:<26} {status}  {}", code.title()));
        }
        for reason in Reason::ALL {
            print(&format!("{:<26}   -  {}", reason.as_str(), reason.title()));
        }
        return Ok(());
    };
    let page = crate::http::errors_page::describe(slug).ok_or_else(|| {
        anyhow::anyhow!("there is no error code or reason {slug}; `wharf errors` lists them")
    })?;
    print(page.trim_end());
    Ok(())
}

/// A line of data. A reader that went away (`| head`) is no error.
fn print(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line of talk.
fn tell(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The runtime of commands that need one.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
