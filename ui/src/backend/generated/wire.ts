// Made from the Rust types by `make wire`. Do not edit.

/**
 * What stands in a place of a sentence. Never a sentence in one language, but for the
 * words of the system or of another program.
 */
export type Param = number | string | Device | Message;

/**
 * A sentence as data.
 */
export type Message = { 
/**
 * Names the sentence. What stands before the first point is the kind of fault.
 */
key: string, 
/**
 * What stands in its places, by their names.
 */
params: { [key in string]: Param }, };

/**
 * What went wrong.
 *
 * Codes, which every method that fails may give where they fit: `store` the database,
 * `locked` held by another program; `data` a file of examples, `no_data` none, `row` and
 * `no_row` of the table; `prompt`, `prompt_file`, `settings`, `name`, `version`, `run` what
 * the person wrote or chose; `busy` something else uses the model or the run;
 * `model_file`, `model`, `device` loading and computing, `other_model` and `other_device`
 * where losses could not be compared; `server` and `hub` what is reached over a network;
 * `backup`, `export`, `plot`, `write`, `data_folder`, `clipboard` files and the system;
 * `sample`, `thread`, and `unexpected` for what should not happen.
 */
export type AppError = { 
/**
 * Kind of fault, for programs: what stands before the first point of the key.
 */
code: string, 
/**
 * As data, for whoever tells it in another language.
 */
told?: Message, 
/**
 * What happened, in English.
 */
message: string, 
/**
 * What the person can do, in English.
 */
hint: string, };

/**
 * Colours of the window.
 */
export type Theme = "system" | "light" | "dark";

/**
 * What the person set once for all projects.
 */
export type Preferences = { 
/**
 * Colours.
 */
theme: Theme, 
/**
 * `en`, `de`, or empty to follow the system.
 */
language: string, 
/**
 * Whether the advanced settings are open.
 */
advanced: boolean, };

/**
 * What the first page shows.
 */
export type Home = { 
/**
 * Version of the program.
 */
version: string, 
/**
 * Where everything is kept.
 */
data_folder: string, 
/**
 * What the person set once.
 */
preferences: Preferences, 
/**
 * The one changed last first.
 */
projects: Array<ProjectSummary>, 
/**
 * Projects that come with the program.
 */
samples: Array<SampleSummary>, 
/**
 * Runs that were broken off and can go on; newest first.
 */
unfinished: Array<RunSummary>, };

/**
 * A project that comes with the program.
 */
export type SampleSummary = { 
/**
 * Short name.
 */
name: string, 
/**
 * Title.
 */
title: string, 
/**
 * Two sentences on what it is.
 */
description: string, 
/**
 * The project made from it, if there is one.
 */
project: number | null, };

/**
 * A project in a list.
 */
export type ProjectSummary = { 
/**
 * Number.
 */
id: number, 
/**
 * Name.
 */
name: string, 
/**
 * The sample that it was made from.
 */
sample: string | null, 
/**
 * Beginning of the draft prompt.
 */
prompt: string, 
/**
 * Number of examples, once there are any.
 */
examples: number | null, 
/**
 * Number of runs.
 */
runs: number, 
/**
 * The newest one.
 */
last_run: RunSummary | null, 
/**
 * Milliseconds since 1970.
 */
updated_at: number, };

/**
 * Named sets of settings.
 */
export type Preset = "quick" | "standard" | "thorough" | "paper";

/**
 * What the person works on in a project.
 */
export type Draft = { 
/**
 * The prompt.
 */
prompt: string, 
/**
 * The task in a sentence, for rewrites; may be empty.
 */
description: string, 
/**
 * Texts of the prompt, in their order, that must stay word for word.
 */
locked: Array<string>, 
/**
 * The effort that `settings` began with.
 */
effort: Preset, 
/**
 * All settings.
 */
settings: Settings, 
/**
 * The model's file, or a server's [`crate::wire::ServerView::path`]; the built-in
 * model where none is named.
 */
model_path: string | null, 
/**
 * The model that writes, where it is not the one that scores: a file or a server.
 */
writer_path: string | null, 
/**
 * `auto`, `cpu`, or `gpu` and its number.
 */
device: string, 
/**
 * Whether the version in use is measured by itself whenever the data changed.
 */
measure_changes: boolean, 
/**
 * Whether the prompt may hold examples of the data, once the person said so.
 */
may_show_examples: boolean | null, };

/**
 * A project with all that its page shows.
 */
export type Project = { 
/**
 * Number.
 */
id: number, 
/**
 * Name.
 */
name: string, 
/**
 * The sample that it was made from.
 */
sample: SampleSummary | null, 
/**
 * What the person works on.
 */
draft: Draft, 
/**
 * Fields of the draft that another version of the program wrote and this one cannot
 * read (`device`, `settings.objective`); they stand at their usual values.
 */
unread: Array<string>, 
/**
 * Whether a run may put examples into the prompt: as the person said, else by the
 * size of the model.
 */
shows_examples: boolean, 
/**
 * The examples in use.
 */
data: DataSummary | null, 
/**
 * Its runs, newest first.
 */
runs: Array<RunSummary>, 
/**
 * Its prompt versions, newest first.
 */
versions: Array<VersionSummary>, };

/**
 * Kind of data.
 */
export type DataKind = "supervised" | "preference";

/**
 * The examples of a project.
 */
export type DataSummary = { 
/**
 * Number.
 */
id: number, 
/**
 * Name.
 */
name: string, 
/**
 * Where it came from.
 */
source: string, 
/**
 * Kind.
 */
kind: DataKind, 
/**
 * Columns that a prompt may name as `{{column}}`.
 */
columns: Array<string>, 
/**
 * How the columns of the file were read.
 */
mapping: Mapping, 
/**
 * The options, where the answers are a small closed set.
 */
labels: Array<string> | null, 
/**
 * Number of examples.
 */
examples: number, 
/**
 * How many of them choose prompts, with the draft's settings.
 */
train: number, 
/**
 * How many of them only check the result.
 */
validation: number, 
/**
 * How labels are shared out among the parts.
 */
balance: SplitBalance, 
/**
 * Edits by the person that the examples hold.
 */
edits: number, 
/**
 * The first ones.
 */
preview: Array<ExampleText>, };

/**
 * One example to look at.
 */
export type ExampleText = { 
/**
 * Row in the file, from 1.
 */
row: number, 
/**
 * The input.
 */
input: string, 
/**
 * Accepted answers, or the better one.
 */
targets: Array<string>, 
/**
 * Worse answers.
 */
rejected: Array<string>, };

/**
 * Which columns are what.
 */
export type Mapping = { 
/**
 * The input. Several columns become paragraphs, each under its name.
 */
inputs: Array<string>, 
/**
 * The answers.
 */
answer: AnswerColumns, 
/**
 * What of the target is the answer.
 */
rule: Rule, 
/**
 * A column with a list of options, or one column each; shown below the input.
 */
options: Array<string>, 
/**
 * Says of each row whether it chooses prompts or only checks the result.
 */
split: string | null, 
/**
 * Tells rows from each other when the file changes.
 */
id: string | null, 
/**
 * Says how much each row counts beside others: a number over 0.
 */
weight: string | null, };

/**
 * The columns with answers.
 */
export type AnswerColumns = { "kind": "supervised", 
/**
 * The answer to learn; a JSON list of texts accepts several.
 */
target: string, 
/**
 * Further accepted answers.
 */
also: Array<string>, } | { "kind": "preference", 
/**
 * The better one.
 */
chosen: string, 
/**
 * The worse one; a JSON list of texts gives several.
 */
rejected: string, };

/**
 * What of a target cell is the answer.
 */
export type Rule = { "kind": "whole" } | { "kind": "after", 
/**
 * The mark.
 */
marker: string, } | { "kind": "last_line" } | { "kind": "pattern", 
/**
 * The expression.
 */
pattern: string, };

/**
 * What a column is used for.
 */
export type Role = "input" | "target" | "also" | "chosen" | "rejected" | "options" | "split" | "id" | "weight";

/**
 * Why a column has a role.
 */
export type Why = { "kind": "chosen" } | { "kind": "name" } | { "kind": "longest" } | { "kind": "few_values", 
/**
 * How many.
 */
count: number, } | { "kind": "remaining" } | { "kind": "lists" };

/**
 * A column, its role, and why.
 */
export type Reason = { 
/**
 * The column.
 */
column: string, 
/**
 * Its role.
 */
role: Role, 
/**
 * Why.
 */
why: Why, };

/**
 * What a suggestion changes.
 */
export type SuggestionKind = { "kind": "answer_alone", 
/**
 * The mark.
 */
marker: string, } | { "kind": "rationale", 
/**
 * The column.
 */
column: string, };

/**
 * Another way to read the same columns, worth a click.
 */
export type Suggestion = { 
/**
 * What it changes.
 */
kind: SuggestionKind, 
/**
 * How the columns are read then.
 */
mapping: Mapping, };

/**
 * Kind of fault.
 */
export type Fault = "uneven" | "beside" | "empty_input" | "empty_answer" | "rule_finds_nothing" | "same_answers" | "bad_weight" | "duplicate" | "conflict" | "leak" | "encoding" | "over_long" | "cut_off" | "near_duplicate" | "one_sided";

/**
 * How bad a fault is.
 */
export type Severity = "note" | "warning" | "error";

/**
 * What is done about a fault.
 */
export type Remedy = "leave_out" | "merge" | "repair" | "keep";

/**
 * What is done about one kind of fault.
 */
