//! `[limits]`: how much one organization, one caller and one address may ask for.

use super::Default;

section! {
    /// How much one organization, one caller and one address may ask for.
    "limits" => Limits {
        /// Event streams that one organization may have open.
        max_streams_per_org: usize {
            variable: "MC_MAX_STREAMS_PER_ORG",
            former: Some("max_streams_per_org"),
            default: Default::Text("100"),
        },
        /// Requests per second that one caller may make; 0 = no limit.
        request_budget: u32 {
            variable: "MC_REQUEST_BUDGET",
            former: Some("request_budget"),
            default: Default::Text("50"),
        },
        /// Sign-ins per minute from one address; 0 = no limit.
        signin_limit: u32 {
            variable: "MC_SIGNIN_LIMIT",
            former: Some("signin_limit"),
            default: Default::Text("10"),
        },
    }
}
