import type { CurveStyle, Ground, LossRange, Overlay, OverlayReading, OverlayRequest, RunView } from "./generated/wire";
import { deviceWords } from "../lib/device";

/** A run as the picture needs it. */
export type Drawable = { view: RunView; colour: string; ground: string };
type Place = { x: number; value: number; raw: number | null; ordinal: number | null; step: number | null; band: [number, number] | null };
type Curve = { name: string; runs: number[]; colour: string; ground: string; start: number; best: number; places: Place[] };

const LOSS_SETTINGS = ["objective", "normalization", "preference_normalization", "beta", "end_of_turn", "content_free_prior"] as const;

export const lossSettings = (view: RunView): Array<[string, string]> => LOSS_SETTINGS.map((name) => [name, String(view.settings[name])]);
export const groundOf = (view: RunView): string => JSON.stringify([view.data_name, view.train, view.model, deviceWords(view.device), lossSettings(view)]);

/** What a run has cost up to each of its prompts. */
export function costs(view: RunView): { pairs: number; tokens: number; seconds: number } {
  const pairs = view.candidates.reduce((sum, one) => sum + (one.loss === null ? 0 : (one.dropped?.scored ?? view.train)), 0);
  return { pairs, tokens: view.progress?.tokens_done ?? 0, seconds: view.run.working_seconds };
}

function curveOf({ view, colour, ground }: Drawable, style: CurveStyle): Curve | null {
  const first = view.candidates.find((one) => one.loss !== null)?.loss;
  if (first == null) return null;
  const whole = costs(view);
  const places: Place[] = [];
  let best = first;
  let pairs = 0;
  for (const { ordinal, step, loss, dropped, origin } of view.candidates) {
    if (loss === null) continue;
    pairs += dropped?.scored ?? view.train;
    if (origin.kind === "mask") continue;
    if (!dropped) best = Math.min(best, loss);
    const share = pairs / (whole.pairs || 1);
    const x = { prompts: ordinal, steps: step, pairs, tokens: share * whole.tokens, seconds: share * whole.seconds }[style.axis];
    const value = style.kind === "best" ? best : loss;
    const last = places.at(-1);
    if (!last || last.x < x) places.push({ x, value, raw: null, ordinal, step, band: null });
    else if (style.kind === "best" || value < last.value) Object.assign(last, { value, ordinal, step });
  }
  if (style.kind === "each" && style.smoothing > 0) {
    let [sum, weights] = [0, 0];
    for (const place of places) {
      sum = style.smoothing * sum + (1 - style.smoothing) * place.value;
      weights = style.smoothing * weights + 1 - style.smoothing;
      Object.assign(place, { raw: place.value, value: sum / weights });
    }
  }
  return { name: view.run.name, runs: [view.run.id], colour, ground, start: first, best, places };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const at = (curve: Curve, x: number): Place | null => curve.places.filter((place) => place.x <= x).at(-1) ?? null;

function together(name: string, curves: Curve[]): Curve {
  const xs = [...new Set(curves.flatMap((curve) => curve.places.map((place) => place.x)))].sort((a, b) => a - b);
  const places = xs.map((x): Place => {
    const values = curves.flatMap((curve) => at(curve, x)?.value ?? []);
    return { x, value: mean(values), raw: null, ordinal: null, step: null, band: [Math.min(...values), Math.max(...values)] };
  });
  const { colour = "", ground = "" } = curves[0] ?? {};
  return {
    name, colour, ground, places, runs: curves.flatMap((curve) => curve.runs), start: mean(curves.map((curve) => curve.start)),
    best: mean(curves.map((curve) => curve.best)),
  };
}

export function curvesOf(runs: Drawable[], style: CurveStyle): Curve[] {
  const groups = new Map<string, { name: string; curves: Curve[] }>();
  for (const one of runs) {
    const curve = curveOf(one, style);
    if (!curve) continue;
    const name = { none: one.view.run.name, prompt: one.view.start_prompt.slice(0, 60), model: one.view.model, data: one.view.data_name }[style.groups];
    const key = style.groups === "none" ? String(one.view.run.id) : `${name}\n${one.ground}`;
    const group = groups.get(key) ?? { name, curves: [] };
    group.curves.push(curve);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ name, curves }) => (style.groups === "none" ? curves : together(name, curves)));
}

export function readingsOf(runs: Drawable[], style: CurveStyle, x: number): OverlayReading[] {
  return curvesOf(runs, style).map((curve, key) => {
    const place = at(curve, x);
    const none = { key, x, ordinal: null, step: null, value: null, raw: null, band: null };
    return { ...(place ? { key, ...place } : none), estimate: false };
  });
}

function groundsOf(runs: Drawable[]): Ground[] {
  const grounds: Array<{ view: RunView; key: string; runs: number[] }> = [];
  for (const { view, ground } of runs) {
    const known = grounds.find((one) => one.key === ground);
    if (known) known.runs.push(view.run.id);
    else grounds.push({ view, key: ground, runs: [view.run.id] });
  }
  const first = grounds[0]?.view;
  if (!first) return [];
  const alike = (name: string) => new Set(grounds.map(({ view }) => lossSettings(view).find(([one]) => one === name)?.[1])).size === 1;
  return grounds.map(({ view, key, runs: mine }) => ({
    key, runs: mine, data: view.data_name, examples: view.train + view.validation, model: view.model,
    settings: lossSettings(view).filter(([name]) => !alike(name)),
    differs: {
      data: view.data_name !== first.data_name || view.train !== first.train, model: view.model !== first.model || deviceWords(view.device) !== deviceWords(first.device),
      settings: JSON.stringify(lossSettings(view)) !== JSON.stringify(lossSettings(first)),
    },
  }));
}

