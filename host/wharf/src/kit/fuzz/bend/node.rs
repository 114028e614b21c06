//! A JSON document that may say what no tree of values can: a name twice, a number beyond all range, half a
//! character. Leaves and names are kept as the text that stands in the document.

use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Leaf(String),
    List(Vec<Self>),
    Members(Vec<(String, Self)>),
}

impl Node {
    /// `None` for what is not a list or an object: there is nothing to bend but bytes.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        (value.is_object() || value.is_array()).then(|| Self::of(&value))
    }

    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Array(elements) => Self::List(elements.iter().map(Self::of).collect()),
            Value::Object(members) => Self::Members(
                members
                    .iter()
                    .map(|(name, member)| (quoted(name), Self::of(member)))
                    .collect(),
            ),
            leaf => Self::Leaf(leaf.to_string()),
        }
    }

    /// Nodes in it, with itself.
    pub(super) fn count(&self) -> usize {
        1 + match self {
            Self::Leaf(_) => 0,
            Self::List(elements) => elements.iter().map(Self::count).sum(),
            Self::Members(members) => members.iter().map(|(_, member)| member.count()).sum(),
        }
    }

    /// The node with this number, counted from the root down.
    pub(super) fn nth(&mut self, number: usize) -> Option<&mut Self> {
        if number == 0 {
            return Some(self);
        }
        let children: Vec<&mut Self> = match self {
            Self::Leaf(_) => Vec::new(),
            Self::List(elements) => elements.iter_mut().collect(),
            Self::Members(members) => members.iter_mut().map(|(_, member)| member).collect(),
        };
        let mut left = number - 1;
        for child in children {
            let count = child.count();
            if left < count {
                return child.nth(left);
            }
            left -= count;
        }
        None
    }

    /// Each node and each name below it.
    pub(super) fn walk(&self, node: &mut dyn FnMut(&Self), name: &mut dyn FnMut(&str)) {
        node(self);
        match self {
            Self::Leaf(_) => {}
            Self::List(elements) => elements.iter().for_each(|it| it.walk(node, name)),
            Self::Members(members) => {
                for (known, member) in members {
                    name(known);
                    member.walk(node, name);
                }
            }
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Leaf(leaf) => text.push_str(leaf),
            Self::List(elements) => {
                text.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    element.write(text);
                }
                text.push(']');
            }
            Self::Members(members) => {
                text.push('{');
                for (index, (name, member)) in members.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    text.push_str(name);
                    text.push(':');
                    member.write(text);
                }
                text.push('}');
            }
        }
    }
}

pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