export type RemedyChoice = { 
/**
 * The fault.
 */
fault: Fault, 
/**
 * The remedy.
 */
remedy: Remedy, };

/**
 * What the person chose for a file; what is missing is found out.
 */
export type ImportChoice = { 
/**
 * The sheet of a workbook.
 */
sheet: string | null, 
/**
 * Row of the header, from 1; 0 for none.
 */
header: number | null, 
/**
 * The mark between cells.
 */
separator: string | null, 
/**
 * Which columns are what.
 */
mapping: Mapping | null, 
/**
 * What is done about faults.
 */
remedies: Array<RemedyChoice>, };

/**
 * Kind of file.
 */
export type FileKind = "csv" | "json_lines" | "json" | "workbook" | "parquet" | "texts" | "folder";

/**
 * What was found of a file before its columns were looked at.
 */
export type FileFound = { 
/**
 * Kind of file.
 */
kind: FileKind, 
/**
 * The encoding, where it is not UTF-8.
 */
encoding: string | null, 
/**
 * The mark between cells, where there is one.
 */
separator: string | null, 
/**
 * Quotation marks were taken as text, because one had no partner.
 */
quotes_are_text: boolean, 
/**
 * Sheets of a workbook.
 */
sheets: Array<string>, 
/**
 * The one that was read.
 */
sheet: string | null, 
/**
 * Row of the header, from 1; 0 where there is none; null where none is needed.
 */
header: number | null, 
/**
 * Files of a folder.
 */
files: number | null, };

/**
 * A fault of the data.
 */
export type DataFinding = { 
/**
 * Its kind.
 */
fault: Fault, 
/**
 * How bad it is.
 */
severity: Severity, 
/**
 * How many rows have it; 0 where it is the whole data's.
 */
count: number, 
/**
 * The first of these rows.
 */
rows: Array<number>, 
/**
 * For each of them the row that it is like, for faults of two rows.
 */
others: Array<number>, 
/**
 * What is done about it.
 */
remedy: Remedy, 
/**
 * What can be done.
 */
remedies: Array<Remedy>, 
/**
 * A text that shows it; may be empty.
 */
sample: string, };

/**
 * An option and how often it is the answer.
 */
export type LabelCount = { 
/**
 * The option.
 */
label: string, 
/**
 * How often.
 */
count: number, };

/**
 * A row as it is in the file.
 */
export type PreviewRow = { 
/**
 * Its number, from 1, header not counted.
 */
number: number, 
/**
 * One cell per column; null where there is no value.
 */
cells: Array<string | null>, };

/**
 * How a source stands to the examples that were made of it.
 */
export type DataState = { "kind": "same" } | { "kind": "changed", 
/**
 * How many are new.
 */
added: number, 
/**
 * How many are there no more.
 */
removed: number, 
/**
 * How many have other content.
 */
edited: number, 
/**
 * The first rows that are new or have other content.
 */
rows: Array<number>, 
/**
 * How many it gives in all.
 */
examples: number, } | { "kind": "gone" } | { "kind": "faulty", 
/**
 * Why.
 */
error: AppError, };

/**
 * How the source of a project's examples stands to them.
 */
export type DataNews = { 
/**
 * The project.
 */
project: number, 
/**
 * How.
 */
state: DataState, 
/**
 * Edits that the person made in the table; new examples come without them.
 */
edits: number, };

/**
 * A file looked at before anything is kept.
 */
export type DataPreview = { 
/**
 * The file.
 */
path: string, 
/**
 * Its name.
 */
name: string, 
/**
 * What was found.
 */
found: FileFound, 
/**
 * Its columns.
 */
columns: Array<string>, 
/**
 * The first rows.
 */
rows: Array<PreviewRow>, 
/**
 * Number of rows.
 */
total_rows: number, 
/**
 * Which columns are what; null where `problem` says why.
 */
mapping: Mapping | null, 
/**
 * Why, for columns that the person did not choose.
 */
reasons: Array<Reason>, 
/**
 * Other ways to read the columns.
 */
suggestions: Array<Suggestion>, 
/**
 * What stands in the way of using it.
 */
problem: AppError | null, 
/**
 * Number of examples it gives.
 */
examples: number, 
/**
 * The first examples as the model sees them.
 */
first: Array<ExampleText>, 
/**
 * The options, where the answers are a small closed set.
 */
labels: Array<LabelCount>, 
/**
 * Faults, the worst first.
 */
findings: Array<DataFinding>, };

/**
 * What a run would do with a row.
 */
export type RowUse = "train" | "validation" | "rest";

/**
 * Order of the rows.
 */
export type RowOrder = "file" | "hardest" | "easiest";

/**
 * Which rows of a table are asked for.
 */
export type TableQuery = { 
/**
 * Words that input or answers contain, whatever their case; empty for all.
 */
search: string, 
/**
 * Only rows of this use.
 */
part: RowUse | null, 
/**
 * Only rows with this answer.
 */
label: string | null, 
/**
 * Their order.
 */
order: RowOrder, };

/**
 * A stretch of the rows that a query finds.
 */
export type TablePage = { 
/**
 * Rows in all.
 */
total: number, 
/**
 * Rows that the query finds.
 */
found: number, 
/**
 * Place of the first row below among them.
 */
from: number, 
/**
 * The rows.
 */
rows: Array<TableRow>, 
/**
 * The options, where the answers are a small closed set.
 */
labels: Array<LabelCount>, 
/**
 * Rows that choose prompts.
 */
train: number, 
/**
 * Rows that only check.
 */
validation: number, 
/**
 * Rows whose loss under the project's prompt is known.
 */
measured: number, 
/**
 * Whether answers come as better and worse ones.
 */
preference: boolean, 
/**
 * Edits in effect, which can be taken back.
 */
edits: number, 
/**
 * Edits taken back, which can be done again.
 */
undone: number, };

/**
 * A row of a table; long texts are cut.
 */
export type TableRow = { 
/**
 * Names the row in commands.
 */
key: number, 
/**
 * Row in the file, from 1; rows that the person added follow the last one.
 */
row: number, 
/**
 * The input.
 */
input: string, 
/**
 * Accepted answers, or the better one.
 */
targets: Array<string>, 
/**
 * Worse answers.
 */
rejected: Array<string>, 
/**
 * What a run would do with it.
 */
part: RowUse, 
/**
 * Its loss in nats under the project's prompt, where it was measured.
 */
loss: number | null, 
/**
 * Whether the likeliest answer was right, on label tasks.
 */
correct: boolean | null, 
/**
 * How much it counts beside others.
 */
weight: number, };

/**
 * What a person can edit of a row.
 */
export type RowText = { 
/**
 * The input.
 */
input: string, 
/**
 * Accepted answers, or the better one alone.
 */
targets: Array<string>, 
/**
 * Worse answers; empty unless answers come as better and worse ones.
 */
rejected: Array<string>, 
/**
 * `train`, `validation`, or null to let the program choose.
 */
part: RowPart | null, 
/**
 * How much it counts beside others, over 0.
 */
weight: number, };

/**
 * A part that a person put a row into.
 */
export type RowPart = "train" | "validation";

/**
 * Which rows are taken out.
 */
export type RowsChosen = { "kind": "keys", 
/**
 * Their keys.
 */
keys: Array<number>, } | { "kind": "found", 
/**
 * The query.
 */
query: TableQuery, };

/**
 * File formats of examples.
 */
export type DataFormat = "csv" | "jsonl";

/**
 * Versions of a project measured on its datasets, outside runs.
 */
export type Measurements = { 
/**
 * Every state of the data that something was measured on, and the one in use;
 * the oldest first.
 */
datasets: Array<DatasetState>, 
/**
 * What was measured.
 */
cells: Array<Measured>, 
/**
 * Whether a measurement is going on.
 */
busy: boolean, };

/**
 * A state of a project's data.
 */
export type DatasetState = { 
/**
 * Number.
 */
id: number, 
/**
 * Name.
 */
name: string, 
/**
 * Number of examples.
 */
examples: number, 
/**
 * Edits by the person that it holds.
 */
edits: number, 
/**
 * Whether the project uses it now.
 */
current: boolean, 
/**
 * Milliseconds since 1970.
 */
created_at: number, };

/**
 * A version measured on a dataset.
 */
export type Measured = { 
/**
 * Number of the version in the database.
 */
version: number, 
/**
 * Number of the dataset.
 */
dataset: number, 
/**
 * Mean loss in nats.
 */
loss: number, 
/**
 * Its standard error; null where a single example leaves it unknown.
 */
std_error: number | null, 
/**
 * Share of right labels, on label tasks.
 */
accuracy: number | null, 
/**
 * Share of examples on which the model would say a right answer by itself.
 */
asked: number | null, 
/**
 * Number of examples measured.
 */
examples: number, 
/**
 * Whether model, settings and choice of examples are those of the newest
 * measurement: only such figures can be compared.
 */
comparable: boolean, 
/**
 * Name of the model.
 */
model: string, 
/**
 * Milliseconds since 1970.
 */
measured_at: number, };

/**
 * A version's loss over the states of the data, drawn.
 */
export type DataChart = { 
/**
 * The picture as SVG.
 */
svg: string, 
/**
 * The plotted rectangle.
 */
plot: PlotRect, 
/**
 * Its width in units of the axis.
 */
x: AxisRange, 
/**
 * Its height in nats.
 */
y: LossRange, };

/**
 * A row that does not fit the model's window.
 */
export type TooLongRow = { 
/**
 * The row.
 */
row: number, 
/**
 * Its tokens.
 */
tokens: number, };

