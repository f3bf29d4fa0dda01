//! The words that the program is started with.

use std::path::Path;

/// What `--help` prints.
const HELP: &str = "\
Makes prompts better on a language model of your own computer.

Usage: pmpo-studio [FILE]

A project's backup (.pmpo) or a file or folder of examples is opened in the window, which
asks first. `pmpo` does the same work in a terminal.

      --help     Print this
      --version  Print the version";

/// What a person wants by them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// The window, and in it these files.
    Open(Vec<String>),
    /// A text on the terminal, and nothing else.
    Say(String),
    /// A fault to tell on the terminal.
    Fault(String),
}

/// Reads words, without the program's own name; files are taken from `folder` on.
pub(crate) fn read(words: impl Iterator<Item = String>, folder: &Path) -> Wish {
    let mut files = Vec::new();
    let mut only_files = false;
    for word in words {
        match word.as_str() {
            "--" if !only_files => only_files = true,
            "--help" | "-h" if !only_files => return Wish::Say(HELP.to_owned()),
            "--version" | "-V" if !only_files => {
                return Wish::Say(format!("pmpo-studio {}", pmpo_app::version()));
            }
            unknown if unknown.starts_with('-') && !only_files => {
                return Wish::Fault(format!(
                    "pmpo-studio knows no option {unknown}. `pmpo-studio --help` says what it knows."
                ));
            }
            file => files.push(placed(folder, file)),
        }
    }
    Wish::Open(files)
}

/// The file's whole path: a window that is open already has another working folder.
fn placed(folder: &Path, file: &str) -> String {
    let address = file.starts_with("file://").then(|| tauri::Url::parse(file));
    let path = match address {
        Some(Ok(url)) => url.to_file_path().unwrap_or_else(|()| folder.join(file)),
        _ => folder.join(file),
    };
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(words: &[&str]) -> Wish {
        let words = words.iter().map(|word| (*word).to_owned());
        read(words, Path::new("/home/ada"))
    }

    #[test]
    fn files_get_their_whole_path() {
        let open = |files: &[&str]| Wish::Open(files.iter().map(|one| (*one).to_owned()).collect());
        assert_eq!(wish(&[]), open(&[]));
        assert_eq!(
            wish(&["a b.pmpo", "/data/rows.csv"]),
            open(&["/home/ada/a b.pmpo", "/data/rows.csv"])
        );
        assert_eq!(
            wish(&["file:///data/my%20rows.csv"]),
            open(&["/data/my rows.csv"])
        );
        assert_eq!(wish(&["--", "--help"]), open(&["/home/ada/--help"]));
    }

    #[test]
    fn options_are_answered_or_refused() {
        assert!(matches!(wish(&["--help"]), Wish::Say(text) if text.contains("[FILE]")));
        let version = env!("CARGO_PKG_VERSION");
        assert!(matches!(wish(&["--version"]), Wish::Say(text) if text.contains(version)));
        assert!(matches!(wish(&["a.csv", "--wat"]), Wish::Fault(text) if text.contains("--wat")));
    }
}
