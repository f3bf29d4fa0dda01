//! JSON: a list of objects, an object that holds one, lines of objects, and
//! columns by name (as pandas writes them).
//!
//! Files are walked, not held as values: first for the names of the columns,
//! then for the cells.

use std::collections::HashSet;
use std::fmt;

use pmpo_core::message;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::reading::{Format, Reading};
use super::rows::MOST_COLUMNS;
use crate::table::{Table, MOST_TEXT};
use crate::DataError;

/// Objects inside objects become columns `a.b` down to this depth.
const DEPTH: usize = 3;
/// Names of the list of examples, in this order, where an object has several.
const LISTS: [&str; 6] = ["examples", "data", "rows", "items", "records", "questions"];

pub(super) fn read_lines(text: &str, name: &str) -> Result<Reading, DataError> {
    let bad = |at: usize, why: &dyn fmt::Display| DataError::BadJson {
        file: name.to_owned(),
        line: at + 1,
        why: why.to_string().into(),
    };
    let lines = || {
        text.lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
    };
    let parse = |(at, line): (usize, &str)| -> Result<Map<String, Value>, DataError> {
        serde_json::from_str(line).map_err(|why| bad(at, &why))
    };
    let mut columns = Names::default();
    for line in lines() {
        columns.note(&parse(line)?, name)?;
    }
    let mut filling = Filling::new(columns, name);
    for line in lines() {
        filling.push(parse(line)?)?;
    }
    Ok(Reading::new(filling.table, Format::JsonLines))
}

pub(super) fn read(text: &str, name: &str) -> Result<Reading, DataError> {
    let mut outline = None;
    let bad = |why: serde_json::Error| DataError::BadJson {
        file: name.to_owned(),
        line: why.line().max(1),
        why: why.to_string().into(),
    };
    let walk = |what: &mut dyn FnMut(Map<String, Value>) -> Result<(), DataError>,
                list: Option<&str>|
     -> Result<(), DataError> {
        let mut refused = None;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let seed = Rows {
            list,
            each: &mut |row| match what(row) {
                Ok(()) => true,
                Err(why) => {
                    refused = Some(why);
                    false
                }
            },
        };
        let done = seed
            .deserialize(&mut deserializer)
            .and_then(|()| deserializer.end());
        match (refused, done) {
            (Some(why), _) => Err(why),
            (None, done) => done.map_err(bad),
        }
    };
    let trimmed = text.trim_start();
    if trimmed.starts_with('{') {
        match find_list(text) {
            Ok(Some(found)) => outline = Some(found),
            Ok(None) => return by_columns(text, name),
            // Lines of objects in a file with the wrong ending.
            Err(why) => {
                return match read_lines(text, name) {
                    Ok(reading) => Ok(reading),
                    Err(_) => Err(bad(why)),
                }
            }
        }
    }
    let list = outline.as_deref();
    let mut columns = Names::default();
    walk(&mut |row| columns.note(&row, name), list)?;
    let mut filling = Filling::new(columns, name);
    walk(&mut |row| filling.push(row), list)?;
    Ok(Reading::new(filling.table, Format::Json))
}

/// The member of an object that is the list of examples.
fn find_list(text: &str) -> serde_json::Result<Option<String>> {
    struct Outline(Vec<(String, usize)>);
    struct Length;
    impl<'de> Visitor<'de> for Length {
        type Value = usize;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a value")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
            let mut count = 0;
            while let Some(Kind(is_object)) = seq.next_element()? {
                count += usize::from(is_object);
            }
            Ok(count)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(0)
        }
        fn visit_bool<E>(self, _: bool) -> Result<usize, E> {
            Ok(0)
        }
        fn visit_i64<E>(self, _: i64) -> Result<usize, E> {
            Ok(0)
        }
        fn visit_u64<E>(self, _: u64) -> Result<usize, E> {
            Ok(0)
        }
        fn visit_f64<E>(self, _: f64) -> Result<usize, E> {
            Ok(0)
        }
        fn visit_str<E>(self, _: &str) -> Result<usize, E> {
            Ok(0)
        }
        fn visit_unit<E>(self) -> Result<usize, E> {
            Ok(0)
        }
    }
    impl<'de> DeserializeSeed<'de> for Length {
        type Value = usize;
        fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<usize, D::Error> {
            d.deserialize_any(self)
        }
    }
    impl<'de> Visitor<'de> for Outline {
        type Value = Vec<(String, usize)>;
        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                self.0.push((key, map.next_value_seed(Length)?));
            }
            Ok(self.0)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outline = deserializer.deserialize_map(Outline(Vec::new()))?;
    deserializer.end()?;
    let lists: Vec<&(String, usize)> = outline.iter().filter(|(_, count)| *count > 0).collect();
    let named = LISTS
        .iter()
        .find_map(|name| lists.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
    let longest = lists.iter().max_by_key(|(_, count)| *count);
    Ok(named.or(longest).map(|(key, _)| key.clone()))
}

/// Whether a value is an object.
struct Kind(bool);

impl<'de> serde::Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(matches!(Value::deserialize(d)?, Value::Object(_))))
    }
}

