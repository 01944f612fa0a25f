//! The edges of the bridge against peers that do what real ones do not do on demand.

mod check;
mod fake;
mod link;
mod tls;
