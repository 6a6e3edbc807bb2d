//! JSON and YAML in which no key is lost because it stands in an object twice.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::large::may_be_large;

/// A key that stood in an object again; the last of its values counts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Repeated {
    /// The object, as an RFC 6901 pointer without the first `/`.
    pub(crate) object: String,
    pub(crate) key: String,
    /// The place of the key, for people: `services[0].port`.
    pub(crate) path: String,
    /// Whether both values are equal.
    pub(crate) same: bool,
}

/// A step on the way to a value.
#[derive(Debug)]
enum Step {
    Key(String),
    Index(usize),
}

/// What is done about keys that are repeated.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The way to the value that is being read.
    way: Vec<Step>,
    /// The repetitions; none if one is an error.
    repeated: Option<Vec<Repeated>>,
    /// After how many floats that are as large comes the first that was written as an integer.
    large: Option<usize>,
}

impl Keys {
    /// Takes the last value of a key, and notes that there were others.
    pub(super) fn noted() -> Self {
        Self {
            repeated: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// Refuses repetitions, and this one of the large numbers.
    pub(super) fn refusing(large: Option<usize>) -> Self {
        Self {
            large,
            ..Self::default()
        }
    }

    pub(super) fn into_repeated(self) -> Vec<Repeated> {
        self.repeated.unwrap_or_default()
    }

    fn repeated<E: de::Error>(&mut self, key: &str, same: bool) -> Result<(), E> {
        let Some(repeated) = &mut self.repeated else {
            return Err(E::custom(format_args!("the key '{key}' stands here twice")));
        };
        let object = self.way.iter().map(|step| match step {
            Step::Key(key) => key.replace('~', "~0").replace('/', "~1"),
            Step::Index(index) => index.to_string(),
        });
        let object: Vec<String> = object.collect();
        let mut path = place(&self.way);
        path += if path.is_empty() { "" } else { "." };
        path += key;
        repeated.push(Repeated {
            object: object.join("/"),
            key: key.to_owned(),
            path,
            same,
        });
        Ok(())
    }

    /// Refuses an integer that could only be kept as another number.
    fn check_float<E: de::Error>(&mut self, float: f64) -> Result<(), E> {
        match &mut self.large {
            Some(left) if may_be_large(float) => match left.checked_sub(1) {
                Some(less) => *left = less,
                None => {
                    let place = place(&self.way);
                    let place = if place.is_empty() {
                        ""
                    } else {
                        &format!("{place}: ")
                    };
                    return Err(E::custom(format_args!(
                        "{place}send this integer as a text, as it has more than 64 bits; it stands"
                    )));
                }
            },
            _ => {}
        }
        Ok(())
    }

    /// Refuses what no database keeps, while line and column are known still.
    fn check<E: de::Error>(&self, text: &str) -> Result<(), E> {
        if self.repeated.is_some() && text.contains('\0') {
            return Err(E::custom(
                "a text has the character U+0000, which cannot be stored",
            ));
        }
        Ok(())
    }
}

/// The place of a value, for people: `services[0].port`.
fn place(way: &[Step]) -> String {
    let mut place = String::new();
    for step in way {
        match step {
            Step::Key(key) => {
                place += if place.is_empty() { "" } else { "." };
                place += key;
            }
            Step::Index(index) => place += &format!("[{index}]"),
        }
    }
    place
}

/// Reads any value as `serde_json` does, but no key of an object is lost in silence.
pub(super) struct UniqueKeys<'k>(pub(super) &'k mut Keys);

impl<'de> DeserializeSeed<'de> for UniqueKeys<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        self.0.check_float(value)?;
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.0.check(value)?;
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        self.0.check(&value)?;
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            self.0.way.push(Step::Index(list.len()));
            let item = items.next_element_seed(UniqueKeys(self.0))?;
            self.0.way.pop();
            match item {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.0.check(&key)?;
            if self.0.repeated.is_none() && map.contains_key(&key) {
                self.0.repeated(&key, false)?;
            }
            self.0.way.push(Step::Key(key.clone()));
            let value = entries.next_value_seed(UniqueKeys(self.0))?;
            self.0.way.pop();
            if let Some(before) = map.get(&key) {
                self.0.repeated(&key, *before == value)?;
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
