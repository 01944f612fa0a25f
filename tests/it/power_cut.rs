//! With `durability = full`, what was acknowledged survives a power cut; with `normal` the last
//! moments may go, never the rest.

use crate::crash::{kill_while_writing, writers};
use crate::support::{Dice, Disk, Install};

/// Power cuts at least, and at most until one of them came when there was something to take.
const ROUNDS: usize = 5;
const MOST_ROUNDS: usize = 20;

/// What survives of that which was not synced.
#[derive(Clone, Copy)]
enum Unsynced {
    Nothing,
    /// Any sector may; disks write in an order of their own.
    Some,
}

/// Cuts the power again and again; gives how many bytes and how many acknowledged writes were lost.
async fn cut_again_and_again(durability: &str, unsynced: Unsynced) -> Option<(usize, usize)> {
    let mut dice = Dice::new();
    let (install, disk) = Disk::under(Install::new().with("MC_DURABILITY", durability))?;
    let mut server = install.serve();
    let mut writers = writers(&install, &server).await;
    // A server that stops in order leaves nothing behind that is not synced, whatever its durability.
    server.stop().await;
    assert_eq!(disk.loses_power(|| false), 0);
    server = install.serve();
    writers.meet(&server.base);
    let (mut bytes, mut writes) = (0, 0);

    for round in 0..MOST_ROUNDS {
        let took_something = if durability == "full" { bytes > 0 } else { writes > 0 };
        if round >= ROUNDS && took_something {
            break;
        }
        kill_while_writing(server, &writers, round, &mut dice).await;
        let mut share = dice.below(100);
        if matches!(unsynced, Unsynced::Nothing) {
            share = 0;
        }
        bytes += disk.loses_power(|| dice.below(100) < share);
        assert_eq!(integrity(&install), "ok", "round {round}");

        server = install.serve();
        writers.meet(&server.base);
        let lost = writers.lost().await;
        writers.forget(&lost);
        writes += lost.len();
        writers.check().await;
        writers.retry().await;
    }
    server.stop().await;
    Some((bytes, writes))
}

/// What SQLite's full check says of the files as they lie there; of a copy, for opening mends them.
fn integrity(install: &Install) -> String {
    let copy = tempfile::tempdir().unwrap();
    for name in ["mission-control.db", "mission-control.db-wal", "mission-control.db-journal"] {
        let file = install.dir().join(name);
        if file.exists() {
            std::fs::copy(file, copy.path().join(name)).unwrap();
        }
    }
    let database = rusqlite::Connection::open(copy.path().join("mission-control.db")).unwrap();
    database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_when_nothing_else_does() {
    if let Some((bytes, writes)) = cut_again_and_again("full", Unsynced::Nothing).await {
        assert!(bytes > 0, "the cuts took nothing away, so they prove nothing");
        assert_eq!(writes, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_disk_that_reorders() {
    if let Some((bytes, writes)) = cut_again_and_again("full", Unsynced::Some).await {
        assert!(bytes > 0, "the cuts took nothing away, so they prove nothing");
        assert_eq!(writes, 0);
    }
}

/// Also the proof that these cuts can take something away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_full_durability_the_last_moments_go_and_nothing_else() {
    if let Some((_, writes)) = cut_again_and_again("normal", Unsynced::Nothing).await {
        assert!(writes > 0, "nothing was lost in {MOST_ROUNDS} power cuts");
    }
}
