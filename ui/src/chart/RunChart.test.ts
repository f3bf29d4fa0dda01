import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import type { Backend } from "../backend";
import type { Chart, ChartPoint, ChartRequest } from "../backend/generated/wire";
import { makeScripted } from "../backend/scripted";
import { renderPage, seriousFaults } from "../test/render";
import RunChart from "./RunChart.svelte";

const plot = { left: 50, top: 20, width: 400, height: 200 };

function point(ordinal: number, more: Partial<ChartPoint> = {}): ChartPoint {
  return {
    run: 1, kind: ordinal === 0 ? "start" : "candidate", ordinal, x: ordinal, y: 3 - ordinal / 10,
    origin: ordinal === 0 ? { kind: "start" } : { kind: "drop", segment: 0 }, text: `Words of ${ordinal}`, ...more,
  };
}

function chartOf(request: ChartRequest, points: ChartPoint[]): Chart {
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg"><script>window.evil = true</script></svg>`, plot,
    x: { min: request.x_range?.[0] ?? 0, max: request.x_range?.[1] ?? 10 },
    y: { min: request.y_range?.[0] ?? 1, max: request.y_range?.[1] ?? 4, log: request.log }, points,
  };
}

function show(points: ChartPoint[], props: Record<string, unknown> = {}) {
  const requests: ChartRequest[] = [];
  const backend: Backend = {
    ...makeScripted(),
    async chart(request) {
      requests.push(request);
      return chartOf(request, points);
    },
  };
  const onselect = vi.fn();
  const page = renderPage(RunChart as never, { runs: [1], revision: "1", onselect, ...props }, backend);
  return { ...page, requests, onselect };
}

/** The test's browser has no pointer events of its own. */
const pointer = (at: Element, kind: "down" | "move" | "up", clientX: number, clientY: number) =>
  fireEvent(at, new MouseEvent(`pointer${kind}`, { bubbles: true, clientX, clientY }));
const layer = () => screen.findByTestId("chart-layer");
const points = [0, 1, 2, 3, 4].map((ordinal) => point(ordinal));

describe("the chart", () => {
  it("shows the picture as an image in which nothing acts", async () => {
    const { container } = show(points);
    await layer();
    expect(container.querySelector("img")?.src).toMatch(/^data:image\/svg\+xml/u);
    expect(container.querySelector("script")).toBeNull();
    expect((window as unknown as { evil?: boolean }).evil).toBeUndefined();
  });

  it("has a table behind it", async () => {
    show(points);
    await layer();
    const table = screen.getByTestId("chart-table");
    expect(within(table).getAllByRole("row")).toHaveLength(6);
    expect(table).toHaveTextContent("Part 1 taken out");
    expect(table).toHaveTextContent("2.600");
  });

  it("is walked by arrow keys, announced, and chosen from by Enter", async () => {
    const { onselect } = show(points);
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
    show(points, { drops: new Map([[2, { scored: 8, of: 20 }]]) });
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
    const { onselect } = show(points);
    const at = await layer();
    // No. 2 stands at 130, 100.67.
    await pointer(at, "move", 132, 100);
    expect(screen.getByTestId("chart-tip")).toHaveTextContent("2.800");
    await pointer(at, "down", 132, 100);
    await pointer(at, "up", 132, 100);
    expect(onselect).toHaveBeenCalledWith(expect.objectContaining({ ordinal: 2 }));
  });

  it("zooms by dragging, keeps the zoom when data arrive, and resets", async () => {
    const { requests, rerender } = show(points);
    const at = await layer();
    expect(screen.queryByTestId("chart-reset")).toBeNull();
    await pointer(at, "down", 90, 60);
    await pointer(at, "move", 250, 62);
    await pointer(at, "up", 250, 62);
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: [1, 5], y_range: null }));
    const before = requests.length;
    await rerender({ props: { props: { runs: [1], revision: "2" } } });
    await waitFor(() => expect(requests.length).toBe(before + 1));
    expect(requests.at(-1)).toMatchObject({ x_range: [1, 5] });
    await fireEvent.click(screen.getByTestId("chart-reset"));
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: null, y_range: null }));
    expect(screen.queryByTestId("chart-reset")).toBeNull();
  });

  it("zooms by keys and switches the scale", async () => {
    const { requests } = show(points);
    const at = await layer();
    await fireEvent.keyDown(at, { key: "+" });
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: [2.5, 7.5] }));
    await fireEvent.keyDown(at, { key: "0" });
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ x_range: null }));
    await fireEvent.click(screen.getByTestId("chart-log"));
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ log: true }));
    expect(screen.getByTestId("chart-log")).toHaveAttribute("aria-pressed", "true");
  });

  it("asks anew only when something changed", async () => {
    const { requests, rerender } = show(points);
    await layer();
    await rerender({ props: { props: { runs: [1], revision: "1" } } });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(requests).toHaveLength(1);
  });

  it("draws anew for a dark window", async () => {
    const { requests } = show(points);
    await layer();
    document.documentElement.dataset.theme = "dark";
    await waitFor(() => expect(requests.at(-1)).toMatchObject({ dark: true }));
    delete document.documentElement.dataset.theme;
  });

  it("pages 20,000 points and shows markup as text", async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => point(index, { x: index / 2000, text: "<b onclick=alert(1)>x</b>" }));
    const { container } = show(many);
    await layer();
    expect(within(screen.getByTestId("chart-table")).getAllByRole("row")).toHaveLength(101);
    await fireEvent.click(screen.getByTestId("chart-as-table"));
    expect(screen.getByText("19,901 to 20,000 of 20,000")).toBeInTheDocument();
    await fireEvent.click(screen.getByText("Earlier"));
    expect(screen.getByText("19,801 to 19,900 of 20,000")).toBeInTheDocument();
    expect(container.querySelector("[onclick]")).toBeNull();
  });

  it("says what went wrong, and what it waits for", async () => {
    const backend = makeScripted();
    backend.failNext("chart", { code: "x", message: "No chart.", hint: "Try later." });
    renderPage(RunChart as never, { runs: [1], revision: "1" }, backend);
    expect(await screen.findByTestId("error-note")).toHaveTextContent("No chart.");
    renderPage(RunChart as never, { runs: [1], revision: "1", waiting: "Not yet." }, backend);
    expect(screen.getByText("Not yet.")).toBeInTheDocument();
  });

  it("has no serious faults of accessibility", async () => {
    const { container } = show(points);
    await layer();
    expect(await seriousFaults(container)).toEqual([]);
  });
});