/**
 * A prompt version.
 */
export type VersionSummary = { 
/**
 * Number in the database.
 */
id: number, 
/**
 * Number within the project, from 1.
 */
number: number, 
/**
 * The prompt.
 */
text: string, 
/**
 * The version it was made from.
 */
parent: number | null, 
/**
 * How it came to be.
 */
origin: VersionOrigin, 
/**
 * What the person wrote about it.
 */
note: string, 
/**
 * Whether the person marked it.
 */
starred: boolean, 
/**
 * The person's tags, sorted.
 */
tags: Array<string>, 
/**
 * Labels that point to it, for example `in use`.
 */
labels: Array<string>, 
/**
 * Milliseconds since 1970.
 */
created_at: number, };

/**
 * How a version came to be.
 */
export type VersionOrigin = { "kind": "written" } | { "kind": "imported", 
/**
 * Its name.
 */
file: string, } | { "kind": "sample" } | { "kind": "run", 
/**
 * The run.
 */
run: number, 
/**
 * Its number among the run's candidates.
 */
candidate: number, };

/**
 * A label that was moved: where people look up which version was in use when.
 */
export type LabelMove = { 
/**
 * The label.
 */
name: string, 
/**
 * Number in the database of the version that it was put on; null where it was
 * taken away.
 */
version: number | null, 
/**
 * Milliseconds since 1970.
 */
moved_at: number, };

/**
 * A prompt to be compared.
 */
export type Subject = { "kind": "draft" } | { "kind": "version", 
/**
 * Its number in the database.
 */
id: number, } | { "kind": "run_best", 
/**
 * The run.
 */
run: number, } | { "kind": "run_start", 
/**
 * The run.
 */
run: number, };

/**
 * On what two prompts are compared.
 */
export type GroundChoice = { "kind": "project" } | { "kind": "run", 
/**
 * The run.
 */
run: number, };

/**
 * Two prompts to be compared, example by example.
 */
export type ComparisonRequest = { 
/**
 * The project.
 */
project: number, 
/**
 * The first prompt.
 */
first: Subject, 
/**
 * The second prompt.
 */
second: Subject, 
/**
 * On what.
 */
ground: GroundChoice, };

/**
 * One of two prompts.
 */
export type ComparedPrompt = { 
/**
 * The prompt.
 */
text: string, 
/**
 * Number of the version with this text, if there is one.
 */
version: number | null, 
/**
 * Name of the run that it stands for.
 */
run_name: string | null, 
/**
 * What its parts were found to do, where some run of the project measured that.
 */
segments: SegmentView | null, 
/**
 * Name of the run that measured the parts.
 */
segments_run: string | null, };

/**
 * What a comparison rests on.
 */
export type ComparedGround = { 
/**
 * Name of the data.
 */
data: string, 
/**
 * Examples that a run would choose and check by.
 */
examples: number, 
/**
 * Name of the model; null where it is not known before it is loaded once.
 */
model: string | null, };

/**
 * An example under two prompts; long texts are cut.
 */
export type ComparedRow = { 
/**
 * Names the example in commands.
 */
example: number, 
/**
 * Row in the file, from 1.
 */
row: number, 
/**
 * The input.
 */
input: string, 
/**
 * The right answer.
 */
target: string, 
/**
 * Loss under the first prompt, in nats.
 */
first: number, 
/**
 * Loss under the second prompt, in nats.
 */
second: number, 
/**
 * Whether the likeliest label was right under the first prompt, on label tasks.
 */
first_correct: boolean | null, 
/**
 * Whether it was right under the second prompt.
 */
second_correct: boolean | null, };

/**
 * Two prompts beside each other, with what they lose on the same examples.
 */
export type Comparison = { 
/**
 * The first prompt.
 */
first: ComparedPrompt, 
/**
 * The second prompt.
 */
second: ComparedPrompt, 
/**
 * What it rests on; null where the project has no examples yet.
 */
ground: ComparedGround | null, 
/**
 * Losses of both; null where too few examples were measured with both.
 */
figures: ComparedFigures | null, 
/**
 * Examples of the ground that are not measured with both prompts yet.
 */
missing: number, 
/**
 * Examples that were measured with both: the greatest change first, at most 5,000.
 */
rows: Array<ComparedRow>, 
/**
 * How many there are in all.
 */
rows_total: number, };

/**
 * A picture of losses under one prompt over losses under the other.
 */
export type Scatter = { 
/**
 * The picture.
 */
svg: string, 
/**
 * The plotted rectangle.
 */
plot: PlotRect, 
/**
 * Its width in units of the axis.
 */
x: AxisRange, 
/**
 * Its height in nats.
 */
y: LossRange, };

/**
 * A token of an answer and how surprised the model was by it.
 */
export type TokenSurprise = { 
/**
 * Its text; empty for the token that ends the turn.
 */
text: string, 
/**
 * Minus its log-probability, in nats.
 */
nats: number, };

/**
 * What an answer is among those of an example.
 */
export type AnswerRole = "right" | "also_right" | "wrong";

/**
 * An answer under two prompts, token by token.
 */
export type AnswerTokens = { 
/**
 * What it is.
 */
role: AnswerRole, 
/**
 * The answer.
 */
text: string, 
/**
 * Under the first prompt.
 */
first: Array<TokenSurprise>, 
/**
 * Under the second prompt.
 */
second: Array<TokenSurprise>, };

/**
 * An example with its whole texts and its answers token by token.
 */
export type ExampleTokens = { 
/**
 * Row in the file, from 1.
 */
row: number, 
/**
 * The input.
 */
input: string, 
/**
 * Its answers, the right one first.
 */
answers: Array<AnswerTokens>, };

/**
 * The database and what it takes.
 */
export type StorageInfo = { 
/**
 * The file.
 */
path: string, 
/**
 * Its size.
 */
bytes: number, 
/**
 * What compacting would give back, in bytes.
 */
free_bytes: number, 
/**
 * Deleted runs that can still be brought back.
 */
binned: number, };

/**
 * Files that a version is written as.
 */
export type VersionFormat = "txt" | "messages" | "card" | "code";

/**
 * How a run came to a version.
 */
export type VersionStory = { 
/**
 * The run; null where it is deleted.
 */
run: number | null, 
/**
 * Its name; empty where it is deleted.
 */
run_name: string, 
/**
 * Number of the version that the run began with.
 */
from: number | null, 
/**
 * Every change on the way, the first one first.
 */
changes: Array<StoryChange>, };

/**
 * A change on the way from a run's start to one of its prompts.
 */
export type StoryChange = { 
/**
 * Step of the run.
 */
step: number, 
/**
 * Number of the prompt within the run.
 */
candidate: number, 
/**
 * How it was made from the one before.
 */
origin: Origin, 
/**
 * The examples that it was made because of.
 */
examples: Array<ExampleText>, 
/**
 * Training loss after it, in nats.
 */
loss: number | null, };

/**
 * Losses of two prompts on the same examples.
 */
export type ComparedFigures = { 
/**
 * Mean loss of the first prompt, in nats.
 */
first_loss: number, 
/**
 * Mean loss of the second prompt, in nats.
 */
second_loss: number, 
/**
 * Share of right labels of both, on label tasks.
 */
accuracy: [number, number] | null, 
/**
 * Right answers when asked, of the first and the second.
 */
asked: Change | null, 
/**
 * Right answers by forced choice, likewise.
 */
choices: Change | null, 
/**
 * 95 % interval of `second - first`, in nats.
 */
interval: Interval, 
/**
 * What the interval says of the second prompt beside the first.
 */
verdict: Verdict, 
/**
 * Examples that both were measured on.
 */
examples: number, 
/**
 * Name of the data.
 */
data: string, };

/**
 * What the editor shows of a prompt.
 */
export type PromptCheck = { 
/**
 * Put together they are the prompt.
 */
pieces: Array<PromptPiece>, 
/**
 * Tokens of the prompt with nothing in its placeholders, once the model is loaded.
 */
tokens: number | null, 
/**
 * The model's window in tokens, once it is loaded.
 */
window: number | null, 
/**
 * Placeholders that the data does not have.
 */
unknown: Array<string>, 
/**
 * What stands in the way of using it.
 */
problem: AppError | null, };

/**
 * A piece of a prompt.
 */
export type PromptPiece = { 
/**
 * The text.
 */
text: string, 
/**
 * Number of the segment from 0; none for white space, placeholders and locked text.
 */
segment: number | null, 
/**
 * Name of the placeholder, if it is one.
 */
placeholder: string | null, 
/**
 * Whether the data has that column; true for all other pieces.
 */
known: boolean, 
/**
 * Whether it stays word for word.
 */
locked: boolean, };

/**
 * A prompt measured on all examples.
 */
export type ScoredPrompt = { 
/**
 * Mean loss in nats.
 */
loss: number, 
/**
 * Standard error of the mean.
 */
std_error: number | null, 
/**
 * Share of right labels, on label tasks.
 */
accuracy: number | null, 
/**
 * Share of examples on which the model would say a right answer by itself.
 */
asked: number | null, 
/**
 * Number of examples.
 */
examples: number, 
/**
 * Rows that do not fit the window.
 */
left_out: Array<TooLongRow>, 
/**
 * Working time.
 */
seconds: number, };

/**
 * A model and what using it means on this computer.
 */