/** A plain picture in the manner of the program's own. */
export function overlayOf(request: OverlayRequest, runs: Drawable[]): Overlay {
  const { style, width, height, dark } = request;
  const curves = curvesOf(runs, style);
  if (!curves.length) throw { code: "plot", message: "There is nothing to draw yet.", hint: "" };
  const plot = { left: 56, top: 10, width: Math.max(40, width - 70), height: Math.max(40, height - 38) };
  const last = Math.max(1e-9, ...curves.flatMap((curve) => curve.places.map((place) => place.x)));
  const ys = curves.flatMap((curve) => [curve.start, ...curve.places.map((place) => place.value)]);
  const span = Math.max(0.2, Math.max(...ys) - Math.min(...ys));
  const [left, right] = request.x_range ?? [-0.01 * last, 1.02 * last];
  const [low, high] = request.y_range ?? [Math.max(style.log ? 1e-3 : -9, Math.min(...ys) - 0.05 * span), Math.max(...ys) + 0.08 * span];
  const y: LossRange = { min: low, max: high, log: style.log };
  const scale = (value: number) => (style.log ? Math.log(Math.max(value, 1e-6)) : value);
  const px = (x: number) => plot.left + ((x - left) / (right - left || 1)) * plot.width;
  const py = (value: number) => plot.top + (1 - (scale(value) - scale(low)) / (scale(high) - scale(low) || 1)) * plot.height;
  const ink = dark ? { ground: "#1c1e21", text: "#a9adb3", line: "#34373c" } : { ground: "#ffffff", text: "#5b5d61", line: "#e0e0db" };
  const parts = [`<rect width="${width}" height="${height}" fill="${ink.ground}"/>`];
  for (let nth = 0; nth <= 5; nth++) {
    const value = style.log ? low * (high / low) ** (nth / 5) : low + ((high - low) * nth) / 5;
    const place = left + ((right - left) * nth) / 5;
    parts.push(`<line x1="${plot.left}" x2="${plot.left + plot.width}" y1="${py(value)}" y2="${py(value)}" stroke="${ink.line}"/>`);
    parts.push(`<text x="${plot.left - 8}" y="${py(value) + 4}" text-anchor="end" font-size="12" fill="${ink.text}">${value.toFixed(2)}</text>`);
    parts.push(`<text x="${px(place)}" y="${plot.top + plot.height + 20}" text-anchor="middle" font-size="12" fill="${ink.text}">${Math.round(Math.max(0, place))}</text>`);
  }
  parts.push(`<clipPath id="c"><rect x="${plot.left}" y="${plot.top}" width="${plot.width}" height="${plot.height}"/></clipPath><g clip-path="url(#c)" fill="none">`);
  for (const curve of curves) {
    const points = (values: Array<[number, number]>) => values.map(([x, value]) => `${px(x).toFixed(1)} ${py(value).toFixed(1)}`).join("L");
    if (style.starts) parts.push(`<path d="M${plot.left} ${py(curve.start)}h${plot.width}" stroke="${curve.colour}" stroke-dasharray="5 4" opacity=".7"/>`);
    if (curve.runs.length > 1) {
      const edge = [...curve.places.map((place): [number, number] => [place.x, place.band?.[0] ?? 0]), ...curve.places.slice().reverse().map((place): [number, number] => [place.x, place.band?.[1] ?? 0])];
      parts.push(`<path d="M${points(edge)}Z" fill="${curve.colour}" opacity=".18"/>`);
    }
    if (curve.places[0]?.raw != null) parts.push(`<path d="M${points(curve.places.map((place) => [place.x, place.raw ?? 0]))}" stroke="${curve.colour}" opacity=".3"/>`);
    const line = style.kind === "each" ? curve.places : curve.places.flatMap((place, nth) => [{ x: place.x, value: curve.places[nth - 1]?.value ?? place.value }, place]);
    parts.push(`<path d="M${points(line.map((place) => [place.x, place.value]))}" stroke="${curve.colour}" stroke-width="2.2"/>`);
  }
  const [only] = runs;
  if (request.prompts && only && runs.length === 1) {
    for (const { ordinal, loss, origin, dropped } of only.view.candidates) {
      if (loss === null || origin.kind === "mask") continue;
      parts.push(`<circle cx="${px(ordinal)}" cy="${py(loss)}" r="3" ${dropped ? `stroke="${ink.text}"` : `fill="${ink.text}"`}/>`);
    }
  }
  parts.push("</g>");
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif">${parts.join("")}</svg>`,
    plot, x: { min: left, max: right }, y,
    curves: curves.map(({ places, ...curve }, key) => ({ key, ...curve, end: places.at(-1)?.x ?? 0 })),
    empty: runs.filter((one) => !curveOf(one, style)).map((one) => one.view.run.id), grounds: groundsOf(runs),
  };
}
