//! The three kinds of frames, as text.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::CallError;

/// A frame of the Gateway.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    /// The answer to the request with this id.
    Response { id: Cow<'a, str>, result: Result<&'a RawValue, CallError> },
    /// Something that happened.
    Event { name: Cow<'a, str>, payload: &'a RawValue },
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(default)]
    ok: bool,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    error: Option<WireError>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Value,
    #[serde(default)]
    retryable: bool,
    retry_after_ms: Option<f64>,
}

/// Reads a frame; `None` = a kind that this build does not know.
pub(super) fn read(text: &str) -> Result<Option<Frame<'_>>, serde_json::Error> {
    let wire: Wire<'_> = serde_json::from_str(text)?;
    let payload = wire.payload.unwrap_or(RawValue::NULL);
    Ok(match (&*wire.kind, wire.id, wire.event) {
        ("res", Some(id), _) if wire.ok => Some(Frame::Response { id, result: Ok(payload) }),
        ("res", Some(id), _) => {
            let refusal = refused(wire.error.unwrap_or_default(), wire.payload);
            Some(Frame::Response { id, result: Err(refusal) })
        }
        ("event", _, Some(name)) => Some(Frame::Event { name, payload }),
        _ => None,
    })
}

fn refused(error: WireError, payload: Option<&RawValue>) -> CallError {
    CallError::Refused {
        code: error.code,
        message: error.message,
        details: error.details,
        retryable: error.retryable,
        retry_after: error.retry_after_ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok()),
        payload: payload.and_then(|payload| serde_json::from_str(payload.get()).ok()),
    }
}

/// The text with each lone half of a surrogate pair (`\ud83e`) replaced by U+FFFD.
///
/// The Gateway cuts texts by UTF-16 units, so a piece of an answer or a cut row may end in half an
/// emoji, which is no JSON that Rust reads.
pub(super) fn mend(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let (mut mended, mut copied, mut at) = (String::new(), 0, 0);
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match surrogate(bytes, at) {
            Some(high) if high < 0xDC00 && surrogate(bytes, at + 6).is_some_and(|low| low >= 0xDC00) => {
                at += 12
            }
            Some(_) => {
                mended.push_str(&text[copied..at]);
                mended.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            // Whatever is escaped, it is not looked at again: `\\` is two characters.
            None => at += 2,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[copied..]);
    Cow::Owned(mended)
}

/// The half of a surrogate pair that is escaped at this place.
fn surrogate(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?;
    let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    let unit = u32::from_str_radix(digits, 16).ok()?;
    (0xD800..0xE000).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_emoji_is_mended_and_all_else_is_left_alone() {
        let text = |json: &str| serde_json::from_str::<String>(&mend(json)).expect("is JSON now");
        assert_eq!(text(r#""cut \ud83e""#), "cut \u{fffd}");
        assert_eq!(text(r#""\udd16 goes on""#), "\u{fffd} goes on");
        assert_eq!(text(r#""\ud83e\ud83e\udd16""#), "\u{fffd}🤖");
        for whole in [r#""\ud83e\udd16 \u0041""#, r#""a path C:\\ud83e""#, r#""🤖""#, r#""\n""#] {
            assert!(matches!(mend(whole), Cow::Borrowed(_)), "{whole}");
        }
    }

    #[test]
    fn a_frame_of_an_unknown_kind_is_skipped() {
        assert!(read(r#"{"type":"hint","id":"1"}"#).expect("reads").is_none());
        assert!(read("nonsense").is_err());
    }

    #[test]
    fn a_refusal_tells_when_to_try_again() {
        let text = r#"{"type":"res","id":"7","ok":false,"error":{"code":"UNAVAILABLE","message":"soon","retryable":true,"retryAfterMs":500}}"#;
        let Some(Frame::Response { id, result: Err(CallError::Refused { retry_after, retryable, .. }) }) =
            read(text).expect("reads")
        else {
            panic!("it is a refusal");
        };
        assert_eq!((&*id, retry_after, retryable), ("7", Some(Duration::from_millis(500)), true));
    }
}
