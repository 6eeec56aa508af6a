//! What a change comes to: the fields that differ, before and after.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// So much of a text says which it was.
const CHARACTERS: usize = 200;

/// The fields in which two states of one thing differ, as everybody reads them; when it was changed is no news.
pub(crate) fn changes<T: Serialize>(before: &T, after: &T) -> Value {
    let (before, after) = (fields(before), fields(after));
    let differ = |(name, _): &(&String, &Value)| *name != "updated_at" && before.get(*name) != after.get(*name);
    let told = after.iter().filter(differ).map(|(name, value)| {
        let change = json!({ "from": before.get(name).map(brief), "to": brief(value) });
        (name.clone(), change)
    });
    Value::Object(told.collect())
}

fn fields(state: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(state) {
        Ok(Value::Object(fields)) => fields,
        // Only maps with keys that are no text cannot be written, and what the shop shows has none.
        _ => Map::new(),
    }
}

/// A description has up to 10,000 characters: its beginning is enough here.
fn brief(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > CHARACTERS => {
            Value::String(text.chars().take(CHARACTERS - 1).chain(['…']).collect())
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told_and_long_texts_by_their_beginning() {
        let long = "x".repeat(10_000);
        let before = json!({"name": "Mug", "price": "12.50", "category": null, "description": "", "updated_at": 1});
        let after = json!({"name": "Mug", "price": "13.00", "category": {"id": 7}, "description": long, "updated_at": 2});
        let told = changes(&before, &after);
        assert_eq!(told["price"], json!({"from": "12.50", "to": "13.00"}));
        assert_eq!(told["category"], json!({"from": null, "to": {"id": 7}}));
        assert_eq!(told["description"]["to"].as_str().unwrap().chars().count(), CHARACTERS);
        assert_eq!(told.as_object().unwrap().len(), 3, "{told}");
        assert_eq!(changes(&before, &before), json!({}));
    }
}
