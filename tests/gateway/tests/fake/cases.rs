//! What holds with either Gateway, on the fake one.

use gateway_tests::Gateway;
use gateway_tests::fake::{FakeGateway, Options};

use crate::cases;

pub(crate) async fn gateway() -> (FakeGateway, Gateway) {
    let fake = FakeGateway::start(Options::default()).await;
    (fake.clone(), Gateway::Fake(fake))
}

macro_rules! on_the_fake {
    ($($case:ident)*) => {$(
        #[tokio::test]
        async fn $case() {
            cases::$case(gateway().await.1).await;
        }
    )*};
}

on_the_fake! {
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
