//! A server that is killed loses nothing that it has acknowledged, and does nothing twice.

use std::time::Duration;

use crate::support::{Dice, Install, Process, Writers};

/// Writers that write at once.
const WRITERS: usize = 8;

/// Agents, so that a writer's credentials need no renewal.
pub(crate) async fn writers(install: &Install, server: &Process) -> Writers {
    let acme = install.tenant(server, "acme").await;
    let mut agents = Vec::new();
    for number in 0..WRITERS {
        agents.push(acme.agent(&format!("writer-{number}")).await);
    }
    let channel = acme.admin.general().await;
    Writers::new(agents, acme.admin, channel)
}

/// Lets the writers write, and kills the server after this many acknowledgements and a moment.
pub(crate) async fn kill_while_writing(server: Process, writers: &Writers, round: usize, dice: &mut Dice) {
    let enough = writers.acknowledged() + usize::try_from(dice.below(150)).unwrap();
    let moment = Duration::from_micros(dice.below(5_000));
    let kill = async {
        while writers.acknowledged() < enough {
            tokio::task::yield_now().await;
        }
        // Not a wait: anywhere between two acknowledgements.
        tokio::time::sleep(moment).await;
        server.kill();
    };
    tokio::join!(writers.write(round), kill);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_has_everything_that_it_acknowledged_and_nothing_twice() {
    let mut dice = Dice::new();
    let install = Install::new().with("MC_DURABILITY", "full");
    let mut server = install.serve();
    let mut writers = writers(&install, &server).await;

    for round in 0..15 {
        kill_while_writing(server, &writers, round, &mut dice).await;
        server = install.serve();
        writers.meet(&server.base);
        assert_eq!(writers.lost().await, [""; 0], "round {round}");
        writers.check().await;
        writers.retry().await;
    }
    assert_eq!(writers.lost().await, [""; 0]);
    writers.check().await;
    assert!(writers.acknowledged() > 300, "the writers did not come to write");
    server.stop().await;
}
