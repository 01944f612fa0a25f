//! The cases on the real OpenClaw Gateway: one instance for all of them, so they are run in one
//! process (`cargo test`, see `README.md`).
#![expect(clippy::unwrap_used, reason = "in a test a failure is a failed test")]

mod cases;

mod real {
    mod restarts;
}

macro_rules! on_the_real_one {
    ($($case:ident)*) => {$(
        #[tokio::test]
        async fn $case() {
            let (gateway, _guard) = gateway_tests::real::shared().await;
            cases::$case(gateway).await;
        }
    )*};
}

on_the_real_one! {
    a_message_is_answered
    a_mention_wakes_and_chatter_does_not
    two_agents_answer_in_one_channel
    a_command_is_answered_by_the_gateway
    a_stop_ends_the_run_and_the_next_message_is_answered
    messages_during_a_run_wait_their_turn
    a_long_answer_comes_in_numbered_parts
    a_model_error_is_told_and_the_next_message_answered
    slash_tokens_and_names_in_texts_stay_text
}