/// Hands the objects of a list, or of the member `list` of an object, to `each`,
/// which says whether to go on.
struct Rows<'a> {
    list: Option<&'a str>,
    each: &'a mut dyn FnMut(Map<String, Value>) -> bool,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(row) = seq.next_element::<Map<String, Value>>()? {
            if !(self.each)(row) {
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut each = Some(self.each);
        while let Some(key) = map.next_key::<String>()? {
            match each.take_if(|_| Some(&*key) == self.list) {
                Some(each) => map.next_value_seed(Rows { list: None, each })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// `{"column": ["cell", ...]}` or `{"column": {"0": "cell", ...}}`.
fn by_columns(text: &str, name: &str) -> Result<Reading, DataError> {
    let no_list = || DataError::BadJson {
        file: name.to_owned(),
        line: 1,
        why: message!("data.no_list").into(),
    };
    let object: Map<String, Value> = serde_json::from_str(text).map_err(|_| no_list())?;
    let mut columns: Vec<(String, Vec<(String, Value)>)> = Vec::new();
    for (column, cells) in object {
        let cells: Vec<(String, Value)> = match cells {
            Value::Array(cells) => {
                let numbered = cells.into_iter().enumerate();
                numbered.map(|(at, cell)| (at.to_string(), cell)).collect()
            }
            Value::Object(cells) => cells.into_iter().collect(),
            _ => return Err(no_list()),
        };
        columns.push((column, cells));
    }
    let Some((_, first)) = columns.first() else {
        return Err(no_list());
    };
    let keys: Vec<String> = first.iter().map(|(key, _)| key.clone()).collect();
    let same = |cells: &[(String, Value)]| {
        cells.len() == keys.len() && cells.iter().zip(&keys).all(|((a, _), b)| a == b)
    };
    if keys.is_empty() || !columns.iter().all(|(_, cells)| same(cells)) {
        return Err(no_list());
    }
    let mut rows: Vec<Map<String, Value>> = vec![Map::new(); keys.len()];
    for (column, cells) in columns {
        for (row, (_, cell)) in rows.iter_mut().zip(cells) {
            row.insert(column.clone(), cell);
        }
    }
    let mut names = Names::default();
    for row in &rows {
        names.note(row, name)?;
    }
    let mut filling = Filling::new(names, name);
    for row in rows {
        filling.push(row)?;
    }
    Ok(Reading::new(filling.table, Format::Json))
}

/// Names of columns in the order of their first use.
#[derive(Default)]
pub(super) struct Names {
    names: Vec<String>,
    known: HashSet<String>,
}

impl Names {
    pub(super) fn note(&mut self, row: &Map<String, Value>, file: &str) -> Result<(), DataError> {
        flatten(row, "", 0, &mut |name, _| {
            if !self.known.contains(&name) {
                self.known.insert(name.clone());
                self.names.push(name);
            }
        });
        match self.names.len() > MOST_COLUMNS {
            true => Err(DataError::TooManyColumns(file.to_owned(), MOST_COLUMNS)),
            false => Ok(()),
        }
    }
}

pub(super) struct Filling<'a> {
    pub(super) table: Table,
    places: std::collections::HashMap<String, usize>,
    file: &'a str,
    count: usize,
}

impl<'a> Filling<'a> {
    pub(super) fn new(names: Names, file: &'a str) -> Self {
        let places = names.names.iter().cloned().enumerate();
        Self {
            places: places.map(|(at, name)| (name, at)).collect(),
            table: Table::new(names.names),
            file,
            count: 0,
        }
    }

    pub(super) fn push(&mut self, row: Map<String, Value>) -> Result<(), DataError> {
        self.count += 1;
        let mut cells: Vec<Option<String>> = vec![None; self.table.columns().len()];
        flatten(&row, "", 0, &mut |name, value| {
            if let Some(at) = self.places.get(&name) {
                cells[*at] = text_of(value);
            }
        });
        match self
            .table
            .push(self.count, cells.iter().map(Option::as_deref))
        {
            true => Ok(()),
            false => Err(DataError::TooLarge(
                self.file.to_owned(),
                (MOST_TEXT >> 20) as u64,
            )),
        }
    }
}

/// Calls `each` with every cell of an object and its column. A conversation
/// (`[{"role": ..., "content": ...}]`) gives what was said before the last turn
/// and that turn.
fn flatten(
    row: &Map<String, Value>,
    before: &str,
    depth: usize,
    each: &mut dyn FnMut(String, &Value),
) {
    for (key, value) in row {
        let name = match before {
            "" => key.clone(),
            before => format!("{before}.{key}"),
        };
        match value {
            Value::Object(inner) if depth < DEPTH && !inner.is_empty() => {
                flatten(inner, &name, depth + 1, each);
            }
            Value::Array(turns) => match conversation(turns) {
                Some((said, last)) if !said.is_empty() => {
                    each(format!("{name}.before"), &Value::String(said));
                    each(format!("{name}.last"), &Value::String(last));
                }
                Some((_, last)) => each(name, &Value::String(last)),
                None => each(name, value),
            },
            _ => each(name, value),
        }
    }
}

/// A list of turns as what was said before the last one, and the last one. A
/// single earlier turn stands without the word for who spoke.
fn conversation(turns: &[Value]) -> Option<(String, String)> {
    let turns: Vec<(&str, &str)> = turns
        .iter()
        .map(|turn| {
            let text = |names: [&str; 2]| names.iter().find_map(|name| turn.get(name)?.as_str());
            Some((text(["role", "from"])?, text(["content", "value"])?))
        })
        .collect::<Option<_>>()?;
    let ((_, last), before) = turns.split_last()?;
    let said = match before {
        [(_, only)] => (*only).to_owned(),
        several => {
            let lines: Vec<String> = several
                .iter()
                .map(|(who, text)| format!("{who}: {text}"))
                .collect();
            lines.join("\n")
        }
    };
    Some((said, (*last).to_owned()))
}

/// A value as a cell; lists and deep objects as JSON.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
