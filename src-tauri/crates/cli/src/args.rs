use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Makes prompts better on a language model of your own computer.
///
/// Exit codes: 0 a better prompt was found (or the command did its work), 3 no
/// better prompt was found, 130 stopped by you (the best so far is kept), 1 a
/// failure, 2 wrong arguments.
#[derive(Parser)]
#[command(version, name = "pmpo")]
pub(crate) struct Cli {
    /// Write results as JSON for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a sample project with the built-in model.
    Sample {
        /// Its name.
        #[arg(default_value = "review-mood")]
        name: String,
        #[command(flatten)]
        model: ModelArgs,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Look for a better prompt.
    Optimize {
        #[command(flatten)]
        task: TaskArgs,
        #[command(flatten)]
        model: ModelArgs,
        #[command(flatten)]
        settings: SettingArgs,
        /// Name of the run.
        #[arg(long)]
        name: Option<String>,
        /// Name of the project.
        #[arg(long, default_value = "My prompts")]
        project: String,
    },
    /// Measure the loss of a prompt on all examples.
    Score {
        #[command(flatten)]
        task: TaskArgs,
        #[command(flatten)]
        model: ModelArgs,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Go on with a run that was broken off; the newest such run if none is named.
    Resume {
        /// Number of the run.
        run: Option<i64>,
        #[command(flatten)]
        model: ModelArgs,
    },
    /// Look at a file or folder of examples; keep them where a project is named.
    Import {
        /// A CSV, TSV, JSON, JSON lines, Excel, OpenDocument or Parquet file, or a folder.
        path: PathBuf,
        /// The project that the examples are for; made where missing.
        #[arg(long)]
        project: Option<String>,
        #[command(flatten)]
        columns: ColumnArgs,
    },
    /// Measure a prompt on a file or folder of examples, and again whenever it changes.
    Watch {
        #[command(flatten)]
        data: DataArgs,
        /// The prompt, or @FILE to read it from a file.
        #[arg(long)]
        prompt: String,
        /// Keep every state of the data and its figures in this project; made where missing.
        #[arg(long)]
        project: Option<String>,
        #[command(flatten)]
        model: ModelArgs,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// List the versions of a project's prompt, the newest first.
    Versions {
        /// Name of the project.
        project: String,
    },
    /// Show what differs between two versions.
    Diff {
        /// Name of the project.
        project: String,
        /// Number of the first version.
        first: i64,
        /// Number of the second version.
        second: i64,
    },
    /// Measure two versions on the project's examples and say which is better.
    Compare {
        /// Name of the project.
        project: String,
        /// Number of the first version.
        first: i64,
        /// Number of the second version.
        second: i64,
    },
    /// Measure versions on the project's examples with the project's model; without numbers
    /// the prompt in the editor.
    Measure {
        /// Name of the project.
        project: String,
        /// Numbers of the versions.
        versions: Vec<i64>,
    },
    /// Put a label on a version, from wherever it was; without a number it is taken away.
    Label {
        /// Name of the project.
        project: String,
        /// The label.
        name: String,
        /// Number of the version.
        version: Option<i64>,
    },
    /// Go back to a version: it is the one in use, and the prompt to go on from.
    Restore {
        /// Name of the project.
        project: String,
        /// Number of the version.
        version: i64,
    },
    /// Write a project with everything that belongs to it into one file.
    Backup {
        /// Name of the project.
        project: String,
        /// The file, usually ending in .pmpo.
        file: PathBuf,
        /// Leave out the texts of the examples; their losses stay.
        #[arg(long)]
        without_data: bool,
    },
    /// Bring back the projects of a backup.
    BringBack {
        /// The file.
        file: PathBuf,
    },
    /// Show the database and what it takes.
    Storage {
        /// Look whether it is whole.
        #[arg(long)]
        check: bool,
        /// Delete for good what was deleted, and give its space back.
        #[arg(long)]
        compact: bool,
    },
    /// List all runs.
    Runs,
    /// Show a run.
    Show {
        /// Number of the run.
        run: i64,
    },
    /// Write a run to a file.
    Export {
        /// Number of the run.
        run: i64,
        /// What to write.
        #[arg(long, value_enum, default_value = "txt")]
        format: Format,
        /// The file; the terminal if none is named.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Models from the Hugging Face hub: list, download, remove.
    Models {
        #[command(subcommand)]
        what: ModelsCommand,
    },
    /// Servers of your own: list, check, remove.
    Servers {
        #[command(subcommand)]
        what: ServersCommand,
    },
    /// Write what a shell needs to complete commands: source it, or put it where your shell
    /// looks for such files.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder.
    #[command(hide = true)]
    Man {
        /// The folder; made where missing.
        folder: PathBuf,
    },
    /// Draw the loss curve of a run.
    Plot {
        /// Number of the run.
        run: i64,
        /// The file, ending in .svg or .png.
        #[arg(long)]
        out: PathBuf,
        /// 1600 pixels wide instead of 640.
        #[arg(long)]
        large: bool,
        /// Light on dark.
        #[arg(long)]
        dark: bool,
    },
}

#[derive(Args)]
pub(crate) struct TaskArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The start prompt, or @FILE to read it from a file.
    #[arg(long)]
    pub(crate) prompt: String,
    /// The task in a sentence, for rewrites.
    #[arg(long, default_value = "")]
    pub(crate) describe: String,
    /// Text of the prompt that must stay word for word; may be given several times, in order.
    #[arg(long = "lock")]
    pub(crate) locked: Vec<String>,
}

#[derive(Args)]
pub(crate) struct DataArgs {
    /// Examples: a CSV, TSV, JSON, JSON lines, Excel, OpenDocument or Parquet file, or a folder.
    #[arg(long)]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}

#[derive(Args)]
pub(crate) struct ColumnArgs {
    /// Column of the input; several become paragraphs under their names.
    #[arg(long)]
    pub(crate) input: Vec<String>,
    /// Column of the right answer.
    #[arg(long, conflicts_with_all = ["chosen", "rejected"])]
    pub(crate) target: Option<String>,
    /// Column of the better answer.
    #[arg(long, requires = "rejected")]
    pub(crate) chosen: Option<String>,
    /// Column of the worse answer.
    #[arg(long, requires = "chosen")]
    pub(crate) rejected: Option<String>,
    /// Column with further right answers; may be given several times.
    #[arg(long)]
    pub(crate) also: Vec<String>,
    /// Column with a list of options, or one of several with an option each; shown below the input.
    #[arg(long)]
    pub(crate) options: Vec<String>,
    /// Column that says of each row whether it chooses prompts or only checks; "" for none.
    #[arg(long)]
    pub(crate) split: Option<String>,
    /// Column that names the rows; "" for none.
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Column that says how much each row counts; "" for none.
    #[arg(long)]
    pub(crate) weight: Option<String>,
    /// Learn only what stands after the last such mark in the answer, such as ####.
    #[arg(long, value_name = "MARK", conflicts_with_all = ["last_line", "pattern"])]
    pub(crate) after: Option<String>,
    /// Learn only the last line of the answer.
    #[arg(long, conflicts_with = "pattern")]
    pub(crate) last_line: bool,
    /// Learn only what this regular expression finds last in the answer.
    #[arg(long)]
    pub(crate) pattern: Option<String>,
    /// Sheet of a workbook.
    #[arg(long)]
    pub(crate) sheet: Option<String>,
    /// Row of the header, from 1; 0 for none.
    #[arg(long)]
    pub(crate) header: Option<usize>,
    /// Mark between cells.
    #[arg(long)]
    pub(crate) separator: Option<char>,
    /// What is done about a kind of fault, such as duplicate=keep or leak=leave_out.
    #[arg(long = "remedy", value_name = "FAULT=REMEDY")]
    pub(crate) remedies: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum ModelsCommand {
    /// Models of the catalogue, and those that are here.
    List,
    /// Download a model, or go on with a download.
    Download {
        /// A model of the list, or a repository of the hub (OWNER/NAME).
        name: String,
        /// The model's file, where the repository holds more than one model.
        #[arg(long)]
        file: Option<String>,
    },
    /// Remove a downloaded model.
    Remove {
        /// A model of the list, or a repository of the hub (OWNER/NAME).
        name: String,
        /// The model's file, where more than one of the repository is here.
        #[arg(long)]
        file: Option<String>,
    },
}

#[derive(Subcommand)]
pub(crate) enum ServersCommand {
    /// Servers that were checked.
    List,
    /// Connect to a server with an OpenAI-compatible interface, find out what it can do, and
    /// keep that. Its key is read from the variable PMPO_SERVER_KEY and goes to the keyring.
    Check {
        /// Its address, with or without /v1.
        address: String,
        /// The model, where the server has more than one.
        #[arg(long)]
        name: Option<String>,
        /// How conversations become text, for scoring: chatml, llama3, mistral, gemma, phi3,
        /// or plain for a base model. Without it the server is asked.
        #[arg(long)]
        template: Option<String>,
        /// Longest sequence in tokens, where the server does not tell it.
        #[arg(long)]
        window: Option<usize>,
    },
    /// Forget a server, and its key where no other one has its address.
    Remove {
        /// Its name, such as server:1.
        server: String,
    },
}

#[derive(Args)]
pub(crate) struct ModelArgs {
    /// A GGUF file, a folder with safetensors, or a server (server:1); the built-in model if
    /// none is named. A run that goes on has its own model.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Another model that writes the rewrites: a file, a folder, or a server. For a run that
    /// goes on: where its own writer is now.
    #[arg(long)]
    pub(crate) writer: Option<String>,
    /// Where it runs: auto, cpu, or gpu with its number (gpu0).
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
}

#[derive(Args)]
pub(crate) struct SettingArgs {
    /// How much effort.
    #[arg(long, value_enum, default_value = "quick")]
    pub(crate) effort: Effort,
    /// Seed of everything random.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Whether the prompt may hold examples of the data, which models learn from like from
    /// earlier answers of their own. Without it: yes for models under 3 billion weights.
    #[arg(long, value_enum)]
    pub(crate) examples: Option<Examples>,
    /// Any setting, such as --set steps=5 or --set split.train_limit=30.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Examples {
    Yes,
    No,
}

impl Examples {
    pub(crate) fn are_allowed(self) -> bool {
        matches!(self, Self::Yes)
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Effort {
    Quick,
    Standard,
    Thorough,
    Paper,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Txt,
    Md,
    Json,
    Csv,
}
