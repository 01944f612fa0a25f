//! A manual is one page for the whole program: every command with its options, then settings, files
//! and exit codes.

use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use mission_control::config::{Default, SECTIONS};

/// `mission-control(1)`.
pub(crate) fn of_the_server(command: Command) -> String {
    let mut page = Page::of(command);
    page.section("SETTINGS");
    page.text(
        "Flags win over variables, those over the configuration file, and that over the defaults. \
         `mission-control config show` prints every value and where it came from. A variable that is empty \
         counts as unset. A secret may also stand in a file, which `…_FILE` behind the variable, or `_file` \
         behind the key, names (`MC_JWT_SECRET_FILE`, `secret_file`).",
    );
    for section in SECTIONS {
        page.roff.control("SS", [format!("[{}]", section.name).as_str()]);
        page.text(&section.about());
        for key in section.keys {
            let default = match key.default {
                Default::Text("") | Default::Unset => String::new(),
                Default::Text(text) => format!(" [default: `{text}`]"),
                Default::Derived(words, _) => format!(" [default: {words}]"),
            };
            page.item(
                vec![bold(key.name), roman(", "), bold(key.variable)],
                &format!("{}{default}", key.about()),
            );
        }
    }
    page.files(&[
        ("./mission-control.toml", "the configuration, where there is one"),
        ("/etc/mission-control/mission-control.toml", "the configuration of the service"),
        ("/var/lib/mission-control", "the data directory of the service: all that has to be backed up"),
        (
            "setup-token",
            "in the data directory until the first organization is made: what the setup link needs",
        ),
        ("admin.sock", "in the data directory: how commands reach the server that runs"),
    ]);
    page.exit_codes(&[
        ("64", "wrong arguments"),
        ("65", "what was given is refused; a database that is damaged, or of a newer version"),
        ("66", "a file that was named cannot be read"),
        ("69", "something that is needed is not there: a port, a server, a disk"),
        ("70", "a fault of the program"),
        ("75", "busy now: another process holds the data directory"),
        ("77", "not for this user"),
        ("78", "the configuration is wrong"),
    ]);
    page.see_also(&["mc-bridge(1)", "systemctl(1)", "journalctl(1)"])
}

/// `mc-bridge(1)`.
pub(crate) fn of_the_bridge(command: Command) -> String {
    let mut page = Page::of(command);
    page.section("SIGNALS");
    page.item(
        vec![bold("SIGHUP")],
        "reads the secrets anew; a changed secrets file is noticed by itself, too",
    );
    page.item(
        vec![bold("SIGTERM"), roman(", "), bold("SIGINT")],
        "sends what waits, for 15 seconds at most, and ends",
    );
    page.files(&[
        ("./comms-bridge.yaml", "the configuration, where there is one"),
        ("/etc/openclaw/comms-bridge.yaml", "the configuration of the service; explains every key"),
        (
            "/etc/openclaw/mc-bridge.secrets",
            "lines `NAME=value`; only the user that runs the bridge may read it",
        ),
        ("/var/lib/mc-bridge", "the state of the service: what must outlive a restart"),
    ]);
    page.exit_codes(&[
        ("64", "wrong arguments"),
        ("65", "the state is of a newer version"),
        ("69", "something that is needed is not there: the server, the Gateway, a port, a disk"),
        ("75", "busy now: another bridge holds the state"),
        ("77", "what is there is not for this bridge: a key or a token that is refused"),
        ("78", "the configuration is wrong, or a secret is missing"),
    ]);
    page.see_also(&["mission-control(1)", "systemctl(1)", "journalctl(1)"])
}

/// A manual that grows from top to bottom.
struct Page {
    name: String,
    roff: Roff,
    top: Vec<u8>,
}

