//! Whatever happens, in whatever order: nothing is out twice and nothing is lost in silence.

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::Config;
use tidings::daemon::desk::Manner;
use tidings::domain::breaker::Scope;
use tidings::domain::post::State;
use tidings::sandbox::{Duplicates, Fault, Target};

use crate::world::{Item, Setup, World, cut, item, rss};

const TWO_LANES: &str = r#"
[[profile]]
name = "main"
platforms = ["twitter", "linkedin"]
min_gap = "30s"

[[feed]]
name = "blog"
url = "SITE/blog"
first_run = "all"
hold_above = 1000
"#;

/// Cases of a default run: each works on a database of its own. `PROPTEST_CASES` raises it.
const CASES: u32 = 30;

fn config() -> Config {
    let asked = Config::default();
    // The library's own default stands for "nothing was asked for".
    let cases = if asked.cases == 256 { CASES } else { asked.cases };
    Config { cases, max_shrink_iters: 400, failure_persistence: None, ..asked }
}

#[derive(Debug, Clone)]
enum Step {
    /// So many new entries.
    Write(u8),
    /// One entry gets another title.
    Edit(Index),
    /// The feed turns its order around from this entry on.
    Reorder(Index),
    /// One fault for so many requests.
    Fault(Fault, u8),
    /// Time passes and all that falls due is done.
    Run(u16),
    /// One tick of each, without any time passing.
    Tick,
    /// The program dies after so many steps of polling, publishing or reconciling.
    Crash(Part, u8),
    /// The clock jumps, by minutes.
    Jump(i16),
    Pause,
    Resume,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Poll,
    Publish,
    Reconcile,
}

/// Every fault but one: without a look at the key, a history that lags lets a second post through,
/// and no client could know.
fn faults() -> Vec<Fault> {
    Fault::ALL.iter().copied().filter(|fault| *fault != Fault::KeyForgotten).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let part = select(&[Part::Poll, Part::Publish, Part::Publish, Part::Reconcile][..]);
    prop_oneof![
        4 => (1_u8..4).prop_map(Step::Write),
        1 => any::<Index>().prop_map(Step::Edit),
        1 => any::<Index>().prop_map(Step::Reorder),
        8 => (select(faults()), 1_u8..4).prop_map(|(fault, times)| Step::Fault(fault, times)),
        4 => (1_u16..300).prop_map(Step::Run),
        4 => Just(Step::Tick),
        5 => (part, 0_u8..40).prop_map(|(part, polls)| Step::Crash(part, polls)),
        2 => (-60_i16..600).prop_map(Step::Jump),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
    ]
}

struct Story {
    world: World,
    items: Vec<Item>,
    written: i32,
}

impl Story {
    async fn begin() -> Self {
        let mut setup = Setup::new(TWO_LANES);
        // A second post is to show in the books, and not to be kept out by its text.
        setup.options.settings.duplicates = Duplicates::Off;
        let mut world = setup.open().await;
        world.releases = true;
        let story = Self { world, items: Vec::new(), written: 0 };
        story.offer();
        story
    }

    fn offer(&self) {
        self.world.offers("/blog", rss(&self.items));
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Write(count) => self.write(count),
            Step::Edit(index) => {
                if !self.items.is_empty() {
                    let edited = index.get_mut(&mut self.items);
                    edited.title.push_str(", now with more");
                    self.offer();
                }
            }
            Step::Reorder(index) => {
                let from = index.index(self.items.len() + 1);
                if let Some(rest) = self.items.get_mut(from..) {
                    rest.reverse();
                }
                self.offer();
            }
            Step::Fault(fault, times) => {
                let seconds = if fault.takes_seconds() { "@900" } else { "" };
                self.world.fault(&format!("{}{seconds}:{times}", fault.name()));
            }
            Step::Run(minutes) => self.world.run_for(TimeDelta::minutes(minutes.into())).await,
            Step::Tick => {
                self.world.poll().await;
                self.world.publish().await;
                self.world.reconcile().await;
            }
            Step::Crash(part, polls) => self.crash(part, polls.into()).await,
            Step::Jump(minutes) => self.world.pass(TimeDelta::minutes(minutes.into())),
            Step::Pause => drop(
                self.world
                    .desk()
                    .pause(&Scope::All, None, Manner::Everything)
                    .await
                    .expect("paused"),
            ),
            Step::Resume => drop(self.world.desk().resume(&Scope::All).await.expect("resumed")),
        }
    }

    fn write(&mut self, count: u8) {
        for _ in 0..count {
            self.written += 1;
            let at = Some(self.world.now());
            self.items.insert(0, Item { at, ..item(self.written) });
        }
        self.offer();
    }

    async fn crash(&mut self, part: Part, polls: usize) {
        if matches!(part, Part::Publish) {
            // There is to be something to publish.
            self.write(1);
            self.world.poll_again("blog").await;
        }
        // Watching for hangs takes steps too: then most cuts would come too early.
        let hangs = |fault| matches!(fault, Fault::Hang | Fault::HangBefore | Fault::Slow);
        self.world.releases = self.world.sandbox.faults().iter().any(|rule| hangs(rule.fault));
        // Whether it got to its end does not matter.
        let _whole = match part {
            Part::Poll => cut(self.world.poll(), polls).await.is_some(),
            Part::Publish => cut(self.world.publish(), polls).await.is_some(),
            Part::Reconcile => cut(self.world.reconcile(), polls).await.is_some(),
        };
        self.world.releases = true;
        self.world.restart().await;
    }

    /// All is well again, and stays so until nothing is left to do.
    async fn end(&mut self) {
        self.world.sandbox.clear_faults();
        self.world.restart().await;
        // What was under way may stop a lane once more.
        for _ in 0..3 {
            self.world.desk().resume(&Scope::All).await.expect("resumed");
            self.world.run_until_quiet().await;
            self.world.poll_again("blog").await;
        }
        self.world.run_until_quiet().await;
    }

    async fn judge(&self) {
        self.world.assert_nothing_twice().await;
        let posts = self.world.posts().await;
        assert_eq!(posts.len(), self.items.len() * 2, "each entry has a post on each lane");
        for post in posts {
            let life = &post.life;
            let settled = match life.state {
                State::Posted => true,
                State::Failed => !life.reason.is_empty(),
                State::Unconfirmed => life.lookups.next_at.is_none() && !life.reason.is_empty(),
                State::Held | State::Queued | State::Sending | State::Skipped | State::Expired => {
                    false
                }
            };
            assert!(settled, "post {} is lost: {life:?}", post.id);
        }
        let out = self.world.published().len();
        assert!(out <= self.items.len() * 2, "{out} are out");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_is_out_twice_and_nothing_is_lost(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut story = Story::begin().await;
            for step in steps {
                story.take(step).await;
            }
            story.end().await;
            story.judge().await;
        });
    }
}

#[test]
fn the_faults_are_those_of_posts_and_of_the_history() {
    let of = |target| faults().into_iter().filter(|fault| fault.target() == target).count();
    assert!(of(Target::Post) >= 40 && of(Target::History) >= 6);
}
