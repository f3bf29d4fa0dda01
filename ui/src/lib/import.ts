import type { AnswerColumns, DataKind, Fault, ImportChoice, Mapping, Reason, Remedy, Rule } from "../backend/generated/wire";

/** Nothing chosen: everything is found out. */
export const noChoice: ImportChoice = { sheet: null, header: null, separator: null, mapping: null, remedies: [] };

/** A mapping in which nothing is chosen yet. */
export const emptyMapping: Mapping = {
  inputs: [""], answer: { kind: "supervised", target: "", also: [] }, rule: { kind: "whole" }, options: [], split: null, id: null, weight: null,
};

export type AnswerRole = "target" | "chosen" | "rejected";

/** The roles of answers for a kind of data, in their order. */
export const answerRoles: Record<DataKind, AnswerRole[]> = { supervised: ["target"], preference: ["chosen", "rejected"] };

export function answerOf(answer: AnswerColumns, role: AnswerRole): string {
  if (answer.kind === "supervised") return role === "target" ? answer.target : "";
  return role === "target" ? "" : answer[role];
}

export function withAnswer(mapping: Mapping, role: AnswerRole, column: string): Mapping {
  const { answer } = mapping;
  if (answer.kind === "supervised") {
    return { ...mapping, answer: { ...answer, target: column, also: answer.also.filter((one) => one !== column) } };
  }
  return { ...mapping, answer: { ...answer, [role]: column } };
}

/** The same columns as the other kind of data, as far as they are known. */
export function withKind(mapping: Mapping, kind: DataKind): Mapping {
  const { answer } = mapping;
  if (answer.kind === kind) return mapping;
  const rule: Rule = { kind: "whole" };
  if (answer.kind === "supervised") return { ...mapping, rule, answer: { kind: "preference", chosen: answer.target, rejected: "" } };
  return { ...mapping, rule, answer: { kind: "supervised", target: answer.chosen, also: [] } };
}

/** Puts `column` at a place of the inputs; "" takes the place away. */
export function withInput(mapping: Mapping, place: number, column: string): Mapping {
  const inputs = mapping.inputs.slice();
  inputs[place] = column;
  const filled = inputs.filter((one, at) => one !== "" && inputs.indexOf(one) === at);
  return { ...mapping, inputs: filled.length ? filled : [""] };
}

/** Whether every column that is needed is chosen. */
export function isComplete(mapping: Mapping): boolean {
  const answers = answerRoles[mapping.answer.kind].map((role) => answerOf(mapping.answer, role));
  const rule = mapping.rule;
  const ruled = (rule.kind !== "after" || rule.marker !== "") && (rule.kind !== "pattern" || rule.pattern !== "");
  return ruled && [...mapping.inputs, ...answers].every((column) => column !== "");
}

/** Columns that are used for something, with what. */
export function rolesOf(mapping: Mapping): Map<string, Reason["role"]> {
  const roles = new Map<string, Reason["role"]>();
  for (const column of mapping.inputs) roles.set(column, "input");
  for (const column of mapping.options) roles.set(column, "options");
  if (mapping.answer.kind === "supervised") {
    roles.set(mapping.answer.target, "target");
    for (const column of mapping.answer.also) roles.set(column, "also");
  } else {
    roles.set(mapping.answer.chosen, "chosen").set(mapping.answer.rejected, "rejected");
  }
  if (mapping.split) roles.set(mapping.split, "split");
  if (mapping.id) roles.set(mapping.id, "id");
  if (mapping.weight) roles.set(mapping.weight, "weight");
  roles.delete("");
  return roles;
}

export function withRemedy(choice: ImportChoice, fault: Fault, remedy: Remedy): ImportChoice {
  return { ...choice, remedies: [...choice.remedies.filter((one) => one.fault !== fault), { fault, remedy }] };
}
