//! What many followers read, with the bytes that transports make of it.

use std::any::TypeId;
use std::ops::Deref;
use std::sync::OnceLock;

use bytes::Bytes;

/// Transports whose bytes are kept beside a value: Server-Sent Events and WebSocket.
const TRANSPORTS: usize = 2;

/// How a transport writes a `T`. The implementing type names the encoding and holds nothing.
pub trait Encode<T>: 'static {
    /// The bytes that every connection of this transport sends.
    fn encode(value: &T) -> Bytes;
}

/// A value that many followers share. Each transport encodes it once, when its first connection
/// needs it; the others share those bytes.
#[derive(Debug)]
pub struct Shared<T> {
    value: T,
    encoded: [OnceLock<(TypeId, Bytes)>; TRANSPORTS],
}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Shared<T> {
        Shared { value, encoded: Default::default() }
    }

    /// The bytes that `E` makes of the value.
    pub fn encoded<E: Encode<T>>(&self) -> Bytes {
        for slot in &self.encoded {
            let (encoding, bytes) = slot.get_or_init(|| (TypeId::of::<E>(), E::encode(&self.value)));
            if *encoding == TypeId::of::<E>() {
                return bytes.clone();
            }
        }
        // More transports than slots: correct, but not shared.
        E::encode(&self.value)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;
    struct Loud;
    struct Quiet;

    impl Encode<String> for Plain {
        fn encode(value: &String) -> Bytes {
            value.clone().into()
        }
    }

    impl Encode<String> for Loud {
        fn encode(value: &String) -> Bytes {
            value.to_uppercase().into()
        }
    }

    impl Encode<String> for Quiet {
        fn encode(value: &String) -> Bytes {
            value.to_lowercase().into()
        }
    }

    #[test]
    fn each_encoding_is_made_once_and_stays_apart_from_the_others() {
        let shared = Shared::new("Hello".to_owned());
        let (plain, loud) = (shared.encoded::<Plain>(), shared.encoded::<Loud>());
        assert_eq!((&plain[..], &loud[..]), (&b"Hello"[..], &b"HELLO"[..]));
        assert_eq!(shared.encoded::<Plain>().as_ptr(), plain.as_ptr());
        assert_eq!(shared.encoded::<Loud>().as_ptr(), loud.as_ptr());
        assert_eq!(shared.encoded::<Quiet>(), "hello", "a third one works, unshared");
    }
}