export type ModelInfo = { 
/**
 * Its file.
 */
path: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Whether it is the one that comes with the program.
 */
built_in: boolean, 
/**
 * Its family.
 */
architecture: string, 
/**
 * Number of weights.
 */
parameters: number, 
/**
 * Size of the file.
 */
file_bytes: number, 
/**
 * Longest sequence in tokens.
 */
context_window: number, 
/**
 * Whether it is an instruct model.
 */
has_chat_template: boolean, 
/**
 * Where it runs and why, where that is known.
 */
device: Device | null, 
/**
 * Where it could run.
 */
devices: Array<DeviceOption>, 
/**
 * Whether it computes exactly.
 */
exact: boolean, 
/**
 * Bytes of memory that it needs.
 */
memory_needed: number, 
/**
 * Bytes of memory that are free.
 */
memory_free: number, 
/**
 * Whether it is loaded.
 */
loaded: boolean, 
/**
 * What stands in the way of using it.
 */
problem: AppError | null, };

/**
 * Somewhere a model can run.
 */
export type DeviceOption = { 
/**
 * For [`Draft::device`].
 */
id: string, 
/**
 * In words.
 */
label: string, 
/**
 * Bytes of memory that programs can still have there; null where it is not known.
 */
free: number | null, 
/**
 * Bytes of memory in all.
 */
total: number | null, };

/**
 * What it means that one model scores and another one on this computer writes.
 */
export type ModelRoles = { 
/**
 * Whether they are loaded in turn, because both at once do not fit.
 */
in_turn: boolean, 
/**
 * Bytes that both need.
 */
needed: number, 
/**
 * Bytes that programs can still have.
 */
free: number, 
/**
 * Seconds that one change of models takes, as seen before.
 */
seconds: number | null, 
/**
 * What stands in the way.
 */
problem: AppError | null, };

/**
 * Work and time of a run before it starts.
 */
export type JobEstimate = { 
/**
 * Tokens to compute, roughly.
 */
tokens: number, 
/**
 * Minutes at the speed measured on a few examples.
 */
minutes: number, 
/**
 * Examples that choose.
 */
train: number, 
/**
 * Examples that check.
 */
validation: number, 
/**
 * Rows that do not fit the window.
 */
left_out: Array<TooLongRow>, 
/**
 * Speed of the model.
 */
tokens_per_second: number, };

/**
 * A model's repository on the hub, `owner/name`.
 */
export type RepoId = string;

/**
 * What a model was trained for.
 */
export type ModelKind = "instruct" | "base";

/**
 * Terms of a model.
 */
export type ModelLicence = { 
/**
 * Its name.
 */
name: string, 
/**
 * Where it can be read.
 */
address: string, 
/**
 * Whether it must be accepted on the hub before files are given.
 */
gated: boolean, };

/**
 * A sentence in the program's languages.
 */
export type TwoLanguages = { 
/**
 * English.
 */
en: string, 
/**
 * German.
 */
de: string, };

/**
 * Sizes of a dense decoder, in elements.
 */
export type ModelShape = { 
/**
 * Decoder layers.
 */
layers: number, 
/**
 * Width of the residual stream.
 */
hidden: number, 
/**
 * Width inside the feed-forward block.
 */
feed_forward: number, 
/**
 * Query heads.
 */
heads: number, 
/**
 * Key heads, as many as value heads.
 */
kv_heads: number, 
/**
 * Width of one head.
 */
head_size: number, 
/**
 * Tokens.
 */
vocabulary: number, 
/**
 * Whether the embedding serves as output layer.
 */
tied: boolean, 
/**
 * Longest sequence in tokens.
 */
window: number, };

/**
 * How a model's weights are stored.
 */
export type ModelFormat = "gguf" | "safetensors";

/**
 * A model of the catalogue.
 */
export type CatalogueEntry = { 
/**
 * Its name for programs, which stays.
 */
id: string, 
/**
 * Its name for people.
 */
name: string, 
/**
 * Architecture, as in GGUF files: `llama`, `qwen3`.
 */
family: string, 
/**
 * What it was trained for.
 */
kind: ModelKind, 
/**
 * Weights.
 */
parameters: number, 
/**
 * Under what terms.
 */
licence: ModelLicence, 
/**
 * Languages that it is good at, as two letters each.
 */
languages: Array<string>, 
/**
 * A sentence on what it is good for.
 */
good_for: TwoLanguages, 
/**
 * Where it is on the hub.
 */
repo: RepoId, 
/**
 * What of it is needed; the weights' first file is the first.
 */
files: Array<string>, 
/**
 * How the weights are stored.
 */
format: ModelFormat, 
/**
 * How they are rounded: `Q4_K_M`.
 */
quantisation: string, 
/**
 * Size of all files in bytes, roughly; the hub tells it exactly.
 */
bytes: number, 
/**
 * What its memory is reckoned from.
 */
shape: ModelShape, };

/**
 * Where and how a model is scored, the quickest first.
 */
export type ScoringWay = "gpu_packed" | "gpu" | "packed" | "unpacked" | "as_in_file";

/**
 * Memory in bytes, by what it is for.
 */
export type ModelMemory = { 
/**
 * Weights that mistral.rs holds.
 */
weights: number, 
/**
 * Weights that the packed scorer holds.
 */
packed_weights: number, 
/**
 * Keys and values of the longest prompt.
 */
keys_and_values: number, 
/**
 * What rows need while they go through the layers.
 */
working: number, 
/**
 * The program or the driver.
 */
program: number, };

/**
 * Whether a model fits.
 */
export type FitVerdict = "fits_gpu" | "on_processor" | "too_big";

/**
 * Whether a model fits, and what it needs.
 */
export type Fit = { 
/**
 * Whether it fits.
 */
verdict: FitVerdict, 
/**
 * The quickest way that fits; of a model that is too big, the one that needs
 * least.
 */
way: ScoringWay, 
/**
 * What it needs that way.
 */
memory: ModelMemory, };

/**
 * What a download is doing.
 */
export type DownloadStage = { "kind": "looking_up" } | { "kind": "waiting" } | { "kind": "checking" } | { "kind": "downloading" } | { "kind": "retrying", 
/**
 * Why, as a sentence's beginning.
 */
why: string, 
/**
 * Seconds until then.
 */
seconds: number, 
/**
 * Which try it will be, from 1.
 */
attempt: number, } | { "kind": "ended" };

/**
 * How far a download is.
 */
export type DownloadProgress = { 
/**
 * What it is doing.
 */
stage: DownloadStage, 
/**
 * The file it is at; empty before the first.
 */
file: string, 
/**
 * Files that are here.
 */
files_done: number, 
/**
 * Files in all.
 */
files: number, 
/**
 * Bytes that are here, of all files.
 */
done: number, 
/**
 * Bytes in all; 0 until the hub has said it.
 */
total: number, 
/**
 * Bytes a second, averaged over the last seconds; unknown at first.
 */
bytes_per_second: number | null, 
/**
 * Seconds left at that speed.
 */
seconds_left: number | null, };

/**
 * Files that make one model together.
 */
export type ModelChoice = { 
/**
 * The file's name without its ending, and without its number.
 */
name: string, 
/**
 * How the weights are stored.
 */
format: ModelFormat, 
/**
 * How they are rounded (`Q4_K_M`), where the name tells.
 */
quantisation: string | null, 
/**
 * All that is needed, in order; the weights' first file is the first.
 */
files: Array<string>, 
/**
 * Their size in bytes.
 */
bytes: number, };

/**
 * A file on the hub.
 */
export type RepoFile = { 
/**
 * Name with its folders.
 */
name: string, 
/**
 * Size in bytes.
 */
bytes: number, };

/**
 * What a repository holds at one moment.
 */
export type RepoFiles = { 
/**
 * The repository.
 */
repo: RepoId, 
/**
 * That moment: a commit.
 */
commit: string, 
/**
 * Whether terms must be accepted before files are given.
 */
gated: boolean, 
/**
 * Its licence, as the hub's short name, where one is stated.
 */
licence: string | null, 
/**
 * Family of its GGUF files (`llama`, `qwen3`), where the hub tells.
 */
family: string | null, 
/**
 * Parameters of its GGUF files, where the hub tells.
 */
parameters: number | null, 
/**
 * All files by name.
 */
files: Array<RepoFile>, };

/**
 * Where a model of the hub stands on this computer.
 */
export type ModelState = { "kind": "missing" } | { "kind": "partial", 
/**
 * Bytes that are here.
 */
done: number, } | { "kind": "downloading", 
/**
 * How far it is.
 */
progress: DownloadProgress, } | { "kind": "ready", 
/**
 * Its file or folder, for [`crate::wire::Draft::model_path`].
 */
path: string, };

/**
 * A model of the catalogue.
 */
export type CatalogueModel = { 
/**
 * What it is.
 */
entry: CatalogueEntry, 
/**
 * Whether it fits this computer.
 */
fit: Fit, 
/**
 * Where it stands.
 */
state: ModelState, 
/**
 * Its page on the hub.
 */
page: string, 
/**
 * Names of the projects that use it.
 */
used_by: Array<string>, };

/**
 * A model that is here and not of the catalogue: the built-in one, files that the
 * person chose, and what other programs or the person brought into the cache.
 */
export type OwnModel = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its file or folder; null for the built-in one, as in [`crate::wire::Draft::model_path`].
 */
path: string | null, 
/**
 * Its repository, where it is in the hub's cache.
 */
repo: string | null, 
/**
 * Size of its file in bytes.
 */
bytes: number, 
/**
 * Its family.
 */
architecture: string, 
/**
 * Number of weights.
 */
parameters: number, 
/**
 * Whether it is an instruct model.
 */
has_chat_template: boolean, 
/**
 * What stands in the way of using it.
 */
