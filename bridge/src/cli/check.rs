//! `mc-bridge check`.
pub async fn run(_: Option<&std::path::Path>, _: bool) -> u8 {
    0
}
