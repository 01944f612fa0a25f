//! The columns of a noun, listed once: [`row!`] makes of the list what reads a row, what writes
//! one, and the text of the statements.

use mission_control_shared::Date;

use super::{Cell, Failure, FromCell, Result, tx::Row};

/// When a column is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// When the row is inserted, and never again.
    Once,
    /// When the row is inserted and at every update.
    Always,
    /// By statements of its own.
    Elsewhere,
}

/// A column of a noun's table.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) written: Written,
}

/// The cells of a row, from the first to the last.
pub(super) struct Cells<'c, 'r> {
    row: &'c Row<'r>,
    next: usize,
}

impl<'c, 'r> Cells<'c, 'r> {
    pub(super) fn of(row: &'c Row<'r>) -> Self {
        Cells { row, next: 0 }
    }

    /// The next cell.
    pub(super) fn next<T: FromCell>(&mut self) -> Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }
}

/// What a column holds where there is no date, so that it sorts after every day.
pub(super) const NO_DATE: &str = "9999-99-99";

/// A date as such a column holds it.
pub(super) struct DateOrLast(pub(super) Option<Date>);

impl FromCell for DateOrLast {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        let date = match cell {
            Cell::Text(NO_DATE) => return Ok(DateOrLast(None)),
            Cell::Text(text) => text.parse().ok(),
            _ => None,
        };
        let wrong = || Failure::Other(anyhow::anyhow!("expected a date in a cell, found {cell:?}"));
        date.ok_or_else(wrong).map(|date| DateOrLast(Some(date)))
    }
}

/// `INSERT` of every column that is written then, after `org_id` and `id`; `also` come last.
pub(super) fn insert_text(table: &str, columns: &[Column], also: &[&str]) -> String {
    let written = columns.iter().filter(|column| column.written != Written::Elsewhere);
    let names: Vec<&str> = ["org_id", "id"]
        .into_iter()
        .chain(written.map(|column| column.name))
        .chain(also.iter().copied())
        .collect();
    let numbers: Vec<String> = (1..=names.len()).map(|number| format!("?{number}")).collect();
    format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), numbers.join(", "))
}

/// `UPDATE` of every column that is written then, of the row with the id `?2` whose version is the
/// one before.
pub(super) fn update_text(table: &str, columns: &[Column]) -> String {
    let written = columns.iter().filter(|column| column.written == Written::Always);
    let set: Vec<String> =
        (3..).zip(written).map(|(number, column)| format!("{} = ?{number}", column.name)).collect();
    let version =
        set.iter().find(|set| set.starts_with("version = ")).map_or("", |set| &set["version = ".len()..]);
    format!("UPDATE {table} SET {} WHERE org_id = ?1 AND id = ?2 AND version + 1 = {version}", set.join(", "))
}