problem: AppError | null, 
/**
 * Its files in its repository; none where it is not in the hub's cache.
 */
files: Array<string>, 
/**
 * Names of the projects that use it.
 */
used_by: Array<string>, 
/**
 * How it is stored.
 */
format: ModelFormat, };

/**
 * What there is to compute with, and where models are kept.
 */
export type Computer = { 
/**
 * Memory that programs can still have, in bytes.
 */
free: number, 
/**
 * The same on the GPU; null where there is none that this program can use.
 */
gpu: number | null, 
/**
 * Tokens of the longest prompt with its example that fits are reckoned for.
 */
longest: number, 
/**
 * Folder of the models, shared with other programs.
 */
cache: string, 
/**
 * Where models come from.
 */
endpoint: string, 
/**
 * Whether the person's token for the hub is known.
 */
has_token: boolean, 
/**
 * Where models can run.
 */
devices: Array<DeviceOption>, 
/**
 * Bytes that are free where models are kept.
 */
disk_free: number | null, 
/**
 * Why no GPU is used; null where there is one.
 */
no_gpu: DeviceReason | null, };

/**
 * What the page of models shows.
 */
export type ModelsPage = { 
/**
 * From the smallest to the largest.
 */
catalogue: Array<CatalogueModel>, 
/**
 * Others that are here.
 */
own: Array<OwnModel>, 
/**
 * This computer.
 */
computer: Computer, };

/**
 * A repository of the hub that the person named.
 */
export type RepoModels = { 
/**
 * What it holds.
 */
files: RepoFiles, 
/**
 * What of it makes a model that this program can load, each with its state.
 */
choices: Array<RepoChoice>, 
/**
 * Its page on the hub.
 */
page: string, };

/**
 * Files of a repository that make one model together.
 */
export type RepoChoice = { 
/**
 * The files.
 */
choice: ModelChoice, 
/**
 * Where they stand.
 */
state: ModelState, 
/**
 * Whether it fits this computer, roughly: its shape is not known yet.
 */
fit: Fit | null, };

/**
 * How a download ended.
 */
export type DownloadEnd = { "kind": "ready", 
/**
 * Its file or folder.
 */
path: string, } | { "kind": "paused" } | { "kind": "cancelled" } | { "kind": "failed", 
/**
 * Why.
 */
error: AppError, };

/**
 * A server of the person's own, as it is typed in.
 */
export type ServerTyped = { 
/**
 * Its address, with or without `/v1`.
 */
address: string, 
/**
 * Its key; null to take the one that is kept, if there is one.
 */
key: string | null, 
/**
 * The model, as the server calls it; null where it has only one.
 */
model: string | null, 
/**
 * How conversations become text, for scoring: the name of a family
 * (`chatml`, `llama3`, `mistral`, `gemma`, `phi3`), `plain` for a base model, or
 * null to ask the server.
 */
template: string | null, 
/**
 * Longest sequence in tokens, where the server does not tell it.
 */
window: number | null, };

/**
 * A server that was checked.
 */
export type ServerView = { 
/**
 * Stands for it in [`crate::wire::Draft::model_path`] and `writer_path`.
 */
path: string, 
/**
 * Its address.
 */
address: string, 
/**
 * The model.
 */
model: string, 
/**
 * Whether it can write.
 */
writes: boolean, 
/**
 * Whether it can score.
 */
scores: boolean, 
/**
 * Why it cannot score, in the words of the check; empty where it can, or where another
 * version checked it.
 */
why_no_scores: string, 
/**
 * What the check found, a sentence each.
 */
found: Array<Message>, 
/**
 * Whether prompts and keys go over the network as they are (plain HTTP to another
 * computer).
 */
in_clear: boolean, 
/**
 * Whether a key is kept for it.
 */
has_key: boolean, 
/**
 * Whether keys are kept in the system's keyring; else until the program ends.
 */
keys_last: boolean, };

/**
 * What is minimised on label tasks.
 */
export type Objective = "label" | "pairs" | "answer" | "choice" | "both";

/**
 * Whether `s` is divided by the number of target tokens.
 */
export type Normalization = "per_token" | "sum";

/**
 * Who marks the units of a prompt.
 */
export type Segmenter = "auto" | "model" | "rules";

/**
 * How a unit is taken out to measure what it does. The paper says both.
 */
export type MaskMode = "replace" | "remove";

/**
 * How the model is asked for a better prompt.
 */
export type Wording = "auto" | "large_instruct" | "small_instruct" | "completion";

/**
 * How many examples go where.
 */
export type SplitPlan = { 
/**
 * Share of all examples used to choose prompts, over 0 and at most 1.
 */
train_share: number, 
/**
 * At most this many examples are used to choose prompts.
 */
train_limit: number, 
/**
 * Share of all examples held out, 0 to under 1.
 */
validation_share: number, 
/**
 * At most this many examples are held out.
 */
validation_limit: number, };

/**
 * Every choice of the method. Defaults are those of [`Preset::Standard`].
 */
export type Settings = { 
/**
 * The method that a run is begun with ([`METHOD`]).
 */
method: number, 
/**
 * Seed of everything random.
 */
seed: number, 
/**
 * What is minimised on label tasks.
 */
objective: Objective, 
/**
 * Division by token count for supervised data.
 */
normalization: Normalization, 
/**
 * Division by token count for preference data.
 */
preference_normalization: Normalization, 
/**
 * The factor in the preference loss.
 */
beta: number, 
/**
 * Whether the end-of-turn token counts as part of the target (instruct models).
 */
end_of_turn: boolean, 
/**
 * Whether each label's score without content is taken off first
 * ([`Objective::Choice`] and [`Objective::Both`]).
 */
content_free_prior: boolean, 
/**
 * How much the options' common mass counts beside the choice among them
 * ([`Objective::Label`]), 0 or more.
 */
form_weight: number, 
/**
 * Whether the choice is judged with a prompt's leaning to single labels taken off,
 * measured over the training inputs ([`Objective::Label`]).
 */
calibration: boolean, 
/**
 * Sizes of the parts of the data.
 */
split: SplitPlan, 
/**
 * Who marks units.
 */
segmenter: Segmenter, 
/**
 * Most units of a prompt.
 */
max_segments: number, 
/**
 * How a unit is taken out.
 */
mask_mode: MaskMode, 
/**
 * How many standard errors make an effect clear.
 */
clear_z: number, 
/**
 * How many of the hardest examples guide rewrites in each step (paper: 3).
 */
hard_examples: number, 
/**
 * Rewrites per hard example (paper: 4); 0 switches the rewriter off.
 */
rewrites: number, 
/**
 * How the model is asked.
 */
wording: Wording, 
/**
 * Temperature of rewrites.
 */
temperature: number, 
/**
 * Nucleus share of rewrites.
 */
top_p: number, 
/**
 * Most tokens of one rewrite; a long prompt gets the room that it needs beyond that.
 */
max_rewrite_tokens: number, 
/**
 * Propose prompts without a hurting unit.
 */
propose_drop: boolean, 
/**
 * Propose other orders of the units.
 */
propose_reorder: boolean, 
/**
 * Phrases of the bank tried in each step; 0 switches the bank off.
 */
bank_phrases: number, 
/**
 * Most demonstrations in a prompt; 0 allows none.
 */
max_demonstrations: number, 
/**
 * Examples tried for each place among the demonstrations, and orders of them.
 */
demonstration_sets: number, 
/**
 * A candidate that copies this many consecutive words of a training example is refused.
 */
leak_words: number, 
/**
 * Score candidates on growing parts of the training examples and drop those
 * that cannot win any more.
 */
racing: boolean, 
/**
 * How many standard errors behind a candidate must be to be dropped.
 */
race_z: number, 
/**
 * Most steps (paper: 20).
 */
steps: number, 
/**
 * Steps without improvement after which the run ends; 0 never ends it.
 */
patience: number, 
/**
 * Smallest gain in nats that replaces the incumbent.
 */
min_gain: number, 
/**
 * How many standard errors a gain must be, so that chance alone seldom replaces the
 * incumbent.
 */
accept_z: number, 
/**
 * Whether parts of the best prompt that are not clearly missed are left out at the end.
 */
prune: boolean, 
/**
 * Held-out examples that the model answers with start and best prompt at the end.
 */
answers: number, 
/**
 * Budget of computed tokens.
 */
max_tokens: number | null, 
/**
 * Budget of working time in minutes.
 */
max_minutes: number | null, };

/**
 * Where a run stands.
 */
export type RunState = "queued" | "running" | "paused" | "completed" | "failed" | "cancelled";

/**
 * A run in a list.
 */
export type RunSummary = { 
/**
 * Number.
 */
id: number, 
/**
 * Its project.
 */
project: number, 
/**
 * Name of the project.
 */
project_name: string, 
/**
 * Name.
 */
name: string, 
/**
 * Where it stands.
 */
state: RunState, 
/**
 * Whether this program is working on it now.
 */
active: boolean, 
/**
 * Whether it was measured on other examples than the project has now.
 */
earlier_data: boolean, 
/**
 * Training loss of the start prompt.
 */
start_loss: number | null, 
/**
 * Training loss of the best prompt so far.
 */
best_loss: number | null, 
/**
 * What the check on held-out examples said.
 */
verdict: Verdict | null, 
/**
 * Right answers when asked, of start and best prompt on held-out examples.
 */
asked: Change | null, 
/**
 * Right answers by forced choice, likewise.
 */
choices: Change | null, 
/**
 * Number of held-out examples, where they were looked at.
 */
held_out: number | null, 
/**
 * Milliseconds since 1970.
 */
created_at: number, 
/**
 * Milliseconds since 1970.
 */
finished_at: number | null, 
/**
 * Seconds that the model worked.
 */
working_seconds: number, 
/**
 * The fault that broke it off.
 */
error: AppError | null, };

