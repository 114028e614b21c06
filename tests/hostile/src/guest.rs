//! Guests in the making: core modules written by hand, turned into components of the real interface.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;
use wit_parser::abi::WasmType;

use crate::layout::{Layout, WIT};
use crate::memory::{HEAP_BASE, IMAGE_BASE, Image, PAGES};

static LAYOUT: LazyLock<Layout> = LazyLock::new(Layout::new);

/// A guest whose every function returns something harmless until it is given another body.
pub struct Guest {
    pub image: Image,
    /// Of the interface that it claims to speak.
    pub version: &'static str,
    /// The interfaces its world exports.
    pub exports: Vec<&'static str>,
    /// What `describe` returns unless it has a body; as [`Guest::value`] takes it.
    pub descriptor: Value,
    /// More items of the module: globals, functions, tables.
    pub items: String,
    /// More of the interface than this host's, and what its world says of it.
    pub wit: String,
    pub world: String,
    /// More imports of the module.
    pub imports: String,
    /// 64 KiB each, at the start.
    pub pages: u32,
    bodies: BTreeMap<String, String>,
}

impl Default for Guest {
    fn default() -> Self {
        Self::new()
    }
}

impl Guest {
    pub fn new() -> Self {
        Self {
            image: Image::default(),
            version: "1.0.0",
            exports: vec!["manifest", "outbound", "inbound"],
            descriptor: descriptor(),
            items: String::new(),
            wit: String::new(),
            world: String::new(),
            imports: String::new(),
            pages: PAGES,
            bodies: BTreeMap::new(),
        }
    }

    /// A guest whose `start` has this body.
    pub fn starting(body: &str) -> Self {
        Self::new().body("outbound.start", body)
    }

    /// Replaces the body of a function, for example `outbound.start`. It may begin with locals and
    /// ends with the address of the result.
    #[must_use]
    pub fn body(mut self, function: &str, body: impl Into<String>) -> Self {
        self.set_body(function, body);
        self
    }

    pub fn set_body(&mut self, function: &str, body: impl Into<String>) {
        // Fails here, and not as a missing export, when the name is wrong.
        LAYOUT.function(function);
        self.bodies.insert(function.to_owned(), body.into());
    }

    /// Makes a function return this value; `layout` says how it is written.
    #[must_use]
    pub fn returning(mut self, function: &str, value: &Value) -> Self {
        let at = self.value(function, value);
        self.body(function, format!("(i32.const {at})"))
    }

    /// Runs these instructions before a function's harmless result.
    #[must_use]
    pub fn first(mut self, function: &str, instructions: &str) -> Self {
        let harmless = LAYOUT.harmless(LAYOUT.function(function));
        let at = self.value(function, &harmless);
        self.body(function, format!("{instructions} (i32.const {at})"))
    }

    /// Lays out a value that the function may return, and says where it stands.
    pub fn value(&mut self, function: &str, value: &Value) -> u32 {
        LAYOUT.result(&mut self.image, LAYOUT.function(function), value)
    }

    /// The same in an image that has no guest yet.
    pub fn lay_out(image: &mut Image, function: &str, value: &Value) -> u32 {
        LAYOUT.result(image, LAYOUT.function(function), value)
    }

    /// How far into such a value a member stands, for example `["ok", "next", "some"]`.
    pub fn result_offset(function: &str, path: &[&str]) -> u32 {
        LAYOUT.result_offset(LAYOUT.function(function), path)
    }

    /// How far behind `(local.get 0)` a member of the parameters stands, for example `["skip"]`.
    pub fn param_offset(function: &str, path: &[&str]) -> u32 {
        LAYOUT.param_offset(LAYOUT.function(function), path)
    }

    /// How large the elements of a list in what a function returns are.
    pub fn element_size(function: &str, list: &[&str]) -> u32 {
        LAYOUT.size(&LAYOUT.element(LAYOUT.function(function), list))
    }

    /// How far into such an element a member stands.
    pub fn element_offset(function: &str, list: &[&str], path: &[&str]) -> u32 {
        LAYOUT.offset(&LAYOUT.element(LAYOUT.function(function), list), path)
    }

    pub fn build(self) -> Vec<u8> {
        let (wit, module) = self.parts();
        let mut resolve = Resolve::default();
        let package = resolve.push_str("provider.wit", &wit).unwrap();
        let world = resolve.select_world(&[package], Some("made")).unwrap();
        let mut core = wat::parse_str(&module).unwrap_or_else(|error| panic!("{error}"));
        embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default()
            .module(&core)
            .unwrap()
            .validate(true)
            .encode()
            .unwrap()
    }

    /// The core module alone: what somebody hands in who forgot the last step.
    pub fn build_core_module(self) -> Vec<u8> {
        wat::parse_str(self.parts().1).unwrap()
    }

    fn parts(mut self) -> (String, String) {
        let exports: String = self
            .exports
            .iter()
            .map(|name| format!("export {name};\n"))
            .collect();
        // A package of an older version cannot speak of what came with 1.0.0.
        let wit = WIT.replace("@since(version = 1.0.0)", "");
        let wit = wit.replacen("@1.0.0;", &format!("@{};", self.version), 1)
            + &self.wit
            + &format!("world made {{ import log;\n{exports}{} }}\n", self.world);
        if !self.bodies.contains_key("manifest.describe") {
            let descriptor = self.descriptor.take();
            self = self.returning("manifest.describe", &descriptor);
        }
        let functions = self.functions();
        (wit, self.module_head() + &functions + ")")
    }

    fn functions(&mut self) -> String {
        let mut functions = String::new();
        for interface in self.exports.clone() {
            for function in LAYOUT.functions(interface) {
                let name = format!("{interface}.{}", function.name);
                let body = self.bodies.remove(&name).unwrap_or_else(|| {
                    let harmless = LAYOUT.harmless(function);
                    format!("(i32.const {})", self.value(&name, &harmless))
                });
                let params: String = LAYOUT
                    .signature(function)
                    .params
                    .iter()
                    .map(|param| format!("(param {}) ", text(*param)))
                    .collect();
                writeln!(
                    functions,
                    "(func (export \"wharf:provider/{interface}@{}#{}\") {params}(result i32) {body})",
                    self.version, function.name
                )
                .unwrap();
                // What the bodies say of the log is looked at once all are known.
                self.items.push_str(match body.contains("call $log") {
                    true => " (; call $log ;)",
                    false => "",
                });
            }
        }
        functions
    }

    fn module_head(&self) -> String {
        let log = match self.items.contains("call $log") {
            true => format!(
                "(import \"wharf:provider/log@{}\" \"write\" (func $log (param i32 i32 i32 i32 i32)))",
                self.version
            ),
            false => String::new(),
        };
        format!(
            r#"(module {log} {imports}
            (memory (export "memory") {pages})
            (data (i32.const {IMAGE_BASE}) "{data}")
            (global $heap (mut i32) (i32.const {HEAP_BASE}))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                (global.set $heap (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            {items}
            "#,
            pages = self.pages,
            data = self.image.to_wat(),
            items = self.items,
            imports = self.imports,
        )
    }
}

fn text(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        _ => "i32",
    }
}

/// Honest and small: one setting, one host.
fn descriptor() -> Value {
    json!({
        "id": "dev.wharf.test",
        "name": "Test",
        "version": "1.2.3",
        "vendor": "Wharf",
        "inputs": [
            { "name": "sender", "kind": "text", "level": "channel", "title": "A number" },
        ],
        "endpoints": [
            { "host": "api.example.com", "methods": ["get", "post"], "paths": ["/v1/"] },
        ],
        "sender-setting": "sender",
    })
}
