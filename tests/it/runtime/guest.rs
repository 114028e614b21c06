//! Makes hostile guests: core modules written by hand, turned into components of the real interface.
//!
//! The compiled languages never produce most of what these do, so values are laid out here byte by
//! byte, as the canonical ABI wants them.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WIT: &str = include_str!("../../../wit/provider.wit");
/// Where the image starts; address 0 stays empty, so that forgotten pointers are seen.
const IMAGE_BASE: u32 = 1024;
/// Where `cabi_realloc` hands out memory, far behind any image.
const HEAP_BASE: u32 = 1 << 20;
/// Half a MiB of zeros that nothing writes to: text as long as one likes.
const BLANK_BASE: u32 = 1 << 17;
/// Two MiB: the image, the heap and something to point long strings at.
const PAGES: u32 = 32;

/// The guest's memory at its start.
pub(crate) struct Image(Vec<u8>);

impl Image {
    pub(crate) fn area(&mut self, size: u32) -> u32 {
        while !self.0.len().is_multiple_of(8) {
            self.0.push(0);
        }
        let at = IMAGE_BASE + u32::try_from(self.0.len()).unwrap();
        self.0.resize(self.0.len() + size as usize, 0);
        at
    }

    pub(crate) fn bytes(&mut self, at: u32, bytes: &[u8]) {
        let start = (at - IMAGE_BASE) as usize;
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, at: u32, value: u8) {
        self.bytes(at, &[value]);
    }

    pub(crate) fn u32(&mut self, at: u32, value: u32) {
        self.bytes(at, &value.to_le_bytes());
    }

    /// A pointer and a length: a string or a list.
    pub(crate) fn span(&mut self, at: u32, pointer: u32, length: u32) {
        self.u32(at, pointer);
        self.u32(at + 4, length);
    }

    pub(crate) fn string(&mut self, at: u32, text: &str) {
        let length = u32::try_from(text.len()).unwrap();
        let pointer = self.area(length);
        self.bytes(pointer, text.as_bytes());
        self.span(at, pointer, length);
    }
}

/// One secret or setting in the description of a guest.
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) secret: bool,
}

/// A guest in the making. Every function has a body that does no harm until it is replaced.
pub(crate) struct Guest {
    pub(crate) image: Image,
    pub(crate) version: &'static str,
    /// The interfaces its world exports.
    pub(crate) exports: Vec<&'static str>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) sender_setting: &'static str,
    pub(crate) id: &'static str,
    /// The plugin's own version, as its description says.
    pub(crate) release: &'static str,
    /// The number of a verification case and the name of its secret.
    pub(crate) verification: Option<(u8, &'static str)>,
    pub(crate) describe: Option<String>,
    pub(crate) start: String,
    pub(crate) resume: String,
    pub(crate) parse: String,
    /// More items of the module: globals, functions.
    pub(crate) items: String,
    pub(crate) pages: u32,
}

impl Guest {
    pub(crate) fn new() -> Self {
        let mut image = Image(Vec::new());
        let done = done(&mut image);
        // An empty list and no `next` are all zeros, as is `ok`.
        let parsed = image.area(88);
        Self {
            version: "1.0.0",
            exports: vec!["manifest", "outbound", "inbound"],
            inputs: vec![Input {
                name: "sender",
                secret: false,
            }],
            sender_setting: "sender",
            id: "dev.wharf.test",
            release: "1.2.3",
            verification: None,
            describe: None,
            start: format!("(i32.const {done})"),
            resume: format!("(i32.const {done})"),
            parse: format!("(i32.const {parsed})"),
            items: String::new(),
            pages: PAGES,
            image,
        }
    }

    /// A guest whose `start` has this body.
    pub(crate) fn starting(body: &str) -> Self {
        let mut guest = Self::new();
        guest.start = body.to_owned();
        guest
    }

    pub(crate) fn build(self) -> Vec<u8> {
        let (wit, module) = self.parts();
        let mut resolve = Resolve::default();
        let package = resolve.push_str("provider.wit", &wit).unwrap();
        let world = resolve.select_world(&[package], Some("made")).unwrap();
        let mut core = wat::parse_str(&module).unwrap();
        embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default()
            .module(&core)
            .unwrap()
            .validate(true)
            .encode()
            .unwrap()
    }

    /// The core module alone: what somebody hands in who forgot the last step.
    pub(crate) fn build_core_module(self) -> Vec<u8> {
        wat::parse_str(self.parts().1).unwrap()
    }