/**
 * A run in the table of runs.
 */
export type RunLine = { 
/**
 * The run.
 */
run: RunSummary, 
/**
 * First words of its start prompt.
 */
prompt: string, 
/**
 * Number of the version that it began with.
 */
start_version: number, 
/**
 * Number of the version that its best prompt became.
 */
best_version: number | null, 
/**
 * Name of its examples.
 */
data: string, 
/**
 * Number of examples.
 */
examples: number, 
/**
 * Name of the model.
 */
model: string, 
/**
 * Where it ran.
 */
device: Device, 
/**
 * Who wrote its rewrites, where that was another model.
 */
writer: RunWriter | null, 
/**
 * All settings.
 */
settings: Settings, 
/**
 * Held-out losses of start and best prompt, in nats.
 */
validation: [number, number] | null, 
/**
 * Pairs of prompt and example that it looked at.
 */
pairs: number, 
/**
 * Tokens computed.
 */
tokens: number, 
/**
 * Steps decided.
 */
steps: number, 
/**
 * What the person noted.
 */
note: string, 
/**
 * The person's tags, sorted.
 */
tags: Array<string>, 
/**
 * Whether it is put aside.
 */
archived: boolean, 
/**
 * Colour of its curve as `#rrggbb`; the same in every picture.
 */
colour: string, 
/**
 * Whether the person chose that colour.
 */
own_colour: boolean, 
/**
 * Equal where losses may be compared: same data, model and kind of loss.
 */
ground: string, };

/**
 * What the curves of runs are drawn over.
 */
export type CurveAxis = "prompts" | "steps" | "pairs" | "tokens" | "seconds";

/**
 * Which losses a curve goes through.
 */
export type CurveKind = "best" | "each";

/**
 * What runs are put together by. Runs that cannot be compared never share a group.
 */
export type CurveGroups = "none" | "prompt" | "model" | "data";

/**
 * How curves are drawn.
 */
export type CurveStyle = { 
/**
 * Over what.
 */
axis: CurveAxis, 
/**
 * Through what.
 */
kind: CurveKind, 
/**
 * Weight of what came before in the moving average, from 0 (off) to below 1.
 */
smoothing: number, 
/**
 * Put together by what.
 */
groups: CurveGroups, 
/**
 * Whether the loss axis is logarithmic.
 */
log: boolean, 
/**
 * Whether the start's loss is drawn as a level line.
 */
starts: boolean, };

/**
 * Curves to be drawn into one picture.
 */
export type OverlayRequest = { 
/**
 * The runs shown.
 */
runs: Array<number>, 
/**
 * How.
 */
style: CurveStyle, 
/**
 * Whether the prompts tried are drawn as marks; of a single run only.
 */
prompts: boolean, 
/**
 * Width in pixels.
 */
width: number, 
/**
 * Height in pixels.
 */
height: number, 
/**
 * Light on dark.
 */
dark: boolean, 
/**
 * The part of the axis shown; everything where there is none.
 */
x_range: [number, number] | null, 
/**
 * Losses shown; everything that matters where there is none.
 */
y_range: [number, number] | null, };

/**
 * The columns of a table of curves, and what stands in them in words.
 */
export type ColumnWords = { 
/**
 * Name of the curve.
 */
curve: string, 
/**
 * Numbers of its runs.
 */
runs: string, 
/**
 * The place on the axis.
 */
place: string, 
/**
 * The loss drawn.
 */
loss: string, 
/**
 * The loss measured, where smoothing draws another one.
 */
measured: string, 
/**
 * Lowest loss of a group.
 */
lowest: string, 
/**
 * Highest loss of a group.
 */
highest: string, 
/**
 * Number of the prompt.
 */
number: string, 
/**
 * Step of the prompt.
 */
step: string, 
/**
 * Whether the loss is an estimate.
 */
estimate: string, 
/**
 * It is.
 */
yes: string, 
/**
 * It is not.
 */
no: string, };

/**
 * The words of a picture, and of the same figures as a table.
 */
export type PictureWords = { 
/**
 * Below the axis that goes across.
 */
axis: string, 
/**
 * Beside the axis that goes upwards, with its unit.
 */
loss: string, 
/**
 * The level of the start prompt.
 */
start: string, 
/**
 * A prompt that was tried.
 */
prompt: string, 
/**
 * A prompt that was dropped early, whose loss is an estimate.
 */
dropped: string, 
/**
 * The line of the best so far.
 */
best: string, 
/**
 * Losses on held-out examples.
 */
check: string, 
/**
 * Curves that have no room in the legend; `{}` stands for their number.
 */
more: string, 
/**
 * The columns of the table.
 */
columns: ColumnWords, };

/**
 * A curve of an overlay: a run, or a group of them.
 */
export type OverlayCurve = { 
/**
 * Names the curve within the picture.
 */
key: number, 
/**
 * Name of the run or of the group.
 */
name: string, 
/**
 * The runs in it.
 */
runs: Array<number>, 
/**
 * `#rrggbb`.
 */
colour: string, 
/**
 * Loss of the start; of a group the mean.
 */
start: number, 
/**
 * Lowest loss reached; of a group the mean.
 */
best: number, 
/**
 * Where it ends on the axis.
 */
end: number, 
/**
 * Its ground; see [`RunLine::ground`].
 */
ground: string, };

/**
 * What runs of one overlay were measured on.
 */
export type Ground = { 
/**
 * Its name; see [`RunLine::ground`].
 */
key: string, 
/**
 * The runs.
 */
runs: Array<number>, 
/**
 * Name of the data.
 */
data: string, 
/**
 * Number of examples.
 */
examples: number, 
/**
 * Name of the model.
 */
model: string, 
/**
 * Settings of the loss that are not the same in all grounds: name and value.
 */
settings: Array<[string, string]>, 
/**
 * What is not as in the first ground.
 */
differs: GroundDifference, };

/**
 * What differs from another ground.
 */
export type GroundDifference = { 
/**
 * Other examples, or others of them that choose.
 */
data: boolean, 
/**
 * Another model, or another device.
 */
model: boolean, 
/**
 * Another kind of loss.
 */
settings: boolean, };

/**
 * Several runs in one picture and what a layer over it needs.
 */
export type Overlay = { 
/**
 * The picture.
 */
svg: string, 
/**
 * The curves, in the order of the runs asked for.
 */
curves: Array<OverlayCurve>, 
/**
 * Runs without any measured prompt, which are not drawn.
 */
empty: Array<number>, 
/**
 * What they were measured on; more than one where heights cannot be compared.
 */
grounds: Array<Ground>, 
/**
 * The plotted rectangle.
 */
plot: PlotRect, 
/**
 * Its width in units of the axis.
 */
x: AxisRange, 
/**
 * Its height in nats.
 */
y: LossRange, };

/**
 * A curve at one place of the axis.
 */
export type OverlayReading = { 
/**
 * The curve.
 */
key: number, 
/**
 * The place of the point read: the last one not behind the place asked for.
 */
x: number, 
/**
 * Number of the prompt; none of a group.
 */
ordinal: number | null, 
/**
 * Step of that prompt; none of a group.
 */
step: number | null, 
/**
 * Loss there, as drawn, in nats; null before the curve begins.
 */
value: number | null, 
/**
 * The loss that was measured, where smoothing draws another one.
 */
raw: number | null, 
/**
 * Lowest and highest loss within a group.
 */
band: [number, number] | null, 
/**
 * Whether it is an estimate: the prompt was dropped before all examples were scored.
 */
estimate: boolean, };

/**
 * Files that several runs are written as.
 */
export type OverlayFormat = "csv" | "svg" | "png";

/**
 * How the page of runs was left.
 */
export type RunsPage = { 
/**
 * How curves are drawn.
 */
style: CurveStyle, 
/**
 * Columns of the table, by name, in their order; the usual ones where there are none.
 */
columns: Array<string>, 
/**
 * The column that the table is sorted by.
 */
sort: string, 
/**
 * Whether the order is turned round.
 */
descending: boolean, 
/**
 * Runs whose curves are shown; the newest ones where none was ever chosen.
 */
shown: Array<number> | null, 
/**
 * Whether runs put aside are listed.
 */
archived: boolean, };

/**
 * What held-out examples say of the best prompt beside the start prompt.
 */
export type Verdict = "better" | "surer_but_less_right" | "no_clear_difference" | "worse" | "too_few";

/**
 * Why a run ended.
 */
export type StopReason = "steps" | "patience" | "token_budget" | "time_budget" | "cancelled";

/**
 * How a candidate came to be.
 */
export type Origin = { "kind": "start" } | { "kind": "mask", 
/**
 * The unit's place among the units.
 */
segment: number, } | { "kind": "rewrite", 
/**
 * Index of the hard example that guided it.
 */
example: number, 
/**
 * Its number among that example's rewrites.
 */
variant: number, } | { "kind": "drop", 
/**
 * The unit's place among the units.
 */
segment: number, } | { "kind": "reorder", 
/**
 * What was done, in words.
 */
how: string, } | { "kind": "bank", 
/**
 * The phrase.
 */
phrase: string, } | { "kind": "demonstrations", 
/**
 * Indices of the examples shown.
 */
examples: Array<number>, } | { "kind": "prune", 
/**
 * The unit's place among the units.
 */
segment: number, };

