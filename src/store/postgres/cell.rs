//! Values on their way to and from PostgreSQL, in its binary forms.

use std::error::Error as StdError;

use bytes::{BufMut as _, BytesMut};
use postgres::types::{FromSql, IsNull, ToSql, Type};

use super::super::{Cell, Failure, Result, Value};

type Fault = Box<dyn StdError + Sync + Send>;

/// What a cell of this engine holds.
pub(in super::super) fn cell(row: &postgres::Row, index: usize) -> Result<Cell<'_>> {
    let cell: Option<Cell<'_>> = row.try_get(index).map_err(|error| Failure::Other(error.into()))?;
    Ok(cell.unwrap_or(Cell::Null))
}

fn integer<const N: usize>(raw: &[u8]) -> Result<[u8; N], Fault> {
    raw.try_into().map_err(|_| "a number of another width".into())
}

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        Ok(match *kind {
            Type::INT2 => Cell::Int(i16::from_be_bytes(integer(raw)?).into()),
            Type::INT4 => Cell::Int(i32::from_be_bytes(integer(raw)?).into()),
            Type::INT8 => Cell::Int(i64::from_be_bytes(integer(raw)?)),
            Type::BOOL => Cell::Int(i64::from(raw != [0])),
            Type::UUID | Type::BYTEA => Cell::Blob(raw),
            // The first byte is the version of the form.
            Type::JSONB => Cell::Text(std::str::from_utf8(raw.get(1..).unwrap_or_default())?),
            _ => Cell::Text(std::str::from_utf8(raw)?),
        })
    }

    fn accepts(kind: &Type) -> bool {
        matches!(
            *kind,
            Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::BOOL
                | Type::UUID
                | Type::BYTEA
                | Type::JSONB
                | Type::JSON
                | Type::TEXT
                | Type::VARCHAR
                | Type::NAME
        )
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        match self {
            Value::Null => return Ok(IsNull::Yes),
            Value::Int(number) => match *kind {
                Type::INT2 => out.put_i16((*number).try_into()?),
                Type::INT4 => out.put_i32((*number).try_into()?),
                Type::INT8 => out.put_i64(*number),
                Type::BOOL => out.put_u8(u8::from(*number != 0)),
                _ => return Err(format!("a number cannot become {kind}").into()),
            },
            Value::Text(text) => put_text(text, kind, out)?,
            Value::Owned(text) => put_text(text, kind, out)?,
            Value::Id(id) if *kind == Type::UUID => out.put_slice(id.as_bytes()),
            Value::Blob(bytes) if *kind == Type::BYTEA => out.put_slice(bytes),
            Value::Id(_) | Value::Blob(_) => return Err(format!("bytes cannot become {kind}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    postgres::types::to_sql_checked!();
}

fn put_text(text: &str, kind: &Type, out: &mut BytesMut) -> Result<(), Fault> {
    match *kind {
        Type::JSONB => out.put_u8(1),
        Type::TEXT | Type::VARCHAR | Type::JSON | Type::NAME | Type::UNKNOWN => {}
        _ => return Err(format!("text cannot become {kind}").into()),
    }
    out.put_slice(text.as_bytes());
    Ok(())
}
