import { render } from "@testing-library/svelte";
import axe from "axe-core";
import type { Component } from "svelte";
import type { Backend } from "../backend";
import Frame from "./Frame.svelte";

/** Shows one page with a backend around it. */
export function renderPage<P extends Record<string, unknown>>(page: Component<P>, props: P, backend: Backend) {
  return render(Frame, { props: { backend, page: page as unknown as Component<Record<string, unknown>>, props } });
}

/** Faults of accessibility that are serious; colours need a real window. */
export async function seriousFaults(container: Element): Promise<string[]> {
  const report = await axe.run(container, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
  return report.violations
    .filter((fault) => fault.impact === "serious" || fault.impact === "critical")
    .map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.html).join(" | ")}`);
}