/**
 * Why a proposal was not scored.
 */
export type Refusal = { "kind": "empty" } | { "kind": "repeated" } | { "kind": "placeholders" } | { "kind": "frozen" } | { "kind": "leak", 
/**
 * The copied words.
 */
words: string, } | { "kind": "too_long" } | { "kind": "budget" } | { "kind": "unfinished" };

/**
 * How far a dropped candidate came.
 */
export type DroppedEarly = { 
/**
 * Examples scored.
 */
scored: number, 
/**
 * Examples that the whole score would have had.
 */
of: number, };

/**
 * A prompt that was tried: scored or refused.
 */
export type Candidate = { 
/**
 * Number within the run, from 0 (the start prompt).
 */
ordinal: number, 
/**
 * Step that proposed it; 0 for the start prompt.
 */
step: number, 
/**
 * The prompt that it was made from.
 */
parent: number | null, 
/**
 * How it was made.
 */
origin: Origin, 
/**
 * The prompt.
 */
text: string, 
/**
 * Mean training loss in nats; an estimate where it was dropped.
 */
loss: number | null, 
/**
 * Set where it was dropped because it could not win any more.
 */
dropped: DroppedEarly | null, 
/**
 * Standard error of that mean.
 */
std_error: number | null, 
/**
 * Share of right choices among the labels (forced choice).
 */
accuracy: number | null, 
/**
 * Share of examples on which the model would say a right answer by itself.
 */
asked: number | null, 
/**
 * Mean of `-ln` of the right option's share, in nats, on label tasks.
 */
choice: number | null, 
/**
 * Mean of `-ln` of the mass of all options, in nats, on label tasks.
 */
form: number | null, 
/**
 * Why it was not scored.
 */
refusal: Refusal | null, };

/**
 * What a unit of the prompt does.
 */
export type SegmentVerdict = "helps" | "no_clear_effect" | "hurts";

/**
 * What a part of a prompt was found to do.
 */
export type SegmentFinding = { 
/**
 * In a word.
 */
verdict: SegmentVerdict, 
/**
 * Loss without it minus loss with it, in nats; positive helps.
 */
effect: number, 
/**
 * Paired standard error of that effect.
 */
std_error: number | null, };

/**
 * A piece of a measured prompt.
 */
export type SegmentPiece = { 
/**
 * The text.
 */
text: string, 
/**
 * What it does, where it was measured.
 */
finding: SegmentFinding | null, };

/**
 * A measured prompt in pieces that put together are its text.
 */
export type SegmentView = { 
/**
 * The step.
 */
step: number, 
/**
 * The candidate.
 */
candidate: number, 
/**
 * The pieces.
 */
pieces: Array<SegmentPiece>, };

/**
 * What a step decided.
 */
export type StepSummary = { 
/**
 * The step, from 1.
 */
step: number, 
/**
 * The best prompt after it.
 */
incumbent: number, 
/**
 * Its training loss.
 */
loss: number, 
/**
 * Whether it is a new one.
 */
improved: boolean, };

/**
 * Memory in use where a model runs, in bytes.
 */
export type MemoryUse = { 
/**
 * In use: of a processor's memory by this program, of a GPU's by all.
 */
used: number, 
/**
 * All that there is.
 */
total: number, 
/**
 * Whether it is a GPU's.
 */
gpu: boolean, };

/**
 * How far a run is.
 */
export type Progress = { 
/**
 * Tokens computed so far.
 */
tokens_done: number, 
/**
 * Tokens left, roughly.
 */
tokens_left: number, 
/**
 * Seconds left at the speed seen so far.
 */
seconds_left: number | null, 
/**
 * Tokens a second, of the last seconds.
 */
speed: number | null, 
/**
 * Memory in use where the model runs.
 */
memory: MemoryUse | null, };

/**
 * What a run is busy with.
 */
export type RunPhase = "loading_model" | "measuring_start" | "analysing" | "trying" | "demonstrating" | "pruning" | "validating" | "answering" | "waiting_for_database" | "ended";

/**
 * A range of values.
 */
export type Interval = { 
/**
 * Lower end.
 */
low: number, 
/**
 * Upper end.
 */
high: number, };

/**
 * How answers changed between two prompts on the same examples, and whether chance
 * alone would do as much (McNemar's test, exact).
 */
export type Change = { 
/**
 * Share right before, by weight.
 */
before: number, 
/**
 * Share right after, by weight.
 */
after: number, 
/**
 * Examples that were wrong and are right.
 */
gained: number, 
/**
 * Examples that were right and are wrong.
 */
lost: number, 
/**
 * How often chance alone would make a difference at least as large, two-sided.
 */
p: number, };

/**
 * Start and best prompt on the held-out examples.
 */
export type Validation = { 
/**
 * Loss of the start prompt.
 */
start_loss: number, 
/**
 * Loss of the best prompt.
 */
best_loss: number, 
/**
 * 95 % interval of `best - start`; none with fewer than two examples.
 */
interval: Interval | null, 
/**
 * What is to be said.
 */
verdict: Verdict, 
/**
 * Shares of right choices of start and best (forced choice), on label tasks and
 * preference data.
 */
accuracy: [number, number] | null, 
/**
 * Number of held-out examples.
 */
examples: number, 
/**
 * How many answers the model would say right by itself, where that was asked.
 */
asked: Change | null, 
/**
 * How forced choices changed.
 */
choices: Change | null, 
/**
 * As `accuracy`, with each prompt's leaning to single labels taken off.
 */
calibrated: [number, number] | null, 
/**
 * `-ln` of the right option's share, start and best, in nats, on label tasks.
 */
choice: [number, number] | null, 
/**
 * `-ln` of the mass of all options, start and best, in nats, on label tasks.
 */
form: [number, number] | null, 
/**
 * Groups of examples that are no near copies of each other.
 */
groups: number | null, 
/**
 * The smallest true difference of the loss, in nats, that this check would have
 * found four times in five.
 */
smallest_seen: number | null, 
/**
 * How often held-out examples of this data have been looked at, this time included.
 */
looks: number | null, };

/**
 * What start and best prompt make the model write on a held-out example.
 */
export type WrittenAnswer = { 
/**
 * Index of the example.
 */
example: number, 
/**
 * With the start prompt.
 */
start: string, 
/**
 * With the best prompt.
 */
best: string, 
/**
 * Whether they are right answers but for case and white space, where answers are
 * short enough to ask that: of start and best.
 */
right: [boolean, boolean] | null, };

/**
 * The end of a run.
 */
export type Outcome = { 
/**
 * Why it ended.
 */
reason: StopReason, 
/**
 * The candidate with the lowest training loss.
 */
best: number, 
/**
 * Training loss of the start prompt.
 */
start_loss: number, 
/**
 * Training loss of the best prompt.
 */
best_loss: number, 
/**
 * The check on held-out data; none without such data or after a cancel.
 */
validation: Validation | null, 
/**
 * What both prompts make the model write on some held-out examples.
 */
answers: Array<WrittenAnswer>, };

/**
 * Everything about a run at one moment.
 */
export type RunView = { 
/**
 * The run.
 */
run: RunSummary, 
/**
 * All settings.
 */
settings: Settings, 
/**
 * Name of the model.
 */
model: string, 
/**
 * Where it runs.
 */
device: Device, 
/**
 * Who writes its rewrites, where that is another model.
 */
writer: RunWriter | null, 
/**
 * Name of the examples.
 */
data_name: string, 
/**
 * Examples that choose.
 */
train: number, 
/**
 * Examples that check.
 */
validation: number, 
/**
 * The start prompt.
 */
start_prompt: string, 
/**
 * The best prompt so far.
 */
best: Candidate | null, 
/**
 * All prompts in order of trial.
 */
candidates: Array<Candidate>, 
/**
 * The measured prompts, in order of step.
 */
segments: Array<SegmentView>, 
/**
 * What the steps decided.
 */
steps: Array<StepSummary>, 
/**
 * What it is busy with.
 */
phase: RunPhase, 
/**
 * How far it is, while it is going.
 */
progress: Progress | null, 
/**
 * How it ended.
 */
outcome: Outcome | null, 
/**
 * Rows that do not fit the window.
 */
left_out: Array<TooLongRow>, };

/**
 * What computes.
 */
export type DeviceClass = { "kind": "cpu" } | { "kind": "gpu", 
/**
 * Its number, from 0.
 */
number: number, 
/**
 * What its driver calls it.
 */
name: string | null, } | { "kind": "server", 
/**
 * Host and port.
 */
address: string, } | { "kind": "other", 
/**
 * The words.
 */
words: string, };

/**
 * What weights are while they are computed with.
 */
export type Precision = "exact" | "stored" | "unknown";

/**
 * What computes the losses.
 */
export type ScorerKind = "packed" | "engine";

/**
 * Why a model is computed where and how it is.
 */
export type DeviceReason = { "kind": "cpu_asked" } | { "kind": "no_gpu_support" } | { "kind": "no_gpu", 
/**
 * What the driver says.
 */
why: string, } | { "kind": "gpu_too_small", 
/**
 * Its name.
 */
gpu: string, 
/**
 * MiB that it has free.
 */
free_mib: number, 
/**
 * MiB that the model needs.
 */
needs_mib: number, } | { "kind": "gpu_failed", 
/**
 * What the driver says.
 */
why: string, } | { "kind": "stored_asked" } | { "kind": "memory_short" } | { "kind": "not_packed", 
/**
 * Why not.
 */
why: string, };

