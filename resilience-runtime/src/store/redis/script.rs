//! What a server is asked to do in one step.

use std::borrow::Cow;
use std::sync::LazyLock;

use redis::Cmd;

/// A script, which a server knows by its hash once it has seen it.
pub(crate) struct Script {
    text: &'static str,
    hash: LazyLock<String, fn() -> String>,
}

impl Script {
    /// `hash` answers with [`hash_of`] the text: a `static` cannot compute it.
    pub(crate) const fn new(text: &'static str, hash: fn() -> String) -> Self {
        Self {
            text,
            hash: LazyLock::new(hash),
        }
    }
}

/// The hash that a server knows `text` by.
pub(crate) fn hash_of(text: &str) -> String {
    redis::Script::new(text).get_hash().to_owned()
}

/// A `static` script from a file beside the one that names it.
macro_rules! script {
    ($file:literal) => {
        $crate::store::redis::script::Script::new(include_str!($file), || {
            $crate::store::redis::script::hash_of(include_str!($file))
        })
    };
}
pub(crate) use script;

/// One run of a script.
pub(crate) struct Call<'a> {
    /// For errors: what the caller was about, as in "claiming a key".
    pub(crate) doing: &'static str,
    pub(crate) script: &'a Script,
    /// In one slot. Better only one: where a slot is being moved, the others may be on another node.
    pub(crate) keys: &'a [String],
    pub(crate) arguments: &'a [Cow<'a, str>],
}

impl Call<'_> {
    /// By the hash: what is sent nearly always.
    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", &self.script.hash)
    }

    /// With the text, which the server remembers.
    pub(super) fn by_text(&self) -> Cmd {
        self.command("EVAL", self.script.text)
    }

    /// Without the line of flags, which says that it may run although the memory is full.
    pub(super) fn by_text_without_flags(&self) -> Cmd {
        let text = self.script.text;
        let body = match text.split_once('\n') {
            Some((flags, body)) if flags.starts_with("#!") => body,
            _ => text,
        };
        self.command("EVAL", body)
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let keys = self.keys.iter().map(String::len).sum::<usize>();
        let arguments = self.arguments.iter().map(|it| it.len()).sum::<usize>();
        let count = 3 + self.keys.len() + self.arguments.len();
        let mut command =
            Cmd::with_capacity(count, name.len() + script.len() + 2 + keys + arguments);
        command.arg(name).arg(script).arg(self.keys.len());
        for key in self.keys {
            command.arg(key);
        }
        for argument in self.arguments {
            command.arg(&**argument);
        }
        command
    }
}
