//! What is generated from the keys of the configuration is up to date.

use mission_control::config::{SECTIONS, reference};

/// Writes `text` where `MC_BLESS` asks for it, and compares.
fn is_reviewed(path: &str, of_file: impl Fn(&str) -> String) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let now = of_file(&reviewed);
    if std::env::var_os("MC_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
        return;
    }
    assert!(now == reviewed, "{} is not what the keys say: run `tests/bless reference`", path.display());
}

#[test]
fn the_reference_of_settings_is_that_of_the_keys() {
    is_reviewed("packaging/mission-control.toml", |_| reference::sample());
    is_reviewed("README.md", |readme| {
        let (begin, end) = ("<!-- settings: written by tests/bless -->\n", "<!-- end of settings -->\n");
        let (before, rest) = readme.split_once(begin).expect("the README has a place for the settings");
        let (_, after) = rest.split_once(end).expect("the place ends");
        format!("{before}{begin}{}{end}{after}", reference::table())
    });
}

#[test]
fn the_sample_file_names_every_key_and_is_valid_with_each_of_them() {
    let sample = reference::sample();
    let set: toml::Table = sample.parse().unwrap();
    assert_eq!(set.len(), SECTIONS.len());
    // With every key in use, as if the marks of comments were taken away.
    let all: String = sample
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let all: toml::Table = all.parse().unwrap();
    for section in SECTIONS {
        for key in section.keys {
            let name = if key.is_secret { key.file_name() } else { key.name.to_owned() };
            assert!(all[section.name].get(&name).is_some(), "`{name}` in `[{}]`", section.name);
        }
    }
    let install = crate::support::Install::new();
    let file = install.beside("sample.toml");
    let without_secrets: String = all
        .iter()
        .map(|(name, section)| {
            let mut section = section.as_table().unwrap().clone();
            section.retain(|key, _| !key.ends_with("_file"));
            format!("[{name}]\n{section}\n")
        })
        .collect();
    std::fs::write(&file, without_secrets).unwrap();
    install.run(&["config", "show", "--config", file.to_str().unwrap()]).succeeds();
}
