import type { Chart, ChartPoint, ChartRequest, RunView } from "./generated/wire";

/** A plain picture in the manner of the program's own. */
export function chartOf(request: ChartRequest, views: RunView[]): Chart {
  const points: ChartPoint[] = [];
  for (const view of views) {
    for (const candidate of view.candidates) {
      if (candidate.loss === null || candidate.origin.kind === "mask") continue;
      points.push({
        run: view.run.id, kind: candidate.origin.kind === "start" ? "start" : "candidate", ordinal: candidate.ordinal,
        x: candidate.step, y: candidate.loss, origin: candidate.origin, text: candidate.text.slice(0, 60),
      });
    }
    for (const step of view.steps) {
      points.push({
        run: view.run.id, kind: "best", ordinal: step.incumbent, x: step.step, y: step.loss,
        origin: view.candidates.find((one) => one.ordinal === step.incumbent)?.origin ?? { kind: "start" },
        text: view.candidates.find((one) => one.ordinal === step.incumbent)?.text.slice(0, 60) ?? "",
      });
    }
  }
  const plot = { left: 56, top: 16, width: Math.max(40, request.width - 76), height: Math.max(40, request.height - 56) };
  const ys = points.map((point) => point.y);
  const [xMin, xMax] = request.x_range ?? [0, Math.max(1, ...points.map((point) => point.x)) + 0.2];
  const [yMin, yMax] = request.y_range ?? [Math.min(3, ...ys) * 0.95, Math.max(1.2, ...ys) * 1.03];
  const scale = (value: number) => (request.log ? Math.log(Math.max(value, 1e-6)) : value);
  const px = (x: number) => plot.left + ((x - xMin) / (xMax - xMin || 1)) * plot.width;
  const py = (y: number) => plot.top + (1 - (scale(y) - scale(yMin)) / (scale(yMax) - scale(yMin) || 1)) * plot.height;

  const ink = request.dark ? { text: "#a9adb3", line: "#34373c", dot: "#7d828a", best: "#8ab4f0" } : { text: "#5b5d61", line: "#e0e0db", dot: "#a6a6a0", best: "#2b5a9e" };
  const part: string[] = [];
  for (let i = 0; i <= 4; i++) {
    const y = yMin + ((yMax - yMin) * i) / 4;
    part.push(`<line x1="${plot.left}" x2="${plot.left + plot.width}" y1="${py(y)}" y2="${py(y)}" stroke="${ink.line}"/>`);
    part.push(`<text x="${plot.left - 8}" y="${py(y) + 4}" text-anchor="end" font-size="12" fill="${ink.text}">${y.toFixed(2)}</text>`);
  }
  for (let x = Math.ceil(xMin); x <= xMax; x++) {
    part.push(`<text x="${px(x)}" y="${plot.top + plot.height + 20}" text-anchor="middle" font-size="12" fill="${ink.text}">${x}</text>`);
  }
  for (const view of views) {
    const own = points.filter((point) => point.run === view.run.id);
    const start = own.find((point) => point.kind === "start");
    if (!start) continue;
    part.push(`<line x1="${px(xMin)}" x2="${px(xMax)}" y1="${py(start.y)}" y2="${py(start.y)}" stroke="${ink.text}" stroke-dasharray="4 4"/>`);
    let path = `M${px(start.x)} ${py(start.y)}`;
    let last = start.y;
    for (const point of own.filter((one) => one.kind === "best")) {
      path += `L${px(point.x)} ${py(last)}L${px(point.x)} ${py(point.y)}`;
      last = point.y;
    }
    for (const point of own.filter((one) => one.kind === "candidate")) part.push(`<circle cx="${px(point.x)}" cy="${py(point.y)}" r="3" fill="${ink.dot}"/>`);
    part.push(`<path d="${path}" fill="none" stroke="${ink.best}" stroke-width="2.5"/>`);
  }
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${request.width}" height="${request.height}" viewBox="0 0 ${request.width} ${request.height}" font-family="sans-serif">${part.join("")}</svg>`,
    plot, x: { min: xMin, max: xMax }, y: { min: yMin, max: yMax, log: request.log }, points,
  };
}
