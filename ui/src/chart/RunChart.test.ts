import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { Backend } from "../backend";
import type { Candidate, OverlayRequest, RunView } from "../backend/generated/wire";
import { makeScripted } from "../backend/scripted";
import { pictureOf } from "../test/chart-fixtures";
import { renderPage, seriousFaults } from "../test/render";
import { candidate, runResult, runView } from "../test/run-fixtures";
import { setLanguage } from "../text";
import RunChart from "./RunChart.svelte";

const plot = { left: 50, top: 20, width: 400, height: 200 };

function prompt(ordinal: number, more: Partial<Candidate> = {}): Candidate {
  return candidate(ordinal, {
    loss: 3 - ordinal / 10, origin: ordinal === 0 ? { kind: "start" } : { kind: "drop", segment: 0 }, text: `Words of ${ordinal}`, ...more,
  });
}

const viewOf = (candidates: Candidate[], more: Partial<RunView> = {}) => runView({ candidates, ...more });

/** The chart shows prompts 0 to 10 and losses from 1 to 4. */
function show(candidates: Candidate[], props: Record<string, unknown> = {}) {
  const requests: OverlayRequest[] = [];
  const exportOverlay = vi.fn<Backend["exportOverlay"]>(async () => "/home/you/prompt-run-7.svg");
  const backend: Backend = {
    ...makeScripted(),
    exportOverlay,
    async overlay(request) {
      requests.push(request);
      const { x_range, y_range, style } = request;
      const [min, max] = x_range ?? [0, Math.max(10, candidates.length / 2000)];
      return pictureOf(request, {
        svg: `<svg xmlns="http://www.w3.org/2000/svg"><script>window.evil = true</script></svg>`, plot,
        x: { min, max }, y: { min: y_range?.[0] ?? 1, max: y_range?.[1] ?? 4, log: style.log },
      });
    },
  };
  const onselect = vi.fn();
  const page = renderPage(RunChart as never, { view: viewOf(candidates), onselect, ...props }, backend);
  return { ...page, requests, onselect, exportOverlay };
}

/** The test's browser has no pointer events of its own. */
const pointer = (at: Element, kind: "down" | "move" | "up", clientX: number, clientY: number) =>
  fireEvent(at, new MouseEvent(`pointer${kind}`, { bubbles: true, clientX, clientY }));
const layer = () => screen.findByTestId("chart-layer");
const prompts = [0, 1, 2, 3, 4].map((ordinal) => prompt(ordinal));