/**
 * Where and how a model is computed, and why so.
 */
export type Device = { 
/**
 * What computes.
 */
class: DeviceClass, 
/**
 * What it computes with.
 */
precision: Precision, 
/**
 * What computes the losses.
 */
scorer: ScorerKind, 
/**
 * Why it is this device, this precision and this scorer, where that is worth a word.
 */
reasons: Array<DeviceReason>, };

/**
 * A model that writes a run's rewrites and does not score.
 */
export type RunWriter = { 
/**
 * Its name.
 */
name: string, 
/**
 * Where it runs.
 */
device: Device, };

/**
 * What a watched run tells, in order. The first message is a snapshot.
 */
export type RunMessage = { "kind": "snapshot", 
/**
 * Everything.
 */
view: RunView, } | { "kind": "phase", 
/**
 * The activity.
 */
phase: RunPhase, } | { "kind": "candidate", 
/**
 * The prompt.
 */
candidate: Candidate, } | { "kind": "segments", 
/**
 * The prompt in pieces.
 */
segments: SegmentView, } | { "kind": "step", 
/**
 * The decision.
 */
step: StepSummary, 
/**
 * The best prompt after it.
 */
best: Candidate, } | { "kind": "progress", 
/**
 * How far.
 */
progress: Progress, } | { "kind": "ended", 
/**
 * Everything.
 */
view: RunView, };

/**
 * Part of the data.
 */
export type Part = "train" | "validation";

/**
 * One example under start and best prompt.
 */
export type ExampleChange = { 
/**
 * Row in the file, from 1.
 */
row: number, 
/**
 * The input.
 */
input: string, 
/**
 * The right answer.
 */
target: string, 
/**
 * Loss under the start prompt, in nats.
 */
start_loss: number, 
/**
 * Loss under the best prompt, in nats.
 */
best_loss: number, 
/**
 * Whether the likeliest label was right at the start, on label tasks.
 */
start_correct: boolean | null, 
/**
 * Whether it is right under the best prompt.
 */
best_correct: boolean | null, 
/**
 * Whether the model would say a right answer by itself at the start.
 */
start_asked: boolean | null, 
/**
 * Whether it would under the best prompt.
 */
best_asked: boolean | null, };

/**
 * What start and best prompt make the model write.
 */
export type AnswerPair = { 
/**
 * Row in the file, from 1.
 */
row: number, 
/**
 * The input.
 */
input: string, 
/**
 * The right answer.
 */
target: string, 
/**
 * With the start prompt.
 */
start: string, 
/**
 * With the best prompt.
 */
best: string, 
/**
 * Whether they are right, where that can be told.
 */
right: [boolean, boolean] | null, };

/**
 * A part of a [`Split`] that figures are taken from.
 */
export type SplitPart = "train" | "validation";

/**
 * Where the rows of one label are.
 */
export type LabelShare = { 
/**
 * The label, or an answer that repeats.
 */
label: string, 
/**
 * Rows with it in all the data, used or not.
 */
all: number, 
/**
 * Rows with it that choose prompts.
 */
train: number, 
/**
 * Rows with it that only check the result.
 */
validation: number, 
/**
 * Rows with it that do neither.
 */
pool: number, };

/**
 * What is wrong with a split.
 */
export type SplitWarning = { "kind": "label_missing", 
/**
 * The label.
 */
label: string, 
/**
 * The part.
 */
part: SplitPart, } | { "kind": "label_uneven", 
/**
 * The label.
 */
label: string, 
/**
 * The part.
 */
part: SplitPart, 
/**
 * Rows of the label that the part has.
 */
has: number, 
/**
 * Rows that it would have in proportion.
 */
share: number, } | { "kind": "few_held_out", 
/**
 * Rows held out.
 */
rows: number, } | { "kind": "few_training", 
/**
 * Rows that choose prompts.
 */
rows: number, };

/**
 * What a split holds, and what is wrong with it.
 */
export type SplitBalance = { 
/**
 * Labels, or answers that repeat, sorted; none where most answers do not.
 * Answers that do not repeat are left out.
 */
labels: Array<LabelShare>, 
/**
 * Rows that choose prompts.
 */
train: number, 
/**
 * Rows that only check the result.
 */
validation: number, 
/**
 * Rows that do neither.
 */
pool: number, 
/**
 * What is wrong, the worst first.
 */
warnings: Array<SplitWarning>, };

/**
 * What a run brought.
 */
export type RunResult = { 
/**
 * The run.
 */
view: RunView, 
/**
 * The start prompt.
 */
start: string, 
/**
 * The best prompt.
 */
best: string, 
/**
 * The version that it became.
 */
best_version: VersionSummary | null, 
/**
 * Where `rows` were measured: held-out examples where there are any.
 */
part: Part, 
/**
 * The examples.
 */
rows: Array<ExampleChange>, 
/**
 * What both prompts make the model write on some held-out examples.
 */
answers: Array<AnswerPair>, 
/**
 * How the run's examples were split; its warnings say where the split was bad.
 */
balance: SplitBalance | null, };

/**
 * The plotted rectangle in pixels.
 */
export type PlotRect = { 
/**
 * Left edge.
 */
left: number, 
/**
 * Upper edge.
 */
top: number, 
/**
 * Width.
 */
width: number, 
/**
 * Height.
 */
height: number, };

/**
 * What a picture shows across.
 */
export type AxisRange = { 
/**
 * First.
 */
min: number, 
/**
 * Last.
 */
max: number, };

/**
 * Losses that a picture shows.
 */
export type LossRange = { 
/**
 * Lowest.
 */
min: number, 
/**
 * Highest.
 */
max: number, 
/**
 * Whether distances are those of logarithms.
 */
log: boolean, };

/**
 * Where the axes of a picture lie and what they show, for a layer over it.
 */
export type ChartFrame = { 
/**
 * The plotted rectangle.
 */
plot: PlotRect, 
/**
 * Its width in units of the axis.
 */
x: AxisRange, 
/**
 * Its height in nats.
 */
y: LossRange, };

/**
 * What a run is written as.
 */
export type ExportFormat = "txt" | "md" | "json" | "csv";

/**
 * An answer while it is written.
 */
export type TryMessage = { "kind": "text", 
/**
 * What comes after what was told before.
 */
text: string, } | { "kind": "done", 
/**
 * Tokens read and written.
 */
tokens: number, 
/**
 * Working time.
 */
seconds: number, } | { "kind": "failed", 
/**
 * Why.
 */
error: AppError, };

/**
 * What the shell tells the window at any time.
 */
export type ShellEvent = { "kind": "close_requested", 
/**
 * The run.
 */
run: number, } | { "kind": "files_dropped", 
/**
 * Where they are.
 */
paths: Array<string>, } | { "kind": "files_opened" } | { "kind": "data_changed", 
/**
 * How it stands to the examples now.
 */
news: DataNews, } | { "kind": "measuring", 
/**
 * The project.
 */
project: number, 
/**
 * Examples done.
 */
done: number, 
/**
 * Of how many.
 */
total: number, } | { "kind": "measured", 
/**
 * The project.
 */
project: number, 
/**
 * What went wrong, if anything did.
 */
error: AppError | null, } | { "kind": "download", 
/**
 * Its repository.
 */
repo: string, 
/**
 * The files asked for.
 */
files: Array<string>, 
/**
 * How far it is.
 */
progress: DownloadProgress, } | { "kind": "download_ended", 
/**
 * Its repository.
 */
repo: string, 
/**
 * The files asked for.
 */
files: Array<string>, 
/**
 * How.
 */
end: DownloadEnd, } | { "kind": "run_changed", 
/**
 * The run.
 */
run: RunSummary, };

/**
 * A file that the program was asked to open.
 */
export type OpenedFile = { 
/**
 * Where it is.
 */
path: string, 
/**
 * Whether it is there.
 */
is_there: boolean, };

/**
 * A package that is linked into the program.
 */
export type Linked = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its version.
 */
version: string, 
/**
 * Its licence, as an SPDX expression.
 */
licence: string, };

/**
 * What the program is and where it keeps things.
 */
export type About = { 
/**
 * Its version.
 */
version: string, 
/**
 * The commit it was built from, where the build says so.
 */
commit: string | null, 
/**
 * Folder of database, models that were brought, samples.
 */
data: string, 
/**
 * Folder of what can be made anew.
 */
cache: string, 
/**
 * Folder of what the program says of faults.
 */
log: string, 
/**
 * The built-in model's file.
 */
model: string, 
/**
 * Whether it is there.
 */
model_is_there: boolean, 
/**
 * The computer that is asked for a newer version when the person wants it; none where
 * the package names none.
 */
asks: string | null, 
/**
 * What is linked in, by name.
 */
linked: Array<Linked>, };

/**
 * A version of the program that is newer than this one.
 */
export type NewerVersion = { 
/**
 * Its version.
 */
version: string, 
/**
 * When it was published, as year, month and day.
 */
date: string | null, 
/**
 * What changed, as text.
 */
notes: string, 
/**
 * Whether the program can install it; else its file is saved for the person.
 */
installs: boolean, };

/**
 * How far the download of a newer version is.
 */
export type UpdateProgress = { 
/**
 * Bytes that are here.
 */
done: number, 
/**
 * Bytes of the whole, where the server says so.
 */
whole: number | null, };

/**
 * What became of a newer version.
 */
export type UpdateEnd = { "kind": "installed" } | { "kind": "saved", 
/**
 * Where it is.
 */
path: string, } | { "kind": "cancelled" };
