//! What packages take from the program itself: completions and manual pages.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use common::Terminal;

/// What a command that succeeds prints.
fn said(terminal: &Terminal, args: &[&str]) -> String {
    let output = terminal.run(args);
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn shells_complete_every_command() {
    let terminal = Terminal::new();
    let bash = terminal.write("pmpo.bash", said(&terminal, &["completions", "bash"]));
    // What bash itself offers after `pmpo o` and `pmpo optimize --ef`.
    let script = format!(
        "source {}; COMP_WORDS=(pmpo o); COMP_CWORD=1; _pmpo pmpo o pmpo; echo ${{COMPREPLY[@]}}; \
         COMP_WORDS=(pmpo optimize --ef); COMP_CWORD=2; _pmpo pmpo --ef optimize; echo ${{COMPREPLY[@]}}",
        bash.display()
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "optimize\n--effort\n"
    );
    for shell in ["zsh", "fish"] {
        let words = said(&terminal, &["completions", shell]);
        assert!(words.contains("bring-back"), "{shell}");
        // Packages are made with it; nobody types it.
        assert!(!words.contains("manual pages into a folder"), "{shell}");
    }
}

#[test]
fn there_is_a_manual_page_of_every_command() {
    let terminal = Terminal::new();
    let folder = terminal.path("man");
    said(&terminal, &["man", folder.to_str().unwrap()]);
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert!(page("pmpo.1").contains("Makes prompts better"));
    let help = said(&terminal, &["--help"]);
    let commands = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.contains(&"optimize") && !commands.contains(&"man"));
    for command in commands {
        assert!(
            page(&format!("pmpo-{command}.1")).contains(command),
            "{command}"
        );
    }
}