describe("the chart", () => {
  it("shows the picture as an image in which nothing acts", async () => {
    const { container } = show(prompts);
    await layer();
    expect(container.querySelector("img")?.src).toMatch(/^data:image\/svg\+xml/u);
    expect(container.querySelector("script")).toBeNull();
    expect((window as unknown as { evil?: boolean }).evil).toBeUndefined();
  });

  it("has a table behind it", async () => {
    show(prompts);
    await layer();
    const table = screen.getByTestId("chart-table");
    expect(within(table).getAllByRole("row")).toHaveLength(6);
    expect(table).toHaveTextContent("Part 1 taken out");
    expect(table).toHaveTextContent("2.600");
  });

  it("is walked by arrow keys, announced, and chosen from by Enter", async () => {
    const { onselect } = show(prompts);
    const at = await layer();
    await fireEvent.keyDown(at, { key: "ArrowRight" });
    expect(at).toHaveTextContent("Start, no. 0, loss 3.000");
    await fireEvent.keyDown(at, { key: "ArrowRight" });
    expect(screen.getByTestId("chart-tip")).toHaveTextContent("Words of 1");
    await fireEvent.keyDown(at, { key: "End" });
    await fireEvent.keyDown(at, { key: "Enter" });
    expect(onselect).toHaveBeenCalledWith(expect.objectContaining({ ordinal: 4 }));
  });

  it("says of a prompt dropped early that its loss is an estimate", async () => {
    show([...prompts.slice(0, 2), prompt(2, { dropped: { scored: 8, of: 20 } }), ...prompts.slice(3)]);
    const at = await layer();
    const rows = within(screen.getByTestId("chart-table")).getAllByRole("row");
    // Newest first, below the head.
    expect(rows[3]).toHaveTextContent("Prompt tried, dropped after 8 of 20");
    expect(rows[3]).toHaveTextContent("≈ 2.80");
    expect(rows[2]).not.toHaveTextContent("dropped");
    await pointer(at, "move", 132, 100);
    expect(screen.getByTestId("chart-tip")).toHaveTextContent(/≈ 2\.80.*dropped after 8 of 20/u);
    await fireEvent.keyDown(at, { key: "ArrowRight" });
    expect(at).toHaveTextContent("no. 3, loss 2.700");
    await fireEvent.keyDown(at, { key: "ArrowLeft" });
    expect(at).toHaveTextContent("no. 2, loss ≈ 2.80, dropped after 8 of 20");
  });

  it("shows what is under the pointer and chooses it by click", async () => {
    const { onselect } = show(prompts);
    const at = await layer();
    // No. 2 stands at 130, 100.67.
    await pointer(at, "move", 132, 100);
    expect(screen.getByTestId("chart-tip")).toHaveTextContent("2.800");
    await pointer(at, "down", 132, 100);
    await pointer(at, "up", 132, 100);
    expect(onselect).toHaveBeenCalledWith(expect.objectContaining({ ordinal: 2 }));
  });

  it("zooms by dragging, keeps the zoom when data arrive, and resets", async () => {
    const { requests, rerender } = show(prompts);
    const at = await layer();
    expect(screen.getByTestId("chart-reset")).toBeDisabled();
    await pointer(at, "down", 90, 60);
    await pointer(at, "move", 250, 62);
    await pointer(at, "up", 250, 62);
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: [1, 5], y_range: null }));
    const before = requests.length;
    await rerender({ props: { props: { view: viewOf([...prompts, prompt(5)]) } } });
    await waitFor(() => expect(requests.length).toBe(before + 1));
    expect(requests.at(-1)).toMatchObject({ x_range: [1, 5] });
    await fireEvent.click(screen.getByTestId("chart-reset"));
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: null, y_range: null }));
    expect(screen.getByTestId("chart-reset")).toBeDisabled();
  });

  it("zooms by keys and switches the scale", async () => {
    const { requests } = show(prompts);
    const at = await layer();
    await fireEvent.keyDown(at, { key: "+" });
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: [2.5, 7.5] }));
    await fireEvent.keyDown(at, { key: "0" });
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: null }));
    await fireEvent.click(screen.getByTestId("chart-log"));
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ style: { log: true } }));
    expect(screen.getByTestId("chart-log")).toHaveAttribute("aria-pressed", "true");
  });

  it("asks anew only when something changed", async () => {
    const { requests, rerender } = show(prompts);
    await layer();
    await rerender({ props: { props: { view: viewOf(prompts) } } });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(requests).toHaveLength(1);
  });

  it("draws anew for a dark window", async () => {
    const { requests } = show(prompts);
    await layer();
    document.documentElement.dataset.theme = "dark";
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ dark: true }));
    delete document.documentElement.dataset.theme;
  });

  it("pages 20,000 prompts and shows markup as text", async () => {
    const many = Array.from({ length: 20_000 }, (_, ordinal) => prompt(ordinal, { text: "<b onclick=alert(1)>x</b>" }));
    const { container } = show(many);
    await layer();
    expect(within(screen.getByTestId("chart-table")).getAllByRole("row")).toHaveLength(101);
    await fireEvent.click(screen.getByTestId("chart-as-table"));
    expect(screen.getByText("19,901 to 20,000 of 20,000")).toBeInTheDocument();
    await fireEvent.click(screen.getByText("Earlier"));
    expect(screen.getByText("19,801 to 19,900 of 20,000")).toBeInTheDocument();
    expect(container.querySelector("[onclick]")).toBeNull();
  });

  it("is an overlay of one run with its prompts as marks", async () => {
    const { requests } = show(prompts);
    await layer();
    expect(requests[0]).toMatchObject({ runs: [7], prompts: true, style: { axis: "prompts", kind: "best", groups: "none", starts: true } });
    const legend = screen.getByRole("list", { name: "Legend" });
    expect(legend).toHaveTextContent("Best so far");
    // What only several runs need is not in the way.
    expect(screen.queryByTestId("chart-axis")).toBeNull();
    expect(screen.queryByTestId("chart-legend")).toBeNull();
  });

  it("is saved as it is seen, in the words of the page", async () => {
    setLanguage("de");
    const { exportOverlay } = show(prompts);
    await layer();
    await userEvent.click(screen.getByTestId("chart-export"));
    await userEvent.click(await screen.findByTestId("chart-export-csv"));
    const words = expect.objectContaining({
      axis: "ausprobierte Prompts", loss: "Verlust in Nats (kleiner ist besser)", columns: expect.objectContaining({ place: "Prompt", measured: "gemessener_Verlust" }),
    });
    expect(exportOverlay).toHaveBeenCalledWith(expect.objectContaining({ runs: [7], prompts: true }), "csv", false, words);
  });

  it("tells the final check from the search, once the run has come to its end", async () => {
    const { view } = runResult();
    show([], { view: { ...view, candidates: [prompt(0), prompt(1)] } });
    const at = await layer();
    expect(screen.getByRole("list", { name: "Legend" })).toHaveTextContent("Final check");
    const rows = within(screen.getByTestId("chart-table")).getAllByRole("row");
    expect(rows).toHaveLength(5);
    await fireEvent.keyDown(at, { key: "End" });
    expect(at).toHaveTextContent("Final check, no. 1, loss 2.000");
  });

  it("says what went wrong, and what it waits for", async () => {
    const backend = makeScripted();
    backend.failNext("overlay", { code: "x", message: "No chart.", hint: "Try later." });
    const { unmount } = renderPage(RunChart as never, { view: viewOf(prompts) }, backend);
    expect(await screen.findByTestId("error-note")).toHaveTextContent("No chart.");
    unmount();
    renderPage(RunChart as never, { view: viewOf([]) }, backend);
    expect(screen.getByText(/curve begins as soon as/u)).toBeInTheDocument();
  });

  it("has no serious faults of accessibility", async () => {
    const { container } = show(prompts);
    await layer();
    expect(await seriousFaults(container)).toEqual([]);
  });
});
