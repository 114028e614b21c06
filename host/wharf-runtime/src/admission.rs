//! What may be compiled at all. Looks at bytes only; nothing of the component runs here.

use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::config::{ClassLimits, LimitClass};
use crate::error::{LoadReason, Remedy};

/// Part of the name of a compiled plugin's file, so that code in the cache has always passed the rules
/// of this file. Raise it whenever a rule here changes.
pub(crate) const RULES_REVISION: u32 = 1;

const PACKAGE: &str = "wharf:provider/";
/// The one interface with functions that this host offers. The others that a component imports only
/// lend it their types.
const OFFERED: &str = "wharf:provider/log";
const OFFERED_FUNCTION: &str = "write";
const REQUIRED: [&str; 3] = [
    "wharf:provider/manifest@1.0.0",
    "wharf:provider/outbound@1.0.0",
    "wharf:provider/inbound@1.0.0",
];
const WASM_PAGE_BYTES: u64 = 64 * 1024;
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// Whose component it is, and what its class allows.
pub(crate) struct Applicant<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) class: LimitClass,
    pub(crate) limits: &'a ClassLimits,
}

impl Applicant<'_> {
    fn remedy(&self, key: &'static str) -> Remedy {
        Remedy {
            plugin: self.plugin.to_owned(),
            class: self.class,
            key,
        }
    }

    pub(crate) fn check_size(&self, bytes: usize) -> Result<(), LoadReason> {
        let bytes_max = self.limits.component_bytes_max;
        if bytes > bytes_max {
            return Err(LoadReason::TooLarge {
                bytes,
                bytes_max,
                remedy: self.remedy("component_bytes_max"),
            });
        }
        Ok(())
    }

    /// What the component takes when it is instantiated, before it has run.
    pub(crate) fn check_resources(&self, component: &Component) -> Result<(), LoadReason> {
        // None for a component that imports modules; the linker offers none and refuses it by name.
        let Some(needs) = component.resources_required() else {
            return Ok(());
        };
        let limits = self.limits;
        let pages = needs.max_initial_memory_size.unwrap_or(0);
        let checks = [
            (
                "bytes of memory",
                pages.saturating_mul(WASM_PAGE_BYTES),
                limits.memory_bytes_max,
                "memory_bytes_max",
            ),
            (
                "memories",
                needs.num_memories.into(),
                limits.memories_max,
                "memories_max",
            ),
            (
                "tables",
                needs.num_tables.into(),
                limits.tables_max,
                "tables_max",
            ),
            (
                "table elements",
                needs.max_initial_table_size.unwrap_or(0),
                limits.table_elements_max,
                "table_elements_max",
            ),
        ];
        for (what, needed, allowed, key) in checks {
            let allowed = allowed as u64;
            if needed > allowed {
                return Err(LoadReason::Resources {
                    what,
                    needed,
                    allowed,
                    remedy: self.remedy(key),
                });
            }
        }
        Ok(())
    }
}

/// It is a valid component of allowed features, imports nothing foreign and exports what it must.
pub(crate) fn check_bytes(bytes: &[u8]) -> Result<(), LoadReason> {
    if bytes.starts_with(ELF_MAGIC) || Engine::detect_precompiled(bytes).is_some() {
        return Err(LoadReason::Precompiled);
    }
    if Parser::is_core_wasm(bytes) {
        return Err(LoadReason::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(LoadReason::NotWasm);
    }
    // Before validation: whoever built for WASI should read of the import, not of a feature that
    // its adapter uses.
    let surface = surface(bytes)?;
    for import in &surface.imports {
        check_import(import)?;
    }
    Validator::new_with_features(features())
        .validate_all(bytes)
        .map_err(|source| LoadReason::Malformed { source })?;
    for required in REQUIRED {
        check_export(&surface.exports, required)?;
    }
    Ok(())
}

/// It asks for no function that this host does not have: one of a newer interface says so by name.
pub(crate) fn check_offered(component: &Component, engine: &Engine) -> Result<(), LoadReason> {
    for (import, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            continue;
        };
        let is_log = interface_of(import) == OFFERED;
        for (name, export) in instance.exports(engine) {
            let is_function = matches!(export.ty, ComponentItem::ComponentFunc(_));
            if is_function && !(is_log && name == OFFERED_FUNCTION) {
                return Err(LoadReason::NotOffered {
                    function: format!("{import}#{name}"),
                });
            }
        }
    }
    Ok(())
}

/// Names of what a component exports, as `wharf:provider/media@1.0.0`. Nothing of it runs.
pub fn exports(bytes: &[u8]) -> Result<Vec<String>, LoadReason> {
    Ok(surface(bytes)?.exports)
}

struct Surface {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// The names at the outermost level; a component inside may import from its neighbours.
fn surface(bytes: &[u8]) -> Result<Surface, LoadReason> {
    let malformed = |source| LoadReason::Malformed { source };
    let mut surface = Surface {
        imports: Vec::new(),
        exports: Vec::new(),
    };
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import.map_err(malformed)?.name;
                    surface.imports.push(name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let name = export.map_err(malformed)?.name;
                    surface.exports.push(name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

fn check_import(import: &str) -> Result<(), LoadReason> {
    if !import.starts_with(PACKAGE) {
        return Err(LoadReason::ForeignImport {
            import: import.to_owned(),
        });
    }
    if !is_version_1(import) {
        return Err(LoadReason::ForeignVersion {
            name: import.to_owned(),
        });
    }
    Ok(())
}

fn check_export(exports: &[String], required: &'static str) -> Result<(), LoadReason> {
    let mut found = exports
        .iter()
        .filter(|name| interface_of(name) == interface_of(required));
    match found.next() {
        Some(name) if is_version_1(name) => Ok(()),
        Some(name) => Err(LoadReason::ForeignVersion { name: name.clone() }),
        None => Err(LoadReason::MissingExport { export: required }),
    }
}

fn interface_of(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

/// Any release of major version 1, older or newer than this host: they share every interface that
/// both have. A pre-release shares nothing with anybody (semver.org, 9 and 11).
fn is_version_1(name: &str) -> bool {
    let Some((_, version)) = name.split_once('@') else {
        return false;
    };
    let parts: Vec<_> = version.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() == 3 && parts[0] == "1" && parts.iter().all(is_number)
}

/// WebAssembly 2.0 without what the engine has turned off, and the component model without async.
fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::SIMD
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::FLOATS
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::COMPONENT_MODEL
}
