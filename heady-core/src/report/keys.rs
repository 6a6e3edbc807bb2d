//! API keys as text.

use super::table;
use crate::http::{ApiKey, ApiKeyList};

/// Keys, one a line.
pub fn api_keys(list: &ApiKeyList) -> String {
    if list.keys.is_empty() {
        return "  No keys\n".to_owned();
    }
    drawn(&list.keys)
}

/// One key.
pub fn api_key(key: &ApiKey) -> String {
    drawn(std::slice::from_ref(key))
}

fn drawn(keys: &[ApiKey]) -> String {
    let mut table = table::new(&["Key", "Name", "Environment", "Roles", "State"]);
    for key in keys {
        let state = match key.revoked_at {
            Some(time) => format!("revoked {}", time.format("%Y-%m-%d")),
            None => "valid".to_owned(),
        };
        table.add_row([
            key.id.to_string(),
            key.name.clone(),
            key.environment.clone(),
            key.roles.join(", "),
            state,
        ]);
    }
    table::text(&table)
}