/// Makes, of the list of a noun's columns:
///
/// - the macro `columns!()`, the text of what a statement selects, in the order in which
/// - `read(row, org_id)` reads it;
/// - with `also`: `COLUMNS`, the list as data, and `insert_row(tx, new, also)`, which stores a new row;
///   the values of `also` are those of columns that are no fields of the noun;
/// - `update_row(tx, changed)`, for a `versioned` noun: stores a row under its next version, and
///   gives false when that is not the next one any more.
///
/// A column is written `once` (by the insert), `always` (by the update too) or `elsewhere`. It is
/// kept as it is or `as` a codec says; see the `@get` and `@value` rules. What is `joined` is read
/// from other tables of the statement, after the columns; the fields `beside` them start empty.
macro_rules! row {
    ($noun:ident in $table:literal as $alias:literal, versioned, $($rest:tt)*) => {
        $crate::store::row::row! { $noun in $table as $alias, $($rest)* }
        $crate::store::row::row! { @update $noun in $table, $($rest)* }
    };
    (
        $noun:ident in $table:literal as $alias:literal,
        columns { $($columns:tt)+ }, joined { $($joined:tt)* }, beside { $($beside:tt)* }, also { $($also:tt)* },
    ) => {
        $crate::store::row::row! {
            $noun in $table as $alias,
            columns { $($columns)+ }, joined { $($joined)* }, beside { $($beside)* },
        }
        $crate::store::row::row! { @insert $noun in $table, columns { $($columns)+ }, also { $($also)* } }
    };
    (
        $noun:ident in $table:literal as $alias:literal,
        columns { $($written:ident $field:ident $column:literal $(as $codec:ident)?,)+ },
        joined { $($joined:ident $select:literal $(as $joined_codec:ident)?),* $(,)? },
        beside { $($beside:ident),* $(,)? },
    ) => {
        /// What a statement selects of the noun. (A macro, because SQL text is static.)
        macro_rules! columns {
            () => { concat!($alias, ".id" $(, ", ", $alias, ".", $column)+ $(, ", ", $select)*) };
        }

        fn read(row: &$crate::store::Row<'_>, org_id: mission_control_shared::OrgId) -> Result<$noun> {
            let mut cells = $crate::store::row::Cells::of(row);
            Ok($noun {
                id: cells.next()?,
                org_id,
                $($field: $crate::store::row::row!(@get cells $($codec)?),)+
                $($joined: $crate::store::row::row!(@get cells $($joined_codec)?),)*
                $($beside: Default::default(),)*
            })
        }
    };
    (
        @insert $noun:ident in $table:literal,
        columns { $($written:ident $field:ident $column:literal $(as $codec:ident)?,)+ },
        also { $($also:literal),* $(,)? }
    ) => {
        const COLUMNS: &[$crate::store::row::Column] = &[$($crate::store::row::Column {
            name: $column,
            written: $crate::store::row::row!(@written $written),
        }),+];

        fn insert_row<'a, const ALSO: usize>(
            tx: &mut TenantTx<'_, '_>,
            new: &'a $noun,
            also: [$crate::store::Value<'a>; ALSO],
        ) -> Result<()> {
            static TEXT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
                $crate::store::row::insert_text($table, COLUMNS, &[$($also),*])
            });
            let own = [
                Some($crate::store::ToValue::value(&new.id)),
                $($crate::store::row::row!(@inserted $written new.$field, $($codec)?)),+
            ];
            let values: Vec<$crate::store::Value<'_>> = own.into_iter().flatten().chain(also).collect();
            tx.execute(&TEXT, &values)?;
            Ok(())
        }
    };
    (
        @update $noun:ident in $table:literal,
        columns { $($written:ident $field:ident $column:literal $(as $codec:ident)?,)+ }, $($rest:tt)*
    ) => {
        fn update_row(tx: &mut TenantTx<'_, '_>, changed: &$noun) -> Result<bool> {
            static TEXT: std::sync::LazyLock<String> =
                std::sync::LazyLock::new(|| $crate::store::row::update_text($table, COLUMNS));
            let own = [
                Some($crate::store::ToValue::value(&changed.id)),
                $($crate::store::row::row!(@updated $written changed.$field, $($codec)?)),+
            ];
            let values: Vec<$crate::store::Value<'_>> = own.into_iter().flatten().collect();
            tx.execute(&TEXT, &values).map(|rows| rows > 0)
        }
    };
    (@written once) => { $crate::store::row::Written::Once };
    (@written always) => { $crate::store::row::Written::Always };
    (@written elsewhere) => { $crate::store::row::Written::Elsewhere };
    (@inserted elsewhere $($value:tt)*) => { None };
    (@inserted $written:ident $($value:tt)*) => { Some($crate::store::row::row!(@value $($value)*)) };
    (@updated always $($value:tt)*) => { Some($crate::store::row::row!(@value $($value)*)) };
    (@updated $written:ident $($value:tt)*) => { None };
    // As it is.
    (@get $cells:ident) => { $cells.next()? };
    (@value $noun:ident.$field:ident,) => { $crate::store::ToValue::value(&$noun.$field) };
    // A list or map, as JSON.
    (@get $cells:ident json) => { $cells.next::<$crate::store::Json<_>>()?.0 };
    (@value $noun:ident.$field:ident, json) => {
        $crate::store::Value::Owned(
            serde_json::to_string(&$noun.$field).expect("our own types always become JSON"),
        )
    };
    // The same, of a field that not every reader sees; without it the row has an empty map.
    (@get $cells:ident hidden_json) => { Some($cells.next::<$crate::store::Json<_>>()?.0) };
    (@value $noun:ident.$field:ident, hidden_json) => {
        $crate::store::Value::Owned(match &$noun.$field {
            Some(map) => serde_json::to_string(map).expect("our own types always become JSON"),
            None => "{}".to_owned(),
        })
    };
    // A day, or a text that sorts after every day.
    (@get $cells:ident date_or_last) => { $cells.next::<$crate::store::row::DateOrLast>()?.0 };
    (@value $noun:ident.$field:ident, date_or_last) => {
        $crate::store::Value::Text($noun.$field.as_ref().map_or(
            $crate::store::row::NO_DATE,
            mission_control_shared::Date::as_str,
        ))
    };
    // Whether there is a time.
    (@get $cells:ident is_set) => { $cells.next::<Option<mission_control_shared::Timestamp>>()?.is_some() };
    // Who posted, whose columns are four.
    (@get $cells:ident sender) => {
        mission_control_shared::Sender {
            id: $cells.next()?,
            handle: $cells.next()?,
            display_name: $cells.next()?,
            kind: $cells.next()?,
        }
    };
}
pub(super) use row;

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column { name: "title", written: Written::Always },
        Column { name: "created_by", written: Written::Once },
        Column { name: "last_seen_at", written: Written::Elsewhere },
        Column { name: "version", written: Written::Always },
    ];

    #[test]
    fn statements_write_the_columns_that_are_theirs() {
        assert_eq!(
            insert_text("tasks", COLUMNS, &["email"]),
            "INSERT INTO tasks (org_id, id, title, created_by, version, email) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        );
        assert_eq!(
            update_text("tasks", COLUMNS),
            "UPDATE tasks SET title = ?3, version = ?4 WHERE org_id = ?1 AND id = ?2 AND version + 1 = ?4"
        );
    }
}
