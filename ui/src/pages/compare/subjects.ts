import type { ComparisonRequest, GroundChoice, Project, Subject } from "../../backend/generated/wire";
import { firstWords } from "../../lib/run-format";
import { format, t } from "../../text";

type Option = { value: string; label: string };

/** A name in a line of other words: neither its direction nor its length reaches them. */
const name = (text: string) => `\u2068${firstWords(text, 60)}\u2069`;

/** A subject as the value of a list. */
export function subjectKey(subject: Subject): string {
  if (subject.kind === "draft") return "draft";
  if (subject.kind === "version") return `version:${subject.id}`;
  return `${subject.kind === "run_best" ? "best" : "start"}:${subject.run}`;
}

export function subjectOf(key: string): Subject {
  const [kind, number] = key.split(":");
  const id = Number(number);
  if (kind === "version") return { kind: "version", id };
  if (kind === "best") return { kind: "run_best", run: id };
  if (kind === "start") return { kind: "run_start", run: id };
  return { kind: "draft" };
}

export function groundKey(ground: GroundChoice): string {
  return ground.kind === "project" ? "project" : `run:${ground.run}`;
}

export function groundOf(key: string): GroundChoice {
  return key === "project" ? { kind: "project" } : { kind: "run", run: Number(key.split(":")[1]) };
}

/** What a prompt is called, without its labels. */
export function subjectName(project: Project, subject: Subject): string {
  if (subject.kind === "draft") return t.project.draft;
  if (subject.kind === "version") {
    const version = project.versions.find((one) => one.id === subject.id);
    return version ? t.project.version(format.count(version.number)) : t.compare.gone;
  }
  const run = project.runs.find((one) => one.id === subject.run);
  if (!run) return t.compare.gone;
  return subject.kind === "run_best" ? t.compare.bestOf(name(run.name)) : t.compare.startOf(name(run.name));
}

/**
 * The draft, every version, and the best of every run that has measured
 * something. What is chosen is always among them, even where it is gone.
 */
export function subjectOptions(project: Project, chosen: Subject[]): Option[] {
  const versions = [...project.versions].sort((a, b) => b.number - a.number);
  const labels = new Map(versions.map((version) => [version.id, version.labels.map((label) => (label === "in use" ? t.project.inUse : name(label)))]));
  const subjects: Subject[] = [
    { kind: "draft" },
    ...versions.map((version): Subject => ({ kind: "version", id: version.id })),
    ...project.runs.filter((run) => run.best_loss !== null).map((run): Subject => ({ kind: "run_best", run: run.id })),
  ];
  const keys = new Set(subjects.map(subjectKey));
  for (const subject of chosen) {
    if (!keys.has(subjectKey(subject))) subjects.push(subject);
    keys.add(subjectKey(subject));
  }
  return subjects.map((subject) => ({
    value: subjectKey(subject),
    label: [subjectName(project, subject), ...(subject.kind === "version" ? (labels.get(subject.id) ?? []) : [])].join(" · "),
  }));
}

export function groundOptions(project: Project, chosen: GroundChoice): Option[] {
  const options = [
    { value: "project", label: project.data ? t.compare.groundProject(name(project.data.name)) : t.compare.groundNoData },
    ...project.runs.map((run) => ({ value: `run:${run.id}`, label: t.compare.groundRun(name(run.name)) })),
  ];
  const key = groundKey(chosen);
  return options.some((option) => option.value === key) ? options : [...options, { value: key, label: t.compare.gone }];
}

export function swapped(request: ComparisonRequest): ComparisonRequest {
  return { ...request, first: request.second, second: request.first };
}
