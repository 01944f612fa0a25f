//! Types that a key may have.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What a key may hold. A value reaches its type as text, wherever it comes from.
pub trait Value: Sized {
    /// Whether TOML has quotes around it.
    const IS_QUOTED: bool = true;
    /// Whether it must not be shown.
    const IS_SECRET: bool = false;

    /// The value, or what it must be, beginning with "must".
    fn parse(text: &str) -> Result<Self, String>;

    /// The value of a key that is left out, where that is allowed.
    fn absent() -> Option<Self> {
        None
    }

    /// The text of a value in the file, or what it must be.
    fn text_of(value: &toml::Value) -> Result<String, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| "must be a text in quotes".to_owned())
    }
}

/// A password, token or key. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(set)")
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Secret {
        Secret(text.into())
    }
}

impl Value for Secret {
    const IS_SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
}

impl<T: Value> Value for Option<T> {
    const IS_QUOTED: bool = T::IS_QUOTED;
    const IS_SECRET: bool = T::IS_SECRET;

    fn parse(text: &str) -> Result<Self, String> {
        T::parse(text).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn text_of(value: &toml::Value) -> Result<String, String> {
        T::text_of(value)
    }
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("must be a path".to_owned());
        }
        Ok(text.into())
    }
}

impl Value for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "must be an address with a port such as `127.0.0.1:8420`".to_owned())
    }
}

/// Whole numbers from 0 on.
macro_rules! number {
    ($($number:ty)+) => {$(
        impl Value for $number {
            const IS_QUOTED: bool = false;

            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("must be a whole number from 0 to {}", <$number>::MAX))
            }

            fn text_of(value: &toml::Value) -> Result<String, String> {
                match value {
                    toml::Value::Integer(number) => Ok(number.to_string()),
                    // Accepted since before there were tables.
                    toml::Value::String(text) => Ok(text.clone()),
                    _ => Err(format!("must be a whole number from 0 to {}", <$number>::MAX)),
                }
            }
        }
    )+};
}

number!(u32 usize);

/// One of a few words: `choice!(Mode { "single-tenant" => Mode::SingleTenant, … })`.
macro_rules! choice {
    ($type:ty { $first:literal => $of_first:expr, $($word:literal => $of:expr),+ $(,)? }) => {
        impl $crate::config::Value for $type {
            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $first => Ok($of_first),
                    $($word => Ok($of),)+
                    _ => Err(concat!("must be `", $first, "`" $(, " or `", $word, "`")+).to_owned()),
                }
            }
        }
    };
}
