//! What a section and a key are, and the macro that a section is written in.

use super::load::Environment;
use super::value::Value;

/// A table of `mission-control.toml`.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The table's name.
    pub name: &'static str,
    /// Its documentation, line by line.
    pub(super) about: &'static [&'static str],
    /// Its keys, in the order in which they are shown.
    pub keys: &'static [Key],
}

/// One key of a section.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it stands in its table.
    pub name: &'static str,
    /// Its documentation, line by line.
    pub(super) about: &'static [&'static str],
    /// The variable that sets it.
    pub variable: &'static str,
    /// The flag that sets it, without its dashes, and what stands for the value in the help.
    pub flag: Option<(&'static str, &'static str)>,
    /// What it was called when the file had no tables; still accepted there.
    pub former: Option<&'static str>,
    /// What it is when nothing sets it.
    pub default: Default,
    /// What the sample file shows when that is not the default, as TOML. Of a secret: the path of its file.
    pub sample: Option<&'static str>,
    /// Whether the sample file sets it; the other keys stand there as comments.
    pub is_set_in_sample: bool,
    /// Refuses a value that its type allows, in a message that begins with "must"; returns the part of
    /// the text that counts.
    pub check: fn(&str) -> Result<&str, String>,
    /// Whether it is a secret: never shown, and may also come from the file that `…_FILE` or `…_file` names.
    pub is_secret: bool,
    /// Whether TOML has quotes around it.
    pub(super) is_quoted: bool,
    /// The text of a value in the file; the error says what it must be.
    pub(super) text_of: fn(&toml::Value) -> Result<String, String>,
}

/// Where a default comes from.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// This text.
    Text(&'static str),
    /// The key may be left out.
    Unset,
    /// Computed from the environment and from the keys before it; the words say how.
    Derived(&'static str, fn(&Environment, &Before<'_>) -> Option<String>),
}

/// The text of a key that stands before, by section and name.
pub type Before<'a> = dyn Fn(&str, &str) -> Option<String> + 'a;

impl Key {
    /// A key with what follows from its type.
    pub(super) const fn of<T: Value>(name: &'static str, about: &'static [&'static str]) -> Key {
        Key {
            name,
            about,
            variable: "",
            flag: None,
            former: None,
            default: Default::Unset,
            sample: None,
            is_set_in_sample: false,
            check: |text| Ok(text),
            is_secret: T::IS_SECRET,
            is_quoted: T::IS_QUOTED,
            text_of: T::text_of,
        }
    }

    /// Its documentation.
    pub fn about(&self) -> String {
        joined(self.about)
    }

    /// The variable that names the file of a secret.
    pub fn file_variable(&self) -> String {
        format!("{}_FILE", self.variable)
    }

    /// The key that names the file of a secret.
    pub fn file_name(&self) -> String {
        format!("{}_file", self.name)
    }
}

impl Section {
    pub(super) const fn new(
        name: &'static str,
        about: &'static [&'static str],
        keys: &'static [Key],
    ) -> Section {
        Section { name, about, keys }
    }

    /// Its documentation.
    pub fn about(&self) -> String {
        joined(self.about)
    }
}

/// Lines of a doc comment as one paragraph.
fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// A section: its struct, and its keys with what is said about each. The documentation of a field is the
/// documentation of its key. The details in braces are fields of [`Key`].
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:literal => $section:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $type:ty { $($detail:ident: $value:expr),* $(,)? },
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $section {
            $($(#[doc = $doc])+ pub $key: $type,)+
        }

        impl $section {
            /// The table with its keys.
            pub(super) const SECTION: $crate::config::Section = $crate::config::Section::new(
                $name,
                &[$($about),+],
                &[$($crate::config::Key {
                    $($detail: $value,)*
                    ..$crate::config::Key::of::<$type>(stringify!($key), &[$($doc),+])
                }),+],
            );

            /// Reads every key; `None` when one has no valid value.
            pub(super) fn read(values: &mut $crate::config::load::Values<'_>) -> Option<$section> {
                $(let $key = values.read::<$type>($name, stringify!($key));)+
                Some($section { $($key: $key?),+ })
            }
        }
    };
}
