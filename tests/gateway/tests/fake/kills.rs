//! Somebody dies, at every moment that there is.

use std::time::Duration;

use gateway_tests::check::Answer;
use gateway_tests::fake::{FakeGateway, Options};
use gateway_tests::{Gateway, Point, STEPS, Story};

use super::cases::gateway;
use crate::cases::{asked, exactly, times_asked, unique};

/// One message before, one at which the bridge dies, one after; the bridge starts again.
async fn the_bridge_dies_at(step: &str) {
    let (fake, gateway) = gateway().await;
    let mut story = Story::of_one(gateway).await;
    // What the second message reaches: each step is reached once for each message.
    story.starts_to_die_at(&format!("{step}:2"));
    story.is_connected().await;
    let before = story.asks("SAY:before", exactly("before")).await;
    story.answered(&before).await;
    story.asks("Now it dies. SAY:meanwhile", exactly("meanwhile")).await;
    story.bridge_dies().await;
    story.asks("SAY:after", exactly("after")).await;
    story.connects().await;
    story.ends_well().await;
    assert_eq!(times_asked(&story.gateway, "SAY:meanwhile"), 1, "{step}: the model was asked once");
    assert_eq!(fake.connections(), 1);
    story.bridge_stops().await;
}

#[tokio::test]
async fn the_bridge_dies_before_an_event_is_stored() {
    the_bridge_dies_at(STEPS[0]).await;
}

#[tokio::test]
async fn the_bridge_dies_when_an_event_is_stored() {
    the_bridge_dies_at(STEPS[1]).await;
}

#[tokio::test]
async fn the_bridge_dies_when_a_delivery_is_durable() {
    the_bridge_dies_at(STEPS[2]).await;
}

#[tokio::test]
async fn the_bridge_dies_when_a_message_is_sent() {
    the_bridge_dies_at(STEPS[3]).await;
}

#[tokio::test]
async fn the_bridge_dies_when_a_message_is_acknowledged() {
    the_bridge_dies_at(STEPS[4]).await;
}

#[tokio::test]
async fn the_bridge_dies_when_a_run_has_ended() {
    the_bridge_dies_at(STEPS[5]).await;
}

#[tokio::test]
async fn the_bridge_dies_when_an_answer_is_stored() {
    the_bridge_dies_at(STEPS[6]).await;
}

#[tokio::test]
async fn the_bridge_dies_when_an_answer_is_posted() {
    the_bridge_dies_at(STEPS[7]).await;
}

#[tokio::test]
async fn the_bridge_dies_when_an_answer_is_done() {
    the_bridge_dies_at(STEPS[8]).await;
}

#[tokio::test]
async fn the_bridge_is_killed_while_a_run_goes_on_and_comes_back_after_it() {
    let mut story = Story::of_one(gateway().await.1).await;
    story.connects().await;
    let id = story.asks("slow one SLOW:5:100", exactly("chunk-1 chunk-2 chunk-3 chunk-4 chunk-5")).await;
    asked(&story.gateway, "slow one").await;
    story.bridge_is_killed();
    let Gateway::Fake(fake) = &story.gateway else { unreachable!() };
    gateway_tests::until("the run to end", || async {
        fake.runs().values().any(|run| run.ended.is_some()).then_some(())
    })
    .await;
    story.connects().await;
    story.answered(&id).await;
    story.ends_well().await;
    assert_eq!(times_asked(&story.gateway, "SLOW:5:100"), 1);
    story.bridge_stops().await;
}

/// The Gateway dies when the second message's run is at this point; the fake's table says what is left.
async fn the_gateway_dies_at(point: Point, is_new_session: bool) -> Story {
    let (fake, gateway) = gateway().await;
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    if !is_new_session {
        let before = story.asks("SAY:before", exactly("before")).await;
        story.answered(&before).await;
        story.settles().await;
    }
    let mut held = fake.hold(point);
    let answer = match point {
        // The Gateway goes on with it in its own words.
        Point::ModelStarted => Answer::With("MOCK-REPLY".to_owned()),
        _ => exactly("meanwhile"),
    };
    story.asks("Now it dies. SAY:meanwhile", answer).await;
    held.reached().await;
    story.gateway.kill().await;
    story.asks("SAY:after", exactly("after")).await;
    story.gateway_starts().await;
    story.ends_well().await;
    story.bridge_stops().await;
    story
}

#[tokio::test]
async fn the_gateway_dies_with_the_first_message_of_a_session_acknowledged() {
    let story = the_gateway_dies_at(Point::Acked, true).await;
    assert_eq!(times_asked(&story.gateway, "SAY:meanwhile"), 1);
}

#[tokio::test]
async fn the_gateway_dies_with_a_message_acknowledged_that_it_then_refuses() {
    let story = the_gateway_dies_at(Point::Acked, false).await;
    assert_eq!(times_asked(&story.gateway, "SAY:meanwhile"), 1);
}

#[tokio::test]
async fn the_gateway_dies_before_the_model_is_asked() {
    let story = the_gateway_dies_at(Point::RowWritten, false).await;
    assert_eq!(times_asked(&story.gateway, "SAY:meanwhile"), 1);
    the_gateway_dies_at(Point::RowWritten, true).await;
}

