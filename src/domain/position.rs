//! Places in a column: texts whose binary order is the order of the column.
//!
//! Fractional indexing: a position is an integer, written so that its first character says how long
//! it is, and a fraction after it. There is room between any two positions, so a move rewrites one
//! task and no neighbour; and putting things at the top again and again counts the integer down,
//! whose length grows with the logarithm of the count.

/// The digits, in the order of their bytes.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The position of the first task of an empty column.
const FIRST: &str = "a0";

/// A position that comes after `before` and before `after`; `None` is the end of the column.
///
/// Both must have been made here, `before` the smaller one.
pub fn between(before: Option<&str>, after: Option<&str>) -> String {
    debug_assert!(before.zip(after).is_none_or(|(before, after)| before < after));
    match (before.map(split), after.map(split)) {
        (None, None) => FIRST.to_owned(),
        (None, Some((integer, fraction))) => {
            if !fraction.is_empty() {
                return integer.to_owned();
            }
            decremented(integer).unwrap_or_else(|| with_fraction(integer, &midpoint("", Some(fraction))))
        }
        (Some((integer, fraction)), None) => {
            incremented(integer).unwrap_or_else(|| with_fraction(integer, &midpoint(fraction, None)))
        }
        (Some((low, fraction)), Some((high, high_fraction))) => {
            if low == high {
                return with_fraction(low, &midpoint(fraction, Some(high_fraction)));
            }
            // The integer after `low`, unless that is `after` itself.
            incremented(low)
                .filter(|next| next.as_str() < high || (next == high && !high_fraction.is_empty()))
                .unwrap_or_else(|| with_fraction(low, &midpoint(fraction, None)))
        }
    }
}

fn with_fraction(integer: &str, fraction: &str) -> String {
    [integer, fraction].concat()
}

/// How many digits follow the first character of an integer: `a` has one, `b` two; below zero `Z`
/// has one, `Y` two.
fn digits_after(head: u8) -> usize {
    match head {
        b'a'..=b'z' => usize::from(head - b'a') + 1,
        b'A'..=b'Z' => usize::from(b'Z' - head) + 1,
        _ => 0,
    }
}

/// The integer and the fraction of a position.
fn split(position: &str) -> (&str, &str) {
    let length = position.bytes().next().map_or(0, |head| 1 + digits_after(head));
    position.split_at_checked(length).unwrap_or((position, ""))
}

fn digit(byte: u8) -> usize {
    DIGITS.binary_search(&byte).unwrap_or(0)
}

/// The next integer; `None` after the last one.
fn incremented(integer: &str) -> Option<String> {
    let mut bytes = integer.as_bytes().to_vec();
    for at in (1..bytes.len()).rev() {
        let next = digit(bytes[at]) + 1;
        if next < DIGITS.len() {
            bytes[at] = DIGITS[next];
            return text(bytes);
        }
        bytes[at] = DIGITS[0];
    }
    // Every digit was the highest: the next length.
    let head = match *bytes.first()? {
        b'z' => return None,
        b'Z' => b'a',
        head => head + 1,
    };
    text(all(head, DIGITS[0]))
}

/// The integer before; `None` before the first one.
fn decremented(integer: &str) -> Option<String> {
    let mut bytes = integer.as_bytes().to_vec();
    for at in (1..bytes.len()).rev() {
        let value = digit(bytes[at]);
        if value > 0 {
            bytes[at] = DIGITS[value - 1];
            return text(bytes);
        }
        bytes[at] = DIGITS[DIGITS.len() - 1];
    }
    let head = match *bytes.first()? {
        b'A' => return None,
        b'a' => b'Z',
        head => head - 1,
    };
    text(all(head, DIGITS[DIGITS.len() - 1]))
}

/// The integer with this first character and one digit for all.
fn all(head: u8, digit: u8) -> Vec<u8> {
    let mut bytes = vec![digit; 1 + digits_after(head)];
    bytes[0] = head;
    bytes
}

fn text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes).ok()
}

/// A fraction between two fractions, as short as can be; `None` is 1. No fraction ends in the digit
/// zero, so that there is always room before it.
fn midpoint(low: &str, high: Option<&str>) -> String {
    let (mut low, mut high) = (low.as_bytes(), high.map(str::as_bytes));
    let mut out = String::new();
    loop {
        let from = low.first().map_or(0, |byte| digit(*byte));
        let to = high.map_or(DIGITS.len(), |high| high.first().map_or(0, |byte| digit(*byte)));
        if to > from + 1 {
            out.push(char::from(DIGITS[(from + to).div_ceil(2)]));
            return out;
        }
        let rest = high.and_then(|high| high.get(1..)).unwrap_or_default();
        if to == from + 1 && !rest.is_empty() {
            out.push(char::from(DIGITS[to]));
            return out;
        }
        out.push(char::from(DIGITS[from]));
        low = low.get(1..).unwrap_or_default();
        // With the same digit in both the upper bound goes on; with the next digit anything that
        // starts with the lower one is below it.
        high = (to == from && !rest.is_empty()).then_some(rest);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_come_first_and_fractions_where_they_must() {
        assert_eq!(between(None, None), "a0");
        assert_eq!(between(Some("a0"), None), "a1");
        assert_eq!(between(None, Some("a0")), "Zz");
        assert_eq!(between(Some("a0"), Some("a1")), "a0V");
        assert_eq!(between(Some("a0"), Some("a0V")), "a0G");
        assert_eq!(between(Some("a0"), Some("a01")), "a00V");
        assert_eq!(between(Some("a0z"), Some("a1")), "a0zV");
        assert_eq!(between(None, Some("a0V")), "a0");
        assert_eq!(between(Some("Zz"), Some("a1")), "a0");
        assert_eq!(between(Some("az"), None), "b00");
        assert_eq!(between(None, Some("Z0")), "Yzz");
    }

    #[test]
    fn ten_thousand_times_at_the_top_stays_short() {
        let mut top = between(None, None);
        for _ in 0..10_000 {
            let next = between(None, Some(&top));
            assert!(next < top);
            top = next;
        }
        assert!(top.len() <= 4, "{top}");
    }

    #[test]
    fn ten_thousand_times_at_the_bottom_stays_short() {
        let mut bottom = between(None, None);
        for _ in 0..10_000 {
            let next = between(Some(&bottom), None);
            assert!(next > bottom);
            bottom = next;
        }
        assert!(bottom.len() <= 4, "{bottom}");
    }

    proptest! {
        #[test]
        fn any_sequence_of_inserts_keeps_order_and_uniqueness(places in prop::collection::vec(any::<prop::sample::Index>(), 1..300)) {
            let mut column: Vec<String> = Vec::new();
            for place in places {
                let at = place.index(column.len() + 1);
                let before = at.checked_sub(1).map(|at| column[at].as_str());
                let after = column.get(at).map(String::as_str);
                let new = between(before, after);
                prop_assert!(before.is_none_or(|before| before < new.as_str()), "{before:?} < {new}");
                prop_assert!(after.is_none_or(|after| new.as_str() < after), "{new} < {after:?}");
                column.insert(at, new);
            }
            prop_assert!(column.is_sorted_by(|one, next| one < next));
        }

        #[test]
        fn there_is_always_room_in_the_same_gap(steps in prop::collection::vec(any::<bool>(), 1..400)) {
            let (mut low, mut high) = ("a0".to_owned(), "a1".to_owned());
            for up in steps {
                let middle = between(Some(&low), Some(&high));
                prop_assert!(low < middle && middle < high, "{low} < {middle} < {high}");
                if up { low = middle } else { high = middle }
            }
        }
    }
}
