import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { createRawSnippet } from "svelte";
import { expect, it, vi } from "vitest";
import type { Backend } from "../backend";
import type { CurveStyle, Overlay, OverlayReading, OverlayRequest } from "../backend/generated/wire";
import { makeScripted } from "../backend/scripted";
import { toasts } from "../lib/toasts.svelte";
import { renderPage, seriousFaults } from "../test/render";
import { setLanguage } from "../text";
import { endMarks, nearestCurve, panelLines, pictureWords, valuesOf, type Entry } from "./curves";
import Chart from "./Chart.svelte";

const plot = { left: 50, top: 20, width: 400, height: 200 };
const style: CurveStyle = { axis: "prompts", kind: "best", smoothing: 0.4, groups: "none", log: false, starts: false };

/** Curves that fall from `4 - nth` by a tenth for each prompt, 40 prompts long. */
function overlayOf(count: number, request?: OverlayRequest): Overlay {
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg"><script>window.evil = true</script></svg>`, plot,
    x: { min: request?.x_range?.[0] ?? 0, max: request?.x_range?.[1] ?? 40 }, y: { min: request?.y_range?.[0] ?? 0, max: request?.y_range?.[1] ?? 4, log: request?.style.log ?? false },
    curves: Array.from({ length: count }, (_, key) => ({ key, name: `Run ${key + 1}`, runs: [key + 1], colour: "#0072b2", start: 4 - key / 10, best: 2 - key / 10, end: 40, ground: "a" })),
    empty: [], grounds: [],
  };
}
const readingsOf = (count: number, x: number): OverlayReading[] =>
  Array.from({ length: count }, (_, key) => ({ key, x, ordinal: x, step: 1, value: x < 1 ? null : 3 - key / 10, raw: null, band: null, estimate: false }));
const entriesOf = (count: number): Entry[] =>
  Array.from({ length: count }, (_, at) => ({ id: at + 1, name: `Run ${at + 1}`, colour: "#0072b2", shown: true, number: at + 1, measured: true }));

function show(count: number, props: Record<string, unknown> = {}) {
  const requests: OverlayRequest[] = [];
  const places: number[] = [];
  const backend: Backend = {
    ...makeScripted(),
    async overlay(request) {
      requests.push(request);
      return overlayOf(count, request);
    },
    async overlayAt(_, x) {
      places.push(x);
      return readingsOf(count, x);
    },
  };
  const does = { onstyle: vi.fn(), onpick: vi.fn(), ontoggle: vi.fn(), oncolour: vi.fn() };
  const all = { entries: entriesOf(count), style, revision: "1", picked: [], nothing: createRawSnippet(() => ({ render: () => "<p>Nothing</p>" })), ...does, ...props };
  const page = renderPage(Chart as never, all, backend);
  const change = (more: Record<string, unknown>) => page.rerender({ props: { props: { ...all, ...more } } });
  return { ...page, backend, requests, places, change, ...does };
}

/** The test's browser has no pointer events of its own. */
const pointer = (at: Element, kind: "down" | "move" | "up", clientX: number, clientY: number) =>
  fireEvent(at, new MouseEvent(`pointer${kind}`, { bubbles: true, clientX, clientY }));
const layer = () => screen.findByTestId("chart-layer");

it("sorts values, finds the nearest curve and moves names at the ends apart", () => {
  const overlay = overlayOf(30);
  const values = valuesOf(overlay, readingsOf(30, 5));
  expect(values[0]?.curve.key).toBe(29);
  expect(valuesOf(overlay, readingsOf(30, 0))).toEqual([]);
  // A loss of 3 lies at 70, each further curve 5 pixels below.
  expect(nearestCurve(overlay, values, 71)?.curve.key).toBe(0);
  expect(nearestCurve(overlay, values, 999)?.curve.key).toBe(29);
  const meant = values.at(-1) ?? null;
  expect(panelLines(values, meant)).toHaveLength(12);
  expect(panelLines(values, meant).at(-1)).toBe(meant);
  const tops = endMarks(overlay, readingsOf(30, 40), 17).map((mark) => mark.top);
  tops.slice(1).forEach((top, nth) => expect(top - (tops[nth] ?? 0)).toBeGreaterThanOrEqual(17));
});

it("draws what is shown and measured, as an image in which nothing acts", async () => {
  const entries = entriesOf(3).map((entry, at) => ({ ...entry, shown: at !== 1 })).concat({ ...entriesOf(1)[0] as Entry, id: 9, name: "Fresh", measured: false });
  const { requests, container } = show(2, { entries });
  await layer();
  expect(requests[0]).toMatchObject({ runs: [1, 3], style: { kind: "best", smoothing: 0 }, x_range: null });
  expect(screen.getByTestId<HTMLImageElement>("chart-picture").src).toMatch(/^data:image\/svg\+xml/u);
  expect(container.querySelector("script")).toBeNull();
  expect(screen.getByTestId("chart-empty")).toHaveTextContent("Fresh");
  expect(screen.getByTestId("legend-2")).toHaveAttribute("aria-pressed", "false");
  expect(screen.getByTestId("legend-1")).toHaveAccessibleName("Show the curve: 1 Run 1");
  const table = screen.getByTestId("chart-table");
  expect(within(table).getAllByRole("row")).toHaveLength(3);
  expect(within(table).getAllByRole("row")[1]).toHaveTextContent(/Run 2\s*3\.900\s*1\.900\s*−2\.000\s*prompt 40/u);
  expect(await seriousFaults(container)).toEqual([]);
});

