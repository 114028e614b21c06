//! Schemas of bodies: by name, with all that they refer to.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

type Collect = fn(&mut Map<String, Value>);

/// A body's schema, and the components that it needs.
pub(in crate::http) struct Shape {
    schema: Value,
    components: Vec<Collect>,
}

/// The schema of a struct in `shapes`.
pub(in crate::http) fn shape<T: ToSchema>() -> Shape {
    Shape {
        schema: reference::<T>(),
        components: vec![collect::<T>],
    }
}

impl Shape {
    /// Bytes of any kind.
    pub(in crate::http) fn bytes() -> Self {
        Self::of(json!({}))
    }

    pub(in crate::http) fn text() -> Self {
        Self::of(json!({"type": "string"}))
    }

    /// Any JSON document.
    pub(in crate::http) fn of(schema: Value) -> Self {
        Self {
            schema,
            components: Vec::new(),
        }
    }

    /// As this, with the members of another one.
    pub(in crate::http) fn with<T: ToSchema>(mut self) -> Self {
        self.schema = json!({ "allOf": [self.schema, reference::<T>()] });
        self.components.push(collect::<T>);
        self
    }

    pub(super) fn schema(&self) -> Value {
        self.schema.clone()
    }

    pub(super) fn collect(&self, into: &mut Map<String, Value>) {
        for collect in &self.components {
            collect(into);
        }
    }
}

fn reference<T: ToSchema>() -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

fn collect<T: ToSchema>(into: &mut Map<String, Value>) {
    let mut found = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    for (name, schema) in found {
        let schema = serde_json::to_value(schema).expect("schemas have string keys");
        into.entry(name).or_insert(schema);
    }
}

/// What a caller sends is there or not: that a member may be left out does not mean that it may be null.
pub(super) fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|one| one != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("oneOf") {
                choices.retain(|one| one["type"] != "null");
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    map.remove("oneOf");
                    map.extend(only);
                }
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