    fn parts(mut self) -> (String, String) {
        let exports: String = self
            .exports
            .iter()
            .map(|name| format!("export {name};\n"))
            .collect();
        let wit = WIT.replacen("@1.0.0;", &format!("@{};", self.version), 1)
            + &format!("world made {{ import log;\n{exports} }}\n");
        let descriptor = self.descriptor();
        let describe = self
            .describe
            .take()
            .unwrap_or_else(|| format!("(i32.const {descriptor})"));
        let functions = [
            ("manifest", "describe", "", describe),
            ("outbound", "start", "(param i32)", self.start.clone()),
            ("outbound", "resume", "(param i32)", self.resume.clone()),
            ("inbound", "parse", "(param i32)", self.parse.clone()),
        ];
        let mut module = self.module_head();
        for (interface, function, params, body) in functions {
            if self.exports.contains(&interface) {
                module += &format!(
                    "(func (export \"wharf:provider/{interface}@{}#{function}\") {params} (result i32) {body})\n",
                    self.version
                );
            }
        }
        (wit, module + ")")
    }

    fn module_head(&self) -> String {
        let data: String = self
            .image
            .0
            .iter()
            .map(|byte| format!("\\{byte:02x}"))
            .collect();
        let log = if self.items.contains("call $log") || self.parse.contains("call $log") {
            format!(
                "(import \"wharf:provider/log@{}\" \"write\" (func $log (param i32 i32 i32 i32 i32)))",
                self.version
            )
        } else {
            String::new()
        };
        format!(
            r#"(module {log}
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
            items = self.items,
        )
    }

    fn descriptor(&mut self) -> u32 {
        let (id, sender, verification) = (self.id, self.sender_setting, self.verification);
        let release = self.release;
        let image = &mut self.image;
        let at = image.area(120);
        for (offset, text) in [
            (0, id),
            (8, "Test"),
            (16, release),
            (24, "Wharf"),
            (76, sender),
        ] {
            image.string(at + offset, text);
        }
        let inputs = image.area(52 * u32::try_from(self.inputs.len()).unwrap());
        image.span(at + 52, inputs, u32::try_from(self.inputs.len()).unwrap());
        for (number, input) in (0..).zip(&self.inputs) {
            let input_at = inputs + 52 * number;
            image.string(input_at, input.name);
            image.u8(input_at + 8, u8::from(input.secret));
            image.string(input_at + 12, "An input");
        }
        let endpoint = image.area(36);
        image.span(at + 60, endpoint, 1);
        image.string(endpoint, "api.example.com");
        let methods = image.area(1);
        image.span(endpoint + 8, methods, 1);
        let paths = image.area(8);
        image.span(endpoint + 16, paths, 1);
        image.string(paths, "/v1/");
        if let Some((case, secret)) = verification {
            let webhook = webhook(image, case, secret);
            image.span(at + 68, webhook, 1);
        }
        at
    }
}

fn webhook(image: &mut Image, case: u8, secret: &str) -> u32 {
    let webhook = image.area(92);
    image.string(webhook, "main");
    let check = image.area(84);
    image.span(webhook + 12, check, 1);
    image.u8(check + 12, case);
    if case == MAC {
        image.string(check + 16, "x-signature");
        image.string(check + 48, secret);
        let over = image.area(12);
        image.span(check + 60, over, 1);
    }
    image.bytes(webhook + 56, &200_u16.to_le_bytes());
    image.u32(webhook + 88, 1000);
    webhook
}

/// Cases of `verification`.
pub(crate) const MAC: u8 = 0;
pub(crate) const TOKEN: u8 = 2;

/// `ok(done(...))` with nothing in it.
pub(crate) fn done(image: &mut Image) -> u32 {
    let at = image.area(184);
    image.u8(at + 8, 1);
    at
}

/// `ok(exchange(...))` with a label, a URL and a state of this length.
pub(crate) fn exchange(image: &mut Image, url: &str, state_bytes: u32) -> u32 {
    let at = image.area(184);
    image.string(at + 16, "send");
    image.string(at + 28, url);
    image.span(at + 176, HEAP_BASE, state_bytes);
    at
}

/// `ok(done(...))` whose paces name buckets of `each` bytes: many pointers to one place.
pub(crate) fn paces(image: &mut Image, count: u32, each: u32) -> u32 {
    let at = done(image);
    let list = image.area(40 * count);
    image.span(at + 28, list, count);
    for number in 0..count {
        image.u8(list + 40 * number, 2);
        image.span(list + 40 * number + 4, BLANK_BASE, each);
    }
    at
}

/// `err(...)` of the case `window-closed` with these words.
pub(crate) fn error(image: &mut Image, detail: &str) -> u32 {
    let at = image.area(96);
    image.u8(at, 1);
    image.u8(at + 8, 4);
    image.string(at + 56, detail);
    at
}
