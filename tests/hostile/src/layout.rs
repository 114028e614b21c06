//! Where the members of the interface's values stand in memory, read from the interface itself.
//!
//! Values are written as JSON: a record by the names of its members (what is left out is zero, so an
//! empty text, an empty list, nothing, `false`, the first case), a variant as `"case"` or
//! `{"case": payload}`, an option as its value or `null`, a tuple and a list as an array, bytes as a
//! text. What no honest guest could return is said with a member that begins with `$`:
//!
//! - `{"$at": [pointer, length]}` for a text or a list that stands anywhere;
//! - `{"$bytes": [255]}` for a text of these bytes;
//! - `{"$times": [count, value]}` for a list of equal elements;
//! - `{"$case": number}` for a case that does not exist.

use serde_json::{Map, Value};
use wit_parser::abi::{AbiVariant, WasmSignature};
use wit_parser::{Function, Resolve, SizeAlign, Type, TypeDefKind};

use crate::memory::Image;

pub(crate) const WIT: &str = include_str!("../../../wit/provider.wit");

pub(crate) struct Layout {
    resolve: Resolve,
    sizes: SizeAlign,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let mut resolve = Resolve::default();
        resolve.push_str("provider.wit", WIT).unwrap();
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        Self { resolve, sizes }
    }

    /// The functions of an interface by their names.
    pub(crate) fn functions(&self, interface: &str) -> Vec<&Function> {
        let found = self.resolve.interfaces.iter();
        let mut found = found.filter(|(_, found)| found.name.as_deref() == Some(interface));
        let (_, interface) = found.next().unwrap();
        interface.functions.values().collect()
    }

    pub(crate) fn function(&self, name: &str) -> &Function {
        let (interface, function) = name.split_once('.').unwrap();
        let mut functions = self.functions(interface).into_iter();
        let found = functions.find(|found| found.name == function);
        found.unwrap_or_else(|| panic!("the interface has no {name}"))
    }

    pub(crate) fn signature(&self, function: &Function) -> WasmSignature {
        self.resolve
            .wasm_signature(AbiVariant::GuestExport, function)
    }

    /// Lays out what the function returns, and says where.
    pub(crate) fn result(&self, image: &mut Image, function: &Function, value: &Value) -> u32 {
        let result = function.result.unwrap();
        let at = image.area(self.size(&result));
        self.write(image, at, &result, value);
        at
    }

    /// The smallest harmless result: `ok`, and `done` where the function may go on otherwise.
    pub(crate) fn harmless(&self, function: &Function) -> Value {
        let done = function.result.is_some_and(|result| {
            let Some(TypeDefKind::Result(result)) = self.kind(&result) else {
                return false;
            };
            let ok = result.ok.and_then(|ok| self.kind(&ok));
            matches!(ok, Some(TypeDefKind::Variant(cases)) if cases.cases.iter().any(|case| case.name == "done"))
        });
        match done {
            true => serde_json::json!({ "ok": { "done": {} } }),
            false => serde_json::json!({}),
        }
    }

    /// Where a member stands in what the function returns, or in its parameters when these come by
    /// pointer. The path names members, cases and `0`, `1` of tuples; `ok` of a result is a case too.
    pub(crate) fn result_offset(&self, function: &Function, path: &[&str]) -> u32 {
        self.offset(&function.result.unwrap(), path)
    }

    pub(crate) fn param_offset(&self, function: &Function, path: &[&str]) -> u32 {
        assert!(
            self.signature(function).indirect_params,
            "the parameters do not come by pointer"
        );
        let types: Vec<Type> = function.params.iter().map(|param| param.ty).collect();
        let names = function.params.iter().map(|param| param.name.as_str());
        let at = names.clone().position(|name| name == path[0]).unwrap();
        let offset = self.sizes.field_offsets(&types)[at].0.size_wasm32();
        u32::try_from(offset).unwrap() + self.offset(&types[at], &path[1..])
    }

    /// The type of the elements of a list in what the function returns, to lay out or to look into.
    pub(crate) fn element(&self, function: &Function, path: &[&str]) -> Type {
        let list = self.inner(&function.result.unwrap(), path).0;
        match self.kind(&list) {
            Some(TypeDefKind::List(element)) => *element,
            _ => panic!("{path:?} is no list"),
        }
    }

    pub(crate) fn offset(&self, ty: &Type, path: &[&str]) -> u32 {
        self.inner(ty, path).1
    }

    /// What a path leads to, and how far into the value that stands.
    fn inner(&self, ty: &Type, path: &[&str]) -> (Type, u32) {
        let Some((name, rest)) = path.split_first() else {
            return (*ty, 0);
        };
        let (before, inner) = match self.kind(ty).unwrap() {
            TypeDefKind::Record(record) => {
                let types: Vec<&Type> = record.fields.iter().map(|field| &field.ty).collect();
                let at = record.fields.iter().position(|field| field.name == *name);
                let at = at.unwrap_or_else(|| panic!("no member {name}"));
                (self.field_offset(&types, at), *types[at])
            }
            TypeDefKind::Variant(variant) => {
                let cases: Vec<_> = variant.cases.iter().map(|case| case.ty.as_ref()).collect();
                let at = variant.cases.iter().position(|case| case.name == *name);
                let at = at.unwrap_or_else(|| panic!("no case {name}"));
                let payload = self.sizes.payload_offset(variant.tag(), cases);
                (size(payload.size_wasm32()), variant.cases[at].ty.unwrap())
            }
            TypeDefKind::Option(inner) => {
                assert_eq!(*name, "some");
                let payload = self
                    .sizes
                    .payload_offset(wit_parser::Int::U8, [None, Some(inner)]);
                (size(payload.size_wasm32()), *inner)
            }
            TypeDefKind::Result(result) => {
                assert_eq!(*name, "ok");
                let cases = [result.ok.as_ref(), result.err.as_ref()];
                let payload = self.sizes.payload_offset(wit_parser::Int::U8, cases);
                (size(payload.size_wasm32()), result.ok.unwrap())
            }
            other => panic!("{} has no members", other.as_str()),
        };
        let (found, offset) = self.inner(&inner, rest);
        (found, before + offset)
    }

    fn field_offset(&self, types: &[&Type], at: usize) -> u32 {
        let offsets = self.sizes.field_offsets(types.iter().copied());
        size(offsets[at].0.size_wasm32())
    }

    pub(crate) fn size(&self, ty: &Type) -> u32 {
        size(self.sizes.size(ty).size_wasm32())
    }

    /// What is behind a name; nothing for the types that have none.
    fn kind(&self, ty: &Type) -> Option<&TypeDefKind> {
        let Type::Id(id) = ty else { return None };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(aliased) => self.kind(aliased),
            kind => Some(kind),
        }
    }

    fn plain(&self, ty: &Type) -> Type {
        match ty {
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Type(aliased) => self.plain(aliased),
                _ => *ty,
            },
            other => *other,
        }
    }

    pub(crate) fn write(&self, image: &mut Image, at: u32, ty: &Type, value: &Value) {
        match self.kind(ty) {
            Some(TypeDefKind::Option(inner)) if !value.is_null() => {
                let types = [None, Some(inner)];
                let offset = self.sizes.payload_offset(wit_parser::Int::U8, types);
                let offset = size(offset.size_wasm32());
                self.write_case(image, at, offset, 1, &types, Some(value));
            }
            // Nothing was said: zeros, which are a value of every type, and in the image already.
            _ if value.is_null() || value.as_object().is_some_and(Map::is_empty) => {}
            None => self.write_plain(image, at, &self.plain(ty), value),
            Some(TypeDefKind::Record(record)) => {
                let members = value.as_object().unwrap();
                let types: Vec<&Type> = record.fields.iter().map(|field| &field.ty).collect();
                for (name, value) in members {
                    let number = record.fields.iter().position(|field| field.name == *name);
                    let number = number.unwrap_or_else(|| panic!("no member {name}"));
                    let offset = self.field_offset(&types, number);
                    self.write(image, at + offset, types[number], value);
                }
            }
            Some(TypeDefKind::Tuple(tuple)) => {
                let types: Vec<&Type> = tuple.types.iter().collect();
                for (number, value) in value.as_array().unwrap().iter().enumerate() {
                    let offset = self.field_offset(&types, number);
                    self.write(image, at + offset, types[number], value);
                }
            }
            Some(TypeDefKind::Enum(cases)) => {
                let names = cases.cases.iter().map(|case| case.name.as_str());
                let (case, _) = case(names, value);
                image.u8(at, case);
            }
            Some(TypeDefKind::Variant(variant)) => {
                let types: Vec<_> = variant.cases.iter().map(|case| case.ty.as_ref()).collect();
                let names = variant.cases.iter().map(|case| case.name.as_str());
                let (case, payload) = case(names, value);
                let offset = self.sizes.payload_offset(variant.tag(), types.clone());
                self.write_case(image, at, size(offset.size_wasm32()), case, &types, payload);
            }
            Some(TypeDefKind::Result(result)) => {
                let types = [result.ok.as_ref(), result.err.as_ref()];
                let (case, payload) = match value.as_object().unwrap().iter().next() {
                    None => return,
                    Some((name, payload)) => (u8::from(name == "err"), payload),
                };
                let offset = self.sizes.payload_offset(wit_parser::Int::U8, types);
                let offset = size(offset.size_wasm32());
                self.write_case(image, at, offset, case, &types, Some(payload));
            }
            Some(TypeDefKind::List(element)) => self.write_list(image, at, element, value),
            Some(other) => panic!("values of {} are not written here", other.as_str()),
        }
    }

    fn write_case(
        &self,
        image: &mut Image,
        at: u32,
        offset: u32,
        case: u8,
        types: &[Option<&Type>],
        payload: Option<&Value>,
    ) {
        image.u8(at, case);
        let ty = types.get(usize::from(case)).copied().flatten();
        if let (Some(ty), Some(payload)) = (ty, payload) {
            self.write(image, at + offset, ty, payload);
        }
    }

    fn write_list(&self, image: &mut Image, at: u32, element: &Type, value: &Value) {
        if let Some(span) = anywhere(value) {
            image.span(at, span.0, span.1);
            return;
        }
        if self.plain(element) == Type::U8
            && let Some(text) = value.as_str()
        {
            image.string(at, text);
            return;
        }
        let times = value.get("$times").map(|times| {
            let count = usize::try_from(times[0].as_u64().unwrap()).unwrap();
            vec![times[1].clone(); count]
        });
        let elements = times.unwrap_or_else(|| value.as_array().unwrap().clone());
        let each = self.size(element);
        let length = size(elements.len());
        let pointer = image.area(each * length);
        image.span(at, pointer, length);
        for (number, value) in (0..).zip(&elements) {
            self.write(image, pointer + each * number, element, value);
        }
    }

    fn write_plain(&self, image: &mut Image, at: u32, ty: &Type, value: &Value) {
        let number = || {
            let signed = value.as_i64().map(i64::cast_unsigned);
            value.as_u64().or(signed).unwrap()
        };
        match ty {
            Type::Bool => image.u8(at, u8::from(value.as_bool().unwrap())),
            Type::String => match (anywhere(value), value.get("$bytes")) {
                (Some((pointer, length)), _) => image.span(at, pointer, length),
                (None, Some(bytes)) => {
                    let bytes = bytes.as_array().unwrap().iter();
                    let bytes = bytes.map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap());
                    image.blob(at, &bytes.collect::<Vec<_>>());
                }
                (None, None) => image.string(at, value.as_str().unwrap()),
            },
            Type::F64 => image.bytes(at, &value.as_f64().unwrap().to_le_bytes()),
            whole => {
                let bytes = number().to_le_bytes();
                image.bytes(at, &bytes[..self.size(whole) as usize]);
            }
        }
    }
}

/// The number of the case and what it carries.
fn case<'a, 'v>(
    mut names: impl Iterator<Item = &'a str>,
    value: &'v Value,
) -> (u8, Option<&'v Value>) {
    if let Some(number) = value.get("$case") {
        return (u8::try_from(number.as_u64().unwrap()).unwrap(), None);
    }
    let (name, payload) = match value {
        Value::String(name) => (name, None),
        value => {
            let (name, payload) = value.as_object().unwrap().iter().next().unwrap();
            (name, Some(payload))
        }
    };
    let number = names.position(|case| case == name);
    let number = number.unwrap_or_else(|| panic!("no case {name}"));
    (u8::try_from(number).unwrap(), payload)
}

fn anywhere(value: &Value) -> Option<(u32, u32)> {
    let span = value.get("$at")?;
    let part = |number: usize| u32::try_from(span[number].as_u64().unwrap()).unwrap();
    Some((part(0), part(1)))
}

fn size(of: usize) -> u32 {
    u32::try_from(of).unwrap()
}
