//! What the person's settings are stored as. Another version of the program may have written
//! them: every field that can be read is, one that cannot stands at its usual value and is
//! told, and what this version does not know stays where it is.

use pmpo_store::Store;
use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::unexpected;
use crate::AppError;

/// A stored value as far as it can be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read<T> {
    /// The value.
    pub(crate) value: T,
    /// Fields that this version cannot read, as `field` or `field.field`.
    pub(crate) unread: Vec<String>,
}

/// Reads `stored` over the usual value, field by field; the fields named `inner` are looked
/// into.
pub(crate) fn read<T: Serialize + DeserializeOwned>(
    usual: T,
    stored: &Value,
    inner: &[&str],
) -> Read<T> {
    if let Ok(value) = T::deserialize(stored) {
        return Read {
            value,
            unread: Vec::new(),
        };
    }
    let mut now = match serde_json::to_value(&usual) {
        Ok(Value::Object(now)) => now,
        _ => Map::new(),
    };
    let mut value = usual;
    let mut unread = Vec::new();
    for (name, own) in stored.as_object().into_iter().flatten() {
        let fields = own.as_object().filter(|_| inner.contains(&name.as_str()));
        let parts: Vec<(Option<&str>, &Value)> = match fields {
            Some(fields) => fields.iter().map(|(k, v)| (Some(k.as_str()), v)).collect(),
            None => vec![(None, own)],
        };
        for (field, own) in parts {
            let mut tried = now.clone();
            match (field, tried.get_mut(name)) {
                (Some(field), Some(Value::Object(inside))) => {
                    inside.insert(field.to_owned(), own.clone());
                }
                _ => {
                    tried.insert(name.clone(), own.clone());
                }
            }
            match serde_json::from_value(Value::Object(tried.clone())) {
                Ok(read) => (value, now) = (read, tried),
                Err(_) => unread.push(match field {
                    Some(field) => format!("{name}.{field}"),
                    None => name.clone(),
                }),
            }
        }
    }
    Read { value, unread }
}

/// What is stored in place of `before`: the new value with what this version does not know,
/// and with fields that it cannot read and that the person left as they stood.
pub(crate) fn write<T: Serialize>(
    new: &T,
    usual: &T,
    before: &Value,
    unread: &[String],
    inner: &[&str],
) -> serde_json::Result<Value> {
    let mut out = serde_json::to_value(new)?;
    let usual = serde_json::to_value(usual)?;
    let (Some(fields), Some(before)) = (out.as_object_mut(), before.as_object()) else {
        return Ok(out);
    };
    keep(fields, &usual, before, unread, "");
    for name in inner {
        let before = before.get(*name).and_then(Value::as_object);
        if let (Some(Value::Object(inside)), Some(before)) = (fields.get_mut(*name), before) {
            keep(inside, &usual[*name], before, unread, &format!("{name}."));
        }
    }
    Ok(out)
}

fn keep(
    fields: &mut Map<String, Value>,
    usual: &Value,
    before: &Map<String, Value>,
    unread: &[String],
    path: &str,
) {
    for (name, old) in before {
        let untouched = unread.contains(&format!("{path}{name}"))
            && fields.get(name).is_none_or(|now| *now == usual[name]);
        if untouched || !fields.contains_key(name) {
            fields.insert(name.clone(), old.clone());
        }
    }
}

/// What the person set once, as far as this version of the program can read it.
pub(crate) fn kept_preference<T: Default + Serialize + DeserializeOwned>(
    store: &Store,
    name: &str,
) -> Result<T, AppError> {
    let value = store.preference(name)?.unwrap_or_default();
    Ok(read(T::default(), &value, &[]).value)
}

/// Keeps what the person set once, beside what this version does not know.
pub(crate) fn keep_preference<T: Default + Serialize + DeserializeOwned>(
    store: &mut Store,
    name: &str,
    new: &T,
) -> Result<(), AppError> {
    let before = store.preference(name)?.unwrap_or_default();
    let unread = read(T::default(), &before, &[]).unread;
    let value = write(new, &T::default(), &before, &unread, &[]).map_err(unexpected)?;
    Ok(store.set_preference(name, &value)?)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Draft {
        prompt: String,
        device: String,
        settings: Settings,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Settings {
        steps: u32,
        kind: Kind,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Old,
        Usual,
    }

    impl Default for Settings {
        fn default() -> Self {
            usual().settings
        }
    }

    fn usual() -> Draft {
        Draft {
            prompt: String::new(),
            device: "auto".into(),
            settings: Settings {
                steps: 3,
                kind: Kind::Usual,
            },
        }
    }

    const INNER: [&str; 1] = ["settings"];

    #[test]
    fn what_can_be_read_is_and_the_rest_is_told() {
        let whole = json!({"prompt": "p", "device": "cpu", "settings": {"kind": "old"}});
        let found = read(usual(), &whole, &INNER);
        assert_eq!(found.unread, [""; 0]);
        assert_eq!(found.value.settings.kind, Kind::Old);

        let newer = json!({
            "prompt": "p", "device": {"card": 7}, "new": true,
            "settings": {"steps": 9, "kind": "brand_new", "extra": 1},
        });
        let found = read(usual(), &newer, &INNER);
        assert_eq!(found.unread, ["device", "settings.kind"]);
        assert_eq!(found.value.prompt, "p");
        assert_eq!(found.value.device, "auto");
        assert_eq!(
            found.value.settings,
            Settings {
                steps: 9,
                kind: Kind::Usual
            }
        );
        // Fields that are missing do not take the others with them.
        let found = read(usual(), &json!({"prompt": "p"}), &INNER);
        assert_eq!((found.value.prompt.as_str(), found.unread.len()), ("p", 0));
        for odd in [json!(null), json!([1]), json!("text")] {
            let found = read(usual(), &odd, &INNER);
            assert_eq!((found.value, found.unread.len()), (usual(), 0), "{odd}");
        }
    }

    #[test]
    fn what_is_not_known_or_not_read_survives_a_save() {
        let newer = json!({
            "prompt": "p", "device": {"card": 7}, "new": true,
            "settings": {"steps": 9, "kind": "brand_new", "extra": 1},
        });
        let found = read(usual(), &newer, &INNER);
        let saved = write(&found.value, &usual(), &newer, &found.unread, &INNER).unwrap();
        assert_eq!(saved, newer);
        // What the person changes counts.
        let changed = Draft {
            prompt: "q".into(),
            device: "cpu".into(),
            settings: Settings {
                steps: 3,
                kind: Kind::Old,
            },
        };
        let saved = write(&changed, &usual(), &newer, &found.unread, &INNER).unwrap();
        let wanted = json!({
            "prompt": "q", "device": "cpu", "new": true,
            "settings": {"steps": 3, "kind": "old", "extra": 1},
        });
        assert_eq!(saved, wanted);
        let saved = write(&changed, &usual(), &json!(null), &[], &INNER).unwrap();
        assert_eq!(read(usual(), &saved, &INNER).value, changed);
    }
}
