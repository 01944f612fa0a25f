//! One text for both engines: statements are written once, with `?N` parameters and three list forms,
//! and turned into the engine's own text here.
//!
//! | written | SQLite | PostgreSQL |
//! |---|---|---|
//! | `?3` | `?3` | `$3` |
//! | `uuids(?3)` | the ids of a JSON list | the same |
//! | `texts(?3)` | the texts of a JSON list | the same |
//! | `numbers(?3)` | the numbers of a JSON list | the same |
//!
//! A limit is written `LIMIT ?3 + 0`: SQLite plans with the value of a bare `LIMIT ?3`, and so prepares the
//! statement anew at every run.
//!
//! `IN uuids(?3)` therefore takes a list as one parameter. Text in quotes is left alone.

use std::borrow::Cow;

/// How lists start.
const LISTS: [&str; 3] = ["uuids(?", "texts(?", "numbers(?"];

/// An engine's way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// The text that this engine takes. Borrowed when nothing is different.
    pub fn translate(self, sql: &str) -> Cow<'_, str> {
        let has_lists = LISTS.iter().any(|form| sql.contains(form));
        if self == Dialect::Sqlite && !has_lists {
            return Cow::Borrowed(sql);
        }
        let mut out = String::with_capacity(sql.len() + 64);
        let mut rest = sql;
        while let Some(at) = rest.find(['?', '\'', 'u', 't', 'n']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let starts_word = !out.ends_with(|last: char| last.is_alphanumeric() || last == '_');
            if rest.starts_with('\'') {
                let end = rest[1..].find('\'').map_or(rest.len(), |end| end + 2);
                out.push_str(&rest[..end]);
                rest = &rest[end..];
            } else if let Some(after) = rest.strip_prefix('?') {
                let (number, after) = split_number(after);
                self.parameter(&mut out, number);
                rest = after;
            } else if let Some((kind, number, after)) = list(rest).filter(|_| starts_word) {
                self.list(&mut out, kind, number);
                rest = after;
            } else {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    fn parameter(self, out: &mut String, number: &str) {
        out.push(if self == Dialect::Sqlite { '?' } else { '$' });
        out.push_str(number);
    }

    fn list(self, out: &mut String, kind: &str, number: &str) {
        let (before, after) = match (self, kind) {
            (Dialect::Sqlite, "uuids") => ("(SELECT unhex(value, '-') FROM json_each(", "))"),
            (Dialect::Sqlite, _) => ("(SELECT value FROM json_each(", "))"),
            (Dialect::Postgres, "uuids") => {
                ("(SELECT listed.value::uuid FROM jsonb_array_elements_text(", "::jsonb) AS listed (value))")
            }
            (Dialect::Postgres, "numbers") => (
                "(SELECT listed.value::bigint FROM jsonb_array_elements_text(",
                "::jsonb) AS listed (value))",
            ),
            (Dialect::Postgres, _) => {
                ("(SELECT listed.value FROM jsonb_array_elements_text(", "::jsonb) AS listed (value))")
            }
        };
        out.push_str(before);
        self.parameter(out, number);
        out.push_str(after);
    }
}

fn split_number(text: &str) -> (&str, &str) {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at(length)
}

/// Reads `uuids(?3)` and its like where the text starts with it.
fn list(text: &str) -> Option<(&str, &str, &str)> {
    let form = LISTS.into_iter().find(|form| text.starts_with(form))?;
    let (number, after) = split_number(&text[form.len()..]);
    Some((form.trim_end_matches("(?"), number, after.strip_prefix(')')?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_keep_their_numbers() {
        let sql = "SELECT 'what? it''s ?1' FROM t WHERE a = ?2 AND b = ?1 OR c = ?12";
        assert_eq!(
            Dialect::Postgres.translate(sql),
            "SELECT 'what? it''s ?1' FROM t WHERE a = $2 AND b = $1 OR c = $12"
        );
        assert!(matches!(Dialect::Sqlite.translate(sql), Cow::Borrowed(_)));
    }

    #[test]
    fn lists_are_one_parameter() {
        let sql = "SELECT 1 WHERE id IN uuids(?3) AND status IN texts(?4)";
        assert_eq!(
            Dialect::Sqlite.translate(sql),
            "SELECT 1 WHERE id IN (SELECT unhex(value, '-') FROM json_each(?3)) \
             AND status IN (SELECT value FROM json_each(?4))"
        );
        assert_eq!(
            Dialect::Postgres.translate(sql),
            "SELECT 1 WHERE id IN (SELECT listed.value::uuid FROM jsonb_array_elements_text($3::jsonb) \
             AS listed (value)) AND status IN (SELECT listed.value FROM \
             jsonb_array_elements_text($4::jsonb) AS listed (value))"
        );
        let sql = "SELECT 1 WHERE numbers > 1 AND seq IN numbers(?2)";
        assert_eq!(
            Dialect::Postgres.translate(sql),
            "SELECT 1 WHERE numbers > 1 AND seq IN (SELECT listed.value::bigint FROM \
             jsonb_array_elements_text($2::jsonb) AS listed (value))"
        );
    }

    proptest! {
        #[test]
        fn text_without_parameters_is_left_alone(text in "[a-z '_ü(),.]{0,60}") {
            prop_assert_eq!(Dialect::Postgres.translate(&text), text.as_str());
        }

        #[test]
        fn every_parameter_outside_quotes_is_translated(
            pieces in prop::collection::vec(("[a-z =']{0,8}".prop_filter("balanced", |piece| piece.matches('\'').count() % 2 == 0), 1_u8..99), 0..9)
        ) {
            let write = |mark: char| pieces.iter().map(|(piece, number)| format!("{piece} {mark}{number} ")).collect::<String>();
            let sql = write('?');
            prop_assert_eq!(Dialect::Postgres.translate(&sql), write('$'));
        }
    }
}
