//! Parts of a call as one statement of PostgreSQL.
//!
//! A statement is a transaction by itself, in one trip; a transaction of several takes a trip for each and two more. But the
//! whole of a statement sees the database as it was before, and what stands in its WITH runs in no promised order. So a part
//! joins others only if its text says how:
//!
//! - `{last}` stands between its WITH and its last statement. It must not need what other parts of its call write, but may
//!   name what the first part's WITH has.
//! - `{after}` is a condition that holds once the first part has given a row. A later part takes its locks behind it, so that
//!   calls take theirs in the same order.
//!
//! The rows of the call are those of the first part.

use std::borrow::Borrow;

use crate::store::Part;
use crate::store::sql::Dialect;

const LAST: &str = "{last}";
const AFTER: &str = "{after}";

/// A part's statement by itself.
pub(super) fn alone(text: &str) -> String {
    text.replace(LAST, "").replace(AFTER, "true")
}

/// Whether a part can be joined with others.
pub(in crate::store) fn joins(part: &Part) -> bool {
    part.sql.text(Dialect::Postgres).contains(LAST)
}

/// The parts as one statement, in which the arguments of each follow those of the parts before it; `None` if not all of them
/// join.
pub(super) fn joined<P: Borrow<Part>>(parts: &[P]) -> Option<String> {
    match parts {
        [] => return None,
        [part] => return Some(alone(part.borrow().sql.text(Dialect::Postgres))),
        _ => {}
    }
    let (mut text, mut before) = (String::new(), 0);
    for (part, number) in parts.iter().map(Borrow::borrow).zip(1..) {
        let (with, last) = part.sql.text(Dialect::Postgres).split_once(LAST)?;
        let with = with.trim().trim_start_matches("WITH ");
        let after = if number == 1 {
            "true"
        } else {
            "EXISTS (SELECT FROM part1)"
        };
        text += if number == 1 { "WITH " } else { ",\n" };
        if !with.is_empty() {
            text += &own(with, before, after);
            text += ",\n";
        }
        text += &format!("part{number} AS ({})", own(last, before, after));
        before += part.args().len();
    }
    Some(text + "\nSELECT * FROM part1")
}

/// A text with its arguments counted from those before it.
fn own(text: &str, before: usize, after: &str) -> String {
    let text = text.replace(AFTER, after);
    let mut pieces = text.split('$');
    let mut own = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (number, rest) = match piece.find(|c: char| !c.is_ascii_digit()) {
            Some(end) => piece.split_at(end),
            None => (piece, ""),
        };
        own.push('$');
        match number.parse::<usize>() {
            Ok(number) => own += &(before + number).to_string(),
            Err(_) => own += number,
        }
        own += rest;
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::store::testing::Fresh;
    use crate::store::{Arg, Call};

    #[test]
    fn parts_that_join_are_one_statement() {
        let part = |sql: &'static str| Part::new(sql, "{}".to_owned());
        let text = |parts: &[Part]| joined(parts);
        let first = part("WITH a AS (SELECT $1) {last} SELECT * FROM a WHERE {after}");
        let second = part("{last} DELETE FROM b WHERE $1 = 'b' AND {after}");
        let alone = "WITH a AS (SELECT $1)  SELECT * FROM a WHERE true";
        assert_eq!(text(std::slice::from_ref(&first)).unwrap(), alone);
        let both = "WITH a AS (SELECT $1),\npart1 AS ( SELECT * FROM a WHERE true),
part2 AS ( DELETE FROM b WHERE $2 = 'b' AND EXISTS (SELECT FROM part1))\nSELECT * FROM part1";
        assert_eq!(text(&[first.clone(), second]).unwrap(), both);
        assert_eq!(text(&[first.clone(), part("SELECT $1")]), None);
        let args = vec![Arg::Int(Some(0)); 11];
        let many = Part::new("{last} SELECT $2, $11, '$' WHERE $1 = 0", args);
        let all = "WITH part1 AS ( SELECT $2, $11, '$' WHERE $1 = 0),
a AS (SELECT $12),\npart2 AS ( SELECT * FROM a WHERE EXISTS (SELECT FROM part1))\nSELECT * FROM part1";
        assert_eq!(text(&[many, first]).unwrap(), all);
    }

    #[tokio::test]
    async fn a_call_whose_parts_join_is_one_statement() {
        let fresh = Fresh::postgres().await;
        let store = fresh.open().await;
        let service =
            "{last} INSERT INTO services (id, name, base_url) VALUES ($1, $1, '') RETURNING id";
        let node = "{last} INSERT INTO nodes (id, name) SELECT $1, $1 WHERE {after}";
        let guard = "{last} SELECT 1 AS n FROM services WHERE id = $1";
        let call = |id: &str| {
            Call::default()
                .with(service, id.to_owned())
                .with(node, id.to_owned())
        };
        let rows = store.call(&call("a")).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].get::<String>("id").unwrap(), "a");
        // Rows of one command have it in common.
        let same = "SELECT s.xmin = n.xmin AND s.cmin = n.cmin AS same FROM services AS s JOIN nodes AS n ON n.id = s.id";
        let row = store.fetch_optional(same, vec![]).await.unwrap().unwrap();
        assert!(row.get::<bool>("same").unwrap());

        let taken = call("b").with(node, "a".to_owned());
        let error = store.call(&taken).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        let guarded = |by: &str, id: &str| {
            let call = Call::default().with(node, id.to_owned());
            call.guarded_by(guard, by.to_owned())
        };
        let error = store.call(&guarded("b", "c")).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Aborted, "there is no service b");
        store.call(&guarded("a", "d")).await.unwrap();
        let nodes = store
            .fetch_all("SELECT id FROM nodes ORDER BY id", vec![])
            .await
            .unwrap();
        let nodes: Vec<String> = nodes.iter().map(|row| row.get("id").unwrap()).collect();
        assert_eq!(nodes, ["a", "d"]);
    }
}
