//! What the demo's organization looks like: data alone.

use mission_control_shared::{EvidenceType, Priority, ProjectStage, ProjectType, TaskStatus, TaskType};

use EvidenceType::{DocUrl, PrLink, TestResults};
use Priority::{Critical, High, Low, Medium};
use TaskStatus::{Backlog, Complete, InProgress, InReview};
use TaskType::{Bug, Chore, Feature};

/// People beside the one who signs in: handle, name.
pub(super) const PEOPLE: [(&str, &str); 3] =
    [("ben", "Ben Okafor"), ("chiara", "Chiara Rossi"), ("dmitri", "Dmitri Sokolov")];

/// Agents: handle, name.
pub(super) const AGENTS: [(&str, &str); 3] = [("kay", "Kay"), ("iris", "Iris"), ("otto", "Otto")];

/// A project.
pub(super) struct ProjectStory {
    pub(super) name: &'static str,
    pub(super) kind: ProjectType,
    pub(super) stage: ProjectStage,
    pub(super) description: &'static str,
    pub(super) link: (&'static str, &'static str),
    pub(super) members: &'static [&'static str],
}

pub(super) const PROJECTS: [ProjectStory; 6] = [
    ProjectStory {
        name: "Storefront",
        kind: ProjectType::Software,
        stage: ProjectStage::Development,
        description: "The new shop front: faster, calmer, and **usable with one thumb**.\n\n- Checkout in three steps\n- Search that forgives a typo\n- Pages that load in under a second",
        link: ("Repository", "https://git.example.org/storefront"),
        members: &["ben", "chiara", "kay", "iris"],
    },
    ProjectStory {
        name: "Mobile app",
        kind: ProjectType::Software,
        stage: ProjectStage::Testing,
        description: "The companion app. Beta testers get a build every Friday.",
        link: ("Builds", "https://builds.example.org/mobile"),
        members: &["chiara", "kay", "iris"],
    },
    ProjectStory {
        name: "Handbook",
        kind: ProjectType::Docs,
        stage: ProjectStage::Adoption,
        description: "How we work, written down. Everything that was explained twice belongs here.",
        link: ("Site", "https://handbook.example.org"),
        members: &["ben", "dmitri", "otto"],
    },
    ProjectStory {
        name: "Launch week",
        kind: ProjectType::Launch,
        stage: ProjectStage::Poc,
        description: "Five days, five announcements. The date is fixed, the scope is not.",
        link: ("Plan", "https://docs.example.org/launch-week"),
        members: &["dmitri", "otto", "kay"],
    },
    ProjectStory {
        name: "Billing",
        kind: ProjectType::Software,
        stage: ProjectStage::Maintenance,
        description: "Invoices and payments. Boring on purpose.",
        link: ("Runbook", "https://docs.example.org/billing"),
        members: &["ben", "kay", "iris"],
    },
    ProjectStory {
        name: "Recommendations",
        kind: ProjectType::Software,
        stage: ProjectStage::Definition,
        description: "People who bought this … Is it worth building? Two weeks to find out.",
        link: ("Notes", "https://docs.example.org/recommendations"),
        members: &["chiara", "iris"],
    },
];

/// A task. `waits_for` is the title of another that comes before it here.
pub(super) struct TaskStory {
    pub(super) project: usize,
    pub(super) title: &'static str,
    pub(super) kind: TaskType,
    pub(super) priority: Priority,
    pub(super) status: TaskStatus,
    pub(super) assignee: Option<&'static str>,
    pub(super) needs: &'static [EvidenceType],
    pub(super) waits_for: Option<&'static str>,
}

const fn task(
    project: usize,
    title: &'static str,
    kind: TaskType,
    priority: Priority,
    status: TaskStatus,
) -> TaskStory {
    TaskStory { project, title, kind, priority, status, assignee: None, needs: &[], waits_for: None }
}

impl TaskStory {
    const fn by(self, handle: &'static str) -> TaskStory {
        TaskStory { assignee: Some(handle), ..self }
    }

    const fn needs(self, needs: &'static [EvidenceType]) -> TaskStory {
        TaskStory { needs, ..self }
    }

    const fn after(self, title: &'static str) -> TaskStory {
        TaskStory { waits_for: Some(title), ..self }
    }
}

