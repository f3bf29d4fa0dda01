import { t } from "../text";

/** Names of a draft's fields that another version of the program wrote, for people. */
export function unreadWords(fields: string[]): string {
  const names = t.settings.fields as Record<string, { name: string } | undefined>;
  const others: Record<string, string | undefined> = { device: t.model.device, effort: t.effort.title, settings: t.advanced.title };
  const word = (field: string) => names[field.replace(/^settings\./, "")]?.name ?? others[field] ?? field;
  return fields.map(word).join(", ");
}
