//! JSON as a value of a type that is looked up in the component.

use serde_json::{Map, Value};
use wasmtime::component::types::{Record, Tuple, Variant};
use wasmtime::component::{Type, Val};

/// JSON that does not fit, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    at: String,
    problem: String,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = if self.at.is_empty() { "/" } else { &self.at };
        write!(f, "{at}: {}", self.problem)
    }
}

impl std::error::Error for Misfit {}

impl Misfit {
    fn new(problem: impl Into<String>) -> Self {
        Self {
            at: String::new(),
            problem: problem.into(),
        }
    }

    fn under(mut self, member: impl std::fmt::Display) -> Self {
        self.at = format!("/{member}{}", self.at);
        self
    }
}

/// `None` where a record leaves the member out: options, lists and flags may.
pub(super) fn value(of: &Type, given: Option<&Value>, member: &str) -> Result<Val, Misfit> {
    let mismatch = |expected: &str| match given {
        None => Misfit::new(format!("is missing: {expected}")),
        Some(given) => {
            let text: String = given.to_string().chars().take(80).collect();
            Misfit::new(format!("expected {expected}, got {text}"))
        }
    };
    match of {
        Type::Bool => match given {
            None | Some(Value::Null) => Ok(Val::Bool(false)),
            Some(Value::Bool(value)) => Ok(Val::Bool(*value)),
            Some(_) => Err(mismatch("true or false")),
        },
        Type::S8
        | Type::U8
        | Type::S16
        | Type::U16
        | Type::S32
        | Type::U32
        | Type::S64
        | Type::U64 => {
            let zero = wharf_cases::ZERO_MEMBERS
                .contains(&member)
                .then_some(Value::from(0));
            whole(of, given.or(zero.as_ref()))
                .ok_or_else(|| mismatch("a whole number in its range"))
        }
        Type::Float32 | Type::Float64 => {
            let number = given.and_then(Value::as_f64);
            number.map(Val::Float64).ok_or_else(|| mismatch("a number"))
        }
        Type::String => match given {
            Some(Value::String(text)) => Ok(Val::String(text.clone())),
            // A document where the interface has one in a string.
            Some(document @ (Value::Object(_) | Value::Array(_))) => {
                Ok(Val::String(document.to_string()))
            }
            _ => Err(mismatch("a text")),
        },
        Type::List(list) => elements(&list.ty(), given).map(Val::List),
        Type::Tuple(tuple) => match given {
            Some(Value::Array(given)) if given.len() == tuple.types().len() => places(tuple, given),
            _ => Err(mismatch(&format!("a list of {}", tuple.types().len()))),
        },
        Type::Record(record) => match given {
            Some(Value::Object(members)) => fields(record, members),
            _ => Err(mismatch("an object")),
        },
        Type::Option(option) => match given {
            None | Some(Value::Null) => Ok(Val::Option(None)),
            Some(_) => {
                value(&option.ty(), given, member).map(|inner| Val::Option(Some(Box::new(inner))))
            }
        },
        Type::Enum(cases) => {
            let given = given.and_then(Value::as_str);
            let names: Vec<_> = cases.names().collect();
            match given.filter(|given| names.contains(given)) {
                Some(case) => Ok(Val::Enum(case.to_owned())),
                None => Err(mismatch(&format!("one of {}", names.join(", ")))),
            }
        }
        Type::Variant(variant) => {
            let named = case(given).ok_or_else(|| mismatch("a case, or an object with one"))?;
            self::variant(variant, named)
        }
        _ => Err(Misfit::new("the interface has no such type")),
    }
}

fn places(tuple: &Tuple, given: &[Value]) -> Result<Val, Misfit> {
    let read = |(index, (of, given)): (usize, (Type, &Value))| {
        value(&of, Some(given), "").map_err(|misfit| misfit.under(index))
    };
    let places = tuple.types().zip(given).enumerate().map(read);
    places.collect::<Result<_, _>>().map(Val::Tuple)
}

fn fields(record: &Record, members: &Map<String, Value>) -> Result<Val, Misfit> {
    let names: Vec<_> = record.fields().map(|field| field.name.to_owned()).collect();
    if let Some(unknown) = members.keys().find(|member| !names.contains(member)) {
        let known = names.join(", ");
        return Err(Misfit::new(format!("is unknown; there is {known}")).under(unknown));
    }
    let mut fields = Vec::with_capacity(names.len());
    for field in record.fields() {
        let read = value(&field.ty, members.get(field.name), field.name)
            .map_err(|misfit| misfit.under(field.name))?;
        fields.push((field.name.to_owned(), read));
    }
    Ok(Val::Record(fields))
}

fn variant(of: &Variant, (name, payload): (&str, Option<&Value>)) -> Result<Val, Misfit> {
    let Some(case) = of.cases().find(|case| case.name == name) else {
        let known: Vec<_> = of.cases().map(|case| case.name.to_owned()).collect();
        let known = known.join(", ");
        return Err(Misfit::new(format!(
            "`{name}` is unknown; there is {known}"
        )));
    };
    let payload = match (case.ty, payload) {
        (None, None | Some(Value::Null)) => None,
        (None, Some(_)) => return Err(Misfit::new("takes nothing").under(name)),
        (Some(inner), given) => {
            let read = value(&inner, given, name).map_err(|misfit| misfit.under(name))?;
            Some(Box::new(read))
        }
    };
    Ok(Val::Variant(name.to_owned(), payload))
}

/// `"case"` or `{"case": payload}`.
fn case(given: Option<&Value>) -> Option<(&str, Option<&Value>)> {
    match given? {
        Value::String(name) => Some((name, None)),
        Value::Object(members) if members.len() == 1 => members
            .iter()
            .next()
            .map(|(name, payload)| (name.as_str(), Some(payload))),
        _ => None,
    }
}

fn elements(of: &Type, given: Option<&Value>) -> Result<Vec<Val>, Misfit> {
    match (of, given) {
        (_, None | Some(Value::Null)) => Ok(Vec::new()),
        (Type::U8, Some(given)) if !given.is_array() => {
            let bytes = wharf_cases::read_bytes(given).map_err(Misfit::new)?;
            Ok(bytes.into_iter().map(Val::U8).collect())
        }
        (_, Some(Value::Array(given))) => given
            .iter()
            .enumerate()
            .map(|(index, given)| value(of, Some(given), "").map_err(|misfit| misfit.under(index)))
            .collect(),
        // A list of pairs may be written as an object.
        (Type::Tuple(pair), Some(Value::Object(given))) if pair.types().len() == 2 => given
            .iter()
            .map(|(name, given)| {
                let pair = Value::Array(vec![Value::String(name.clone()), given.clone()]);
                value(of, Some(&pair), "").map_err(|misfit| misfit.under(name))
            })
            .collect(),
        _ => Err(Misfit::new("expected a list")),
    }
}

fn whole(of: &Type, given: Option<&Value>) -> Option<Val> {
    let given = given?;
    let signed = || given.as_i64();
    let unsigned = || given.as_u64();
    Some(match of {
        Type::S8 => Val::S8(signed()?.try_into().ok()?),
        Type::S16 => Val::S16(signed()?.try_into().ok()?),
        Type::S32 => Val::S32(signed()?.try_into().ok()?),
        Type::S64 => Val::S64(signed()?),
        Type::U8 => Val::U8(unsigned()?.try_into().ok()?),
        Type::U16 => Val::U16(unsigned()?.try_into().ok()?),
        Type::U32 => Val::U32(unsigned()?.try_into().ok()?),
        _ => Val::U64(unsigned()?),
    })
}