#[tokio::test]
async fn the_gateway_dies_while_the_model_speaks() {
    let story = the_gateway_dies_at(Point::ModelStarted, false).await;
    assert_eq!(times_asked(&story.gateway, "SAY:meanwhile"), 1, "the bridge sends nothing again");
    the_gateway_dies_at(Point::ModelStarted, true).await;
}

#[tokio::test]
async fn the_gateway_dies_when_the_answer_is_written() {
    let story = the_gateway_dies_at(Point::AnswerWritten, false).await;
    assert_eq!(times_asked(&story.gateway, "SAY:meanwhile"), 1);
}

#[tokio::test]
async fn the_gateway_is_stopped_during_a_run() {
    let mut story = Story::of_one(gateway().await.1).await;
    story.connects().await;
    story.asks("slow one SLOW:6:100", exactly("chunk-1 chunk-2 chunk-3 chunk-4 chunk-5 chunk-6")).await;
    asked(&story.gateway, "slow one").await;
    story.asks("SAY:meanwhile", exactly("meanwhile")).await;
    story.gateway.stop().await;
    story.asks("SAY:after", exactly("after")).await;
    story.gateway_starts().await;
    story.ends_well().await;
    story.bridge_stops().await;
}

#[tokio::test]
async fn a_long_answer_that_only_the_history_has_is_whole() {
    let (fake, gateway) = gateway().await;
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    let mut held = fake.hold(Point::AnswerWritten);
    let whole: Vec<String> = (1..=3_000).map(|number| format!("chunk-{number}")).collect();
    story.asks("SLOW:3000:0", Answer::Exactly(whole.join(" "))).await;
    held.reached().await;
    story.gateway.kill().await;
    story.gateway_starts().await;
    story.ends_well().await;
    story.bridge_stops().await;
}

#[tokio::test]
async fn the_server_is_killed_during_a_run_and_when_answers_wait() {
    let mut story = Story::of_one(gateway().await.1).await;
    story.connects().await;
    story.asks("slow one SLOW:5:60", exactly("chunk-1 chunk-2 chunk-3 chunk-4 chunk-5")).await;
    story.asks("SAY:second", exactly("second")).await;
    asked(&story.gateway, "slow one").await;
    story.hub.kill();
    let Gateway::Fake(fake) = &story.gateway else { unreachable!() };
    // The answer waits in the bridge while there is no server.
    gateway_tests::until("the run to end", || async {
        fake.runs().values().any(|run| run.ended.is_some()).then_some(())
    })
    .await;
    story.server_is_killed_and_starts().await;
    story.asks("SAY:third", exactly("third")).await;
    story.ends_well().await;
    story.bridge_stops().await;
}

#[tokio::test]
async fn the_server_is_killed_again_and_again_while_people_write() {
    let mut story = Story::of_one(gateway().await.1).await;
    story.connects().await;
    for round in 0..4 {
        for number in 0..5 {
            let text = format!("{round}.{number}");
            story.asks(&format!("SAY:{text}"), exactly(&text)).await;
        }
        story.server_is_killed_and_starts().await;
    }
    story.ends_well().await;
    story.bridge_stops().await;
}

#[tokio::test]
async fn all_three_die_at_once() {
    let (fake, gateway) = gateway().await;
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    let before = story.asks("SAY:before", exactly("before")).await;
    story.answered(&before).await;
    let mut held = fake.hold(Point::RowWritten);
    let word = unique("meanwhile");
    story.asks(&format!("SAY:{word}"), exactly(&word)).await;
    held.reached().await;
    story.bridge_is_killed();
    story.gateway.kill().await;
    story.hub.kill();
    story.server_is_killed_and_starts().await;
    story.gateway_starts().await;
    story.asks("SAY:after", exactly("after")).await;
    story.connects().await;
    story.ends_well().await;
    assert_eq!(times_asked(&story.gateway, &format!("SAY:{word}")), 1);
    story.bridge_stops().await;
}

#[tokio::test]
async fn a_stop_of_the_bridge_leaves_the_run_to_the_gateway() {
    let mut story = Story::of_one(gateway().await.1).await;
    story.connects().await;
    story.asks("slow one SLOW:10:100", Answer::With("chunk-10".to_owned())).await;
    asked(&story.gateway, "slow one").await;
    let begun = std::time::Instant::now();
    story.bridge_stops().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "it takes {:?} to stop", begun.elapsed());
    story.connects().await;
    story.ends_well().await;
    assert_eq!(times_asked(&story.gateway, "SLOW:10:100"), 1);
    story.bridge_stops().await;
}

#[tokio::test]
async fn a_gateway_that_starts_slowly_is_waited_for() {
    let starting = Options { starting: Duration::from_secs(2), ..Options::default() };
    let mut story = Story::of_one(Gateway::Fake(FakeGateway::start(starting).await)).await;
    story.connects().await;
    story.asks("SAY:hello", exactly("hello")).await;
    story.ends_well().await;
    story.bridge_stops().await;
}