#[rustfmt::skip]
pub(super) const TASKS: [TaskStory; 40] = [
    task(0, "Choose a payment provider", Chore, High, Complete).by("ben").needs(&[DocUrl]),
    task(0, "Product page loads in under a second", Feature, High, Complete).by("kay").needs(&[PrLink, TestResults]),
    task(0, "Basket survives a closed tab", Feature, Medium, Complete).by("kay").needs(&[PrLink]),
    task(0, "Prices show the wrong currency for visitors from Norway", Bug, Critical, InReview).by("kay").needs(&[PrLink]),
    task(0, "Checkout in three steps", Feature, High, InProgress).by("kay").needs(&[PrLink, TestResults]),
    task(0, "Guest checkout", Feature, Medium, Backlog).needs(&[PrLink]).after("Checkout in three steps"),
    task(0, "Search forgives one typo", Feature, Medium, InProgress).by("iris").needs(&[PrLink]),
    task(0, "Empty search result offers something to click", Feature, Low, Backlog).after("Search forgives one typo"),
    task(0, "Replace the carousel on the home page", Chore, Low, Backlog),
    task(0, "Images have text for screen readers", Feature, Medium, Backlog).by("chiara"),
    task(1, "Push notifications on Android", Feature, High, Complete).by("kay").needs(&[PrLink]),
    task(1, "Sign in with a passkey", Feature, High, InReview).by("iris").needs(&[PrLink, TestResults]),
    task(1, "Crash when the camera permission is denied", Bug, Critical, InProgress).by("kay").needs(&[PrLink]),
    task(1, "Dark mode follows the system", Feature, Low, Complete).by("iris"),
    task(1, "Offline basket", Feature, Medium, Backlog).needs(&[PrLink]),
    task(1, "Beta notes for build 42", Chore, Low, Complete).by("chiara").needs(&[DocUrl]),
    task(1, "Beta notes for build 43", Chore, Low, Backlog).by("otto").needs(&[DocUrl]),
    task(1, "Tablet layout wastes half of the screen", Bug, Medium, Backlog),
    task(2, "How we review code", Feature, Medium, Complete).by("dmitri").needs(&[DocUrl]),
    task(2, "How we answer incidents", Feature, High, InReview).by("otto").needs(&[DocUrl]),
    task(2, "Onboarding: the first week", Feature, Medium, InProgress).by("otto").needs(&[DocUrl]),
    task(2, "Glossary", Chore, Low, Backlog).by("otto"),
    task(2, "Broken links in the travel chapter", Bug, Low, Complete).by("otto"),
    task(2, "Ask every team for one missing page", Chore, Medium, Backlog).by("ben"),
    task(3, "Fix the date", Chore, Critical, Complete).by("dmitri"),
    task(3, "Press kit", Feature, High, InProgress).by("otto").needs(&[DocUrl]),
    task(3, "Landing page for each day", Feature, High, Backlog).by("kay").needs(&[PrLink]).after("Press kit"),
    task(3, "Load test for ten times the usual traffic", Chore, High, Backlog).by("kay").needs(&[TestResults]),
    task(3, "Draft the five announcements", Feature, Medium, InReview).by("dmitri").needs(&[DocUrl]),
    task(3, "Book the livestream", Chore, Medium, Complete).by("dmitri"),
    task(4, "Invoices round half a cent the wrong way", Bug, Critical, Complete).by("kay").needs(&[PrLink, TestResults]),
    task(4, "Rotate the bank's certificate", Chore, High, InProgress).by("ben"),
    task(4, "Reminder mails go out twice", Bug, High, InReview).by("iris").needs(&[PrLink]),
    task(4, "Export for the accountant", Feature, Low, Backlog),
    task(4, "Delete payment data after ten years", Chore, Medium, Backlog).by("ben").needs(&[DocUrl]),
    task(5, "Ask twelve customers", Chore, High, InProgress).by("chiara").needs(&[DocUrl]),
    task(5, "What do others do?", Chore, Medium, Complete).by("iris").needs(&[DocUrl]),
    task(5, "Prototype with last year's orders", Feature, Medium, Backlog).by("iris").needs(&[PrLink]).after("Ask twelve customers"),
    task(5, "Decide", Chore, High, Backlog).by("chiara").after("Prototype with last year's orders"),
    task(5, "Privacy review", Chore, High, Backlog).by("ben").needs(&[DocUrl]),
];

/// Something that was said: hours ago, the project (`None` = `general`), who, what, and whether it
/// answers what was said before it in the same channel.
pub(super) type SaidStory = (u32, Option<usize>, &'static str, &'static str, bool);