it("reads all curves under the pointer, the lowest first, and names no more than twelve", async () => {
  const { places } = show(15);
  const at = await layer();
  const before = places.length;
  for (let x = 100; x < 150; x++) await pointer(at, "move", x, 90);
  const panel = await screen.findByTestId("chart-reading");
  await waitFor(() => expect(within(panel).getAllByRole("listitem", { hidden: true })).toHaveLength(12));
  expect(within(panel).getAllByRole("listitem", { hidden: true })[0]).toHaveTextContent("Run 15");
  expect(panel).toHaveTextContent("and 3 more");
  expect(places.length - before).toBeLessThan(50);
  await pointer(at, "move", 20, 90);
  await waitFor(() => expect(screen.queryByTestId("chart-reading")).toBeNull());
});

it("picks the nearest curve by click, and by keys", async () => {
  const { onpick } = show(4);
  const at = await layer();
  await pointer(at, "down", 200, 86);
  await pointer(at, "up", 201, 86);
  await waitFor(() => expect(onpick).toHaveBeenCalledWith([4]));
  await fireEvent.keyDown(at, { key: "ArrowRight" });
  await waitFor(() => expect(at).toHaveTextContent("prompt 16: Run 4, loss 2.700"));
  await fireEvent.keyDown(at, { key: "ArrowUp" });
  await waitFor(() => expect(at).toHaveTextContent("Run 3, loss 2.800"));
  await fireEvent.keyDown(at, { key: "Enter" });
  expect(onpick).toHaveBeenLastCalledWith([3]);
});

it("zooms by dragging, keeps the zoom when data arrive, and resets", async () => {
  const { requests, change } = show(2);
  const at = await layer();
  const reset = screen.getByTestId("chart-reset");
  expect(reset).toBeDisabled();
  await pointer(at, "down", 90, 60);
  await pointer(at, "move", 250, 62);
  await pointer(at, "up", 250, 62);
  await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: [4, 20], y_range: null }));
  const before = requests.length;
  await change({ revision: "2" });
  await waitFor(() => expect(requests.length).toBeGreaterThan(before));
  expect(requests.at(-1)).toMatchObject({ x_range: [4, 20] });
  await fireEvent.click(reset);
  await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: null }));
  await fireEvent.keyDown(at, { key: "+" });
  await waitFor(() => expect(requests.at(-1)?.x_range).not.toBeNull());
  // Steps are no prompts.
  await change({ style: { ...style, axis: "steps" } });
  await waitFor(() => expect(requests.at(-1)).toMatchObject({ style: { axis: "steps" }, x_range: null }));
  await fireEvent.keyDown(at, { key: "-" });
  await fireEvent.dblClick(at);
});

it("shows the curves as a table with values between", async () => {
  const { container } = show(2);
  await layer();
  await fireEvent.click(screen.getByTestId("chart-as-table"));
  expect(await screen.findByText("At prompt 20")).toBeInTheDocument();
  expect(screen.queryByTestId("chart-picture")).toBeNull();
  expect(await seriousFaults(container)).toEqual([]);
});

it("has words for what is saved in the language of the page", () => {
  expect(pictureWords("seconds")).toMatchObject({ axis: "working time in seconds", best: "best so far", more: "and {} more", columns: { place: "seconds", yes: "yes" } });
  setLanguage("de");
  expect(pictureWords("tokens")).toMatchObject({ axis: "berechnete Token", best: "bester bisher", more: "und {} weitere", columns: { place: "Token", yes: "ja" } });
});

it("offers smoothing for every prompt only", async () => {
  const { change, requests, onstyle } = show(1);
  await layer();
  expect(screen.getByTestId("chart-smoothing")).toBeDisabled();
  await change({ style: { ...style, kind: "each" } });
  await waitFor(() => expect(requests.at(-1)?.style).toMatchObject({ kind: "each", smoothing: 0.4 }));
  const slider = screen.getByTestId("chart-smoothing");
  expect(slider).toBeEnabled();
  await fireEvent.input(slider, { target: { value: "0.9" } });
  expect(onstyle).toHaveBeenCalledWith({ smoothing: 0.9 });
  await fireEvent.click(screen.getByTestId("chart-log"));
  expect(onstyle).toHaveBeenCalledWith({ log: true });
});

it("is quiet while nothing is shown or measured", async () => {
  const { change, requests } = show(1, { entries: [] });
  expect(screen.getByText("Nothing")).toBeInTheDocument();
  await change({ entries: entriesOf(1).map((entry) => ({ ...entry, measured: false })) });
  expect(screen.getByTestId("chart-unmeasured")).toBeInTheDocument();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(requests).toEqual([]);
  expect(toasts.list).toEqual([]);
});
