//! The network between any two fails, in every way that it can.

use std::time::Duration;

use gateway_tests::{Direction, Gateway, Point, Proxy, Story};

use super::cases::gateway;
use crate::cases::{asked, exactly, times_asked};

/// Something happens to a wire during a run, and to what is said meanwhile; then it heals.
async fn fails(wire: fn(&Story) -> &Proxy, how: impl FnOnce(&Proxy)) {
    let mut story = Story::of_one(gateway().await.1).await;
    story.config["mission_control"]["heartbeat_timeout_seconds"] = 35.into();
    story.config["mission_control"]["request_timeout_seconds"] = 2.into();
    story.connects().await;
    let before = story.asks("SAY:before", exactly("before")).await;
    story.answered(&before).await;
    story.asks("slow one SLOW:4:100", exactly("chunk-1 chunk-2 chunk-3 chunk-4")).await;
    asked(&story.gateway, "slow one").await;
    how(wire(&story));
    story.asks("SAY:meanwhile", exactly("meanwhile")).await;
    // Longer than the run: its end falls into the failure.
    let Gateway::Fake(fake) = &story.gateway else { unreachable!() };
    gateway_tests::until("the run to end", || async {
        (fake.runs().len() >= 2 && fake.runs().values().all(|run| run.ended.is_some())).then_some(())
    })
    .await;
    wire(&story).heal();
    story.asks("SAY:after", exactly("after")).await;
    story.ends_well().await;
    for text in ["SLOW:4:100", "SAY:meanwhile", "SAY:after"] {
        assert_eq!(times_asked(&story.gateway, text), 1, "{text}");
    }
    story.bridge_stops().await;
}

fn to_server(story: &Story) -> &Proxy {
    &story.to_server
}

fn to_gateway(story: &Story) -> &Proxy {
    &story.to_gateway
}

#[tokio::test]
async fn the_wire_to_the_server_is_cut() {
    fails(to_server, Proxy::cut).await;
}

#[tokio::test]
async fn the_wire_to_the_server_breaks_for_a_moment() {
    fails(to_server, Proxy::blink).await;
}

#[tokio::test]
async fn nothing_comes_from_the_server_for_a_while() {
    fails(to_server, |wire| wire.stall(Direction::In)).await;
}

#[tokio::test]
async fn nothing_goes_to_the_server_for_a_while() {
    fails(to_server, |wire| wire.stall(Direction::Out)).await;
}

#[tokio::test]
async fn answers_of_the_server_are_lost() {
    fails(to_server, |wire| wire.lose(Direction::In)).await;
}

#[tokio::test]
async fn requests_to_the_server_are_lost() {
    fails(to_server, |wire| wire.lose(Direction::Out)).await;
}

#[tokio::test]
async fn the_wire_to_the_gateway_is_cut() {
    fails(to_gateway, Proxy::cut).await;
}

#[tokio::test]
async fn the_wire_to_the_gateway_breaks_for_a_moment() {
    fails(to_gateway, Proxy::blink).await;
}

#[tokio::test]
async fn nothing_comes_from_the_gateway_for_a_while() {
    fails(to_gateway, |wire| wire.stall(Direction::In)).await;
}

#[tokio::test]
async fn frames_of_the_gateway_are_lost() {
    fails(to_gateway, |wire| wire.lose(Direction::In)).await;
}

#[tokio::test]
async fn frames_to_the_gateway_are_lost() {
    fails(to_gateway, |wire| wire.lose(Direction::Out)).await;
}

/// Two ticks missed: the connection is dead although nobody has closed it.
#[tokio::test]
async fn a_gateway_that_has_fallen_silent_is_left() {
    let (fake, gateway) = gateway().await;
    fake.configure(|options| options.tick = Duration::from_millis(300));
    let mut story = Story::of_one(gateway).await;
    story.connects().await;
    let mut held = fake.hold(Point::AnswerWritten);
    story.asks("SAY:hello", exactly("hello")).await;
    held.reached().await;
    // `final` is lost in the silence; what is left is in the history.
    story.to_gateway.lose(Direction::In);
    drop(held);
    story.health_says("the bridge to notice", |health| health["gateway_reachable"] == false).await;
    story.to_gateway.heal();
    story.ends_well().await;
    story.bridge_stops().await;
}

#[tokio::test]
async fn an_answer_whose_acknowledgement_is_lost_is_posted_once() {
    let (fake, gateway) = gateway().await;
    let mut story = Story::of_one(gateway).await;
    story.config["mission_control"]["request_timeout_seconds"] = 2.into();
    story.connects().await;
    let mut held = fake.hold(Point::AnswerWritten);
    let id = story.asks("SAY:once", exactly("once")).await;
    held.reached().await;
    story.to_server.lose(Direction::In);
    drop(held);
    // The server has it, the bridge does not know.
    story.answered(&id).await;
    story.to_server.heal();
    story.ends_well().await;
    story.bridge_stops().await;
}
