//! Transports: each writes what `realtime` yields in its own format. Must not know: rules, SQL, who may
//! see what.

pub mod sse;
