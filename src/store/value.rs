//! Values that go into statements and cells that come out of them, the same for both engines.

use mission_control_shared::{
    ApiKeyId, ChannelId, Date, EventId, EvidenceId, FileId, InvitationId, MessageId, OrgId, ProjectId,
    SessionId, TaskId, Timestamp, UserId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Failure, Result};

/// A bound parameter.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// NULL of any type.
    Null,
    /// INTEGER / BIGINT / BOOLEAN.
    Int(i64),
    /// TEXT; JSON where the column is JSON.
    Text(&'a str),
    /// The same, made for this statement.
    Owned(String),
    /// An id: BLOB of 16 bytes / uuid.
    Id(Uuid),
    /// BLOB / bytea.
    Blob(&'a [u8]),
}

/// Something that can be bound.
pub trait ToValue {
    /// As a parameter.
    fn value(&self) -> Value<'_>;
}

/// A value that is kept as JSON text.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// The parameters after `?1` (which a tenant handle binds itself), or all of them (system handle).
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => { &[$($crate::store::ToValue::value(&$arg)),*] };
}

/// What a cell holds, whatever engine it came from.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// A number or a truth value.
    Int(i64),
    /// Text or JSON.
    Text(&'a str),
    /// Bytes or an id.
    Blob(&'a [u8]),
}

/// Something that can be read from a cell.
pub trait FromCell: Sized {
    /// Fails when the cell holds something else, which is a fault in the statement.
    fn from_cell(cell: Cell<'_>) -> Result<Self>;
}

fn wrong<T>(want: &str, cell: Cell<'_>) -> Result<T> {
    Err(Failure::Other(anyhow::anyhow!("expected {want} in a cell, found {cell:?}")))
}

impl ToValue for i64 {
    fn value(&self) -> Value<'_> {
        Value::Int(*self)
    }
}

impl FromCell for i64 {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Int(number) => Ok(number),
            _ => wrong("a number", cell),
        }
    }
}

impl ToValue for bool {
    fn value(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl FromCell for bool {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        i64::from_cell(cell).map(|number| number != 0)
    }
}

impl ToValue for Timestamp {
    fn value(&self) -> Value<'_> {
        Value::Int(self.0)
    }
}

impl FromCell for Timestamp {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        i64::from_cell(cell).map(Timestamp)
    }
}

impl ToValue for Date {
    fn value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl ToValue for str {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl ToValue for String {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Text(text) => Ok(text.to_owned()),
            _ => wrong("text", cell),
        }
    }
}

impl ToValue for [u8; 32] {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl FromCell for [u8; 32] {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Blob(bytes) => bytes.try_into().or_else(|_| wrong("32 bytes", cell)),
            _ => wrong("32 bytes", cell),
        }
    }
}

impl ToValue for Uuid {
    fn value(&self) -> Value<'_> {
        Value::Id(*self)
    }
}

impl FromCell for Uuid {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Blob(bytes) => Uuid::from_slice(bytes).or_else(|_| wrong("an id", cell)),
            _ => wrong("an id", cell),
        }
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::value)
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Null => Ok(None),
            _ => T::from_cell(cell).map(Some),
        }
    }
}

impl<T: Serialize> ToValue for Json<T> {
    fn value(&self) -> Value<'_> {
        Value::Owned(serde_json::to_string(&self.0).expect("our own types always become JSON"))
    }
}

impl<T: DeserializeOwned> FromCell for Json<T> {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        match cell {
            Cell::Text(text) => serde_json::from_str(text)
                .map(Json)
                .map_err(|cause| Failure::Other(anyhow::Error::new(cause).context("read JSON from a cell"))),
            _ => wrong("JSON", cell),
        }
    }
}

macro_rules! ids {
    ($($name:ident)*) => {$(
        impl ToValue for $name {
            fn value(&self) -> Value<'_> {
                Value::Id(self.0)
            }
        }

        impl FromCell for $name {
            fn from_cell(cell: Cell<'_>) -> Result<Self> {
                Uuid::from_cell(cell).map($name)
            }
        }
    )*};
}

ids! { ApiKeyId ChannelId EventId EvidenceId FileId InvitationId MessageId OrgId ProjectId SessionId TaskId UserId }

macro_rules! kinds {
    ($($name:ident)*) => {$(
        impl ToValue for mission_control_shared::$name {
            fn value(&self) -> Value<'_> {
                Value::Text(self.as_str())
            }
        }

        impl FromCell for mission_control_shared::$name {
            fn from_cell(cell: Cell<'_>) -> Result<Self> {
                match cell {
                    Cell::Text(text) => text.parse().or_else(|_| wrong(stringify!($name), cell)),
                    _ => wrong(stringify!($name), cell),
                }
            }
        }
    )*};
}

kinds! {
    ActorType ChannelType EventKind EvidenceType MessageKind OrgStatus Priority ProjectStage ProjectType
    NotifyLevel ReceiptState Role TaskStatus TaskType TopicType UserStatus UserType
}