#[rustfmt::skip]
pub(super) const TALK: [SaidStory; 40] = [
    (170, None, "ada", "Welcome, everybody. This is where we work from now on: boards for what is to be done, channels for talking about it.", false),
    (169, None, "ben", "Nice. Do the agents read along here?", true),
    (169, None, "ada", "They are told when somebody needs them. Write `@kay` and Kay answers.", true),
    (168, None, "kay", "I am here. I take tasks of *Storefront*, *Mobile app* and *Billing*.", true),
    (150, Some(0), "chiara", "The product page feels slow on my phone. Four seconds until the price is there.", false),
    (149, Some(0), "kay", "Measured it: 3.9 s on a slow connection, 2.7 s of them are images. I make a task of it.", true),
    (131, Some(0), "kay", "The product page is at **0.8 s** now. Images come in the size that is shown, and the price no longer waits for them.", false),
    (130, Some(0), "chiara", "I see it. Thank you!", true),
    (120, Some(4), "ben", "A customer says that her invoice is one cent off. Can that be?", false),
    (119, Some(4), "kay", "Yes: we round half a cent to even, the tax office rounds up. 41 invoices of this year are affected. The fix is in review.", true),
    (118, Some(4), "iris", "Reviewed: the tests cover both currencies with three decimals, too. Good to go.", true),
    (96, Some(1), "chiara", "Build 42 is out to the testers.", false),
    (95, Some(1), "iris", "I watch the crash reports. Nothing new in the first hour.", true),
    (80, Some(2), "dmitri", "Could somebody write down how we answer incidents? I explained it three times this month.", false),
    (79, Some(2), "otto", "I collect what was said in the last four incidents and make a draft of it.", true),
    (72, Some(3), "dmitri", "The date is fixed: the second week of March.", false),
    (71, Some(3), "kay", "Then the load test should happen in February. I added a task.", true),
    (60, Some(5), "chiara", "I talk to twelve customers until Friday. Question one: did a recommendation ever help you?", false),
    (59, Some(5), "iris", "I looked at what others do. Three of five show recommendations only in the basket. The notes are linked in the task.", true),
    (48, Some(0), "ben", "Somebody in Norway sees prices in euros?!", false),
    (47, Some(0), "kay", "Reproduced: the currency comes from the language, not from the country. It is critical, I begin now.", true),
    (30, Some(1), "chiara", "Two testers cannot sign in with a passkey on old Android versions.", false),
    (29, Some(1), "iris", "Known: versions before 9 have no passkeys. I show the password field there. In review.", true),
    (26, Some(2), "otto", "The incident page is ready for review. It fits on one screen.", false),
    (25, Some(2), "ben", "Read it. The phone number of the on-call person is missing, otherwise perfect.", true),
    (24, Some(2), "otto", "Added.", true),
    (22, Some(4), "iris", "Reminder mails went out twice when the job was restarted. It keeps a note of what it has sent now.", false),
    (20, None, "dmitri", "Who can look at the livestream offer with me tomorrow?", false),
    (19, None, "ada", "I can, at ten.", true),
    (8, Some(0), "kay", "Checkout: step one and two work end to end on staging. Step three waits for the provider's test account.", false),
    (7, Some(0), "ben", "You have mail with the account.", true),
    (7, Some(0), "kay", "Got it, thanks. I go on with step three.", true),
    (6, Some(3), "otto", "First version of the press kit: two logos, three screenshots, one page of facts. Feedback welcome.", false),
    (5, Some(3), "dmitri", "Good start. Bigger screenshots, please.", true),
    (4, Some(5), "chiara", "Nine of twelve interviews done. People like recommendations *after* they bought something, not before.", false),
    (4, Some(5), "iris", "That changes the prototype: the page after checkout instead of the product page.", true),
    (3, Some(1), "kay", "The crash with the denied camera permission: I can reproduce it. We ask for the picture before we ask for the permission.", false),
    (2, Some(1), "chiara", "Ouch. Can it go into build 43?", true),
    (2, Some(1), "kay", "Yes.", true),
    (1, None, "ada", "Good morning! Board review at eleven.", false),
];

/// New tasks that the agents think of when little is left to do.
pub(super) const IDEAS: [(usize, &str, TaskType, Priority); 12] = [
    (0, "Remember the delivery address", Feature, Medium),
    (0, "Footer links to a page that is gone", Bug, Low),
    (0, "Gift cards show a balance", Feature, Medium),
    (1, "Scrolling stutters on old phones", Bug, Medium),
    (1, "Share a product with a friend", Feature, Low),
    (4, "Invoice PDF names the order's date", Bug, Medium),
    (4, "Refund without a phone call", Feature, High),
    (0, "Search finds article numbers", Feature, Medium),
    (1, "Larger touch targets in the basket", Chore, Medium),
    (0, "Measure what slows the home page down", Chore, Low),
    (4, "Retry a payment that timed out", Bug, High),
    (1, "Settings survive a reinstall", Feature, Low),
];