impl Page {
    /// What the command line says of itself.
    fn of(mut command: Command) -> Page {
        command.build();
        let name = command.get_name().to_owned();
        let man = Man::new(command.clone()).section("1").source("Mission Control").manual("Mission Control");
        let mut top = Vec::new();
        man.render_title(&mut top)
            .and_then(|()| man.render_name_section(&mut top))
            .expect("memory takes everything");
        let mut page = Page { name, roff: Roff::new(), top };
        page.section("SYNOPSIS");
        page.roff.text([
            bold(&*page.name),
            roman(" ["),
            italic("OPTIONS"),
            roman("] ["),
            italic("COMMAND"),
            roman("]"),
        ]);
        page.section("OPTIONS");
        command.get_arguments().for_each(|arg| page.argument(arg));
        page.section("COMMANDS");
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            page.command(command);
        }
        page.examples(&command);
        page
    }

    fn section(&mut self, title: &str) {
        self.roff.control("SH", [title]);
    }

    /// A command, or those below it.
    fn command(&mut self, command: &Command) {
        if command.has_subcommands() {
            command
                .get_subcommands()
                .filter(|command| command.get_name() != "help")
                .for_each(|command| self.command(command));
            return;
        }
        let own: Vec<&Arg> =
            command.get_arguments().filter(|arg| !arg.is_global_set() && arg.get_id() != "help").collect();
        let mut title = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
        for arg in own.iter().filter(|arg| arg.is_positional() || arg.is_required_set()) {
            title = format!("{title} {}", arg.to_string().replace(['<', '>'], ""));
        }
        self.roff.control("SS", [title.as_str()]);
        self.text(&command.get_about().map(ToString::to_string).unwrap_or_default());
        for arg in own {
            self.argument(arg);
        }
    }

    fn argument(&mut self, arg: &Arg) {
        let mut name = Vec::new();
        if let Some(short) = arg.get_short() {
            name.extend([bold(format!("-{short}")), roman(", ")]);
        }
        if let Some(long) = arg.get_long() {
            name.push(bold(format!("--{long}")));
        }
        for value in arg.get_value_names().into_iter().flatten() {
            if arg.get_action().takes_values() {
                name.push(roman(if name.is_empty() { "" } else { " " }));
                name.push(italic(value.as_str()));
            }
        }
        let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let values: Vec<_> =
            arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
        if arg.get_action().takes_values() && !values.is_empty() {
            text = format!("{text}: {}", values.join(", "));
        }
        for default in arg.get_default_values().iter().filter(|_| arg.get_action().takes_values()) {
            text = format!("{text} [default: `{}`]", default.to_string_lossy());
        }
        self.item(name, &text);
    }

    fn item(&mut self, name: Vec<Inline>, text: &str) {
        self.roff.control("TP", []);
        self.roff.text(name);
        self.text(text);
    }

    /// A paragraph; what stands between backticks is bold.
    fn text(&mut self, text: &str) {
        let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
        let inlines: Vec<_> =
            parts.map(|(number, part)| if number % 2 == 1 { bold(part) } else { roman(part) }).collect();
        self.roff.text(inlines);
    }

    fn examples(&mut self, command: &Command) {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let Some(lines) = text.strip_prefix("Examples:\n") else { return };
        self.section("EXAMPLES");
        for line in lines.lines() {
            let (what, why) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
            self.item(vec![bold(what)], why.trim());
        }
    }

    fn files(&mut self, files: &[(&str, &str)]) {
        self.section("FILES");
        for (name, text) in files {
            self.item(vec![italic(*name)], text);
        }
    }

    fn exit_codes(&mut self, codes: &[(&str, &str)]) {
        self.section("EXIT STATUS");
        self.item(vec![bold("0")], "all is well");
        for (code, text) in codes {
            self.item(vec![bold(*code)], text);
        }
    }

    /// The last section; gives the page.
    fn see_also(mut self, pages: &[&str]) -> String {
        self.section("SEE ALSO");
        self.text(&format!("{}.", pages.join(", ")));
        let top = String::from_utf8(self.top).expect("names and texts are UTF-8");
        let page = format!("{top}{}", self.roff.render());
        assert!(page.contains(&self.name), "a manual names its program");
        page
    }
}
