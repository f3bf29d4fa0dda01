import type { CurveAxis, Overlay, OverlayCurve, OverlayReading, PictureWords } from "../backend/generated/wire";
import { format, t } from "../text";
import { clamp, inside, xToPixel, yToPixel, type Spot } from "./scale";

/** A curve at a place, ready to be shown. */
export type Value = { curve: OverlayCurve; reading: OverlayReading; value: number };

/** A run in the legend. */
export type Entry = { id: number; name: string; colour: string; shown: boolean; number: number; measured: boolean };

/** Lines of the panel of values. */
export const MOST_LINES = 12;

/** The curves that have begun, the lowest first. */
export function valuesOf(overlay: Overlay, readings: OverlayReading[]): Value[] {
  const values: Value[] = [];
  for (const reading of readings) {
    const curve = overlay.curves[reading.key];
    if (curve && reading.value !== null) values.push({ curve, reading, value: reading.value });
  }
  return values.sort((a, b) => a.value - b.value);
}

/** Where a curve is drawn at a place of the axis; stairs go level up to there, and none goes beyond its end. */
export function spotAt(overlay: Overlay, { curve, reading, value }: Value, x: number, stairs: boolean): Spot {
  const at = stairs ? Math.min(x, curve.end) : reading.x;
  const { top, height } = overlay.plot;
  return { x: xToPixel(overlay, at), y: clamp(yToPixel(overlay, value), top, top + height) };
}

/** The curve that is drawn nearest to a height. */
export function nearestCurve(overlay: Overlay, values: Value[], y: number): Value | null {
  let found: Value | null = null;
  let least = Infinity;
  for (const one of values) {
    const distance = Math.abs(yToPixel(overlay, one.value) - y);
    if (distance < least) [found, least] = [one, distance];
  }
  return found;
}

/** The lines that fit the panel; the one that is meant is always among them. */
export function panelLines(values: Value[], meant: Value | null): Value[] {
  const first = values.slice(0, MOST_LINES);
  if (meant && !first.includes(meant)) first[MOST_LINES - 1] = meant;
  return first;
}

export type EndMark = { curve: OverlayCurve; x: number; top: number };

/** Where the names of curves stand at their ends, moved apart so that each can be read. */
export function endMarks(overlay: Overlay, readings: OverlayReading[], apart: number): EndMark[] {
  const marks: EndMark[] = [];
  for (const one of valuesOf(overlay, readings)) {
    const spot = { x: xToPixel(overlay, Math.min(one.curve.end, overlay.x.max)), y: yToPixel(overlay, one.value) };
    if (inside(overlay, spot, 1)) marks.push({ curve: one.curve, x: spot.x, top: spot.y });
  }
  marks.sort((a, b) => a.top - b.top);
  const placed: EndMark[] = [];
  for (const mark of marks) {
    // Only those beside each other can cover each other.
    const above = placed.filter((other) => Math.abs(other.x - mark.x) < apart).at(-1);
    placed.push({ ...mark, top: Math.max(mark.top, (above?.top ?? -Infinity) + apart) });
  }
  return placed;
}

/** Whether the axis has only whole places. */
export const isWhole = (axis: CurveAxis): boolean => axis !== "seconds";

/** A place of the axis in words. */
export function placeWords(axis: CurveAxis, x: number): string {
  const at = Math.max(0, x);
  return t.overlay.places[axis](axis === "seconds" ? format.duration(at) : format.count(isWhole(axis) ? Math.floor(at + 1e-9) : at));
}

/** The words of a picture or table that is saved, in the language of the page. */
export function pictureWords(axis: CurveAxis): PictureWords {
  const { axes, places, columns, ...words } = t.overlay.saved;
  return { ...words, axis: axes[axis], columns: { ...columns, place: places[axis] } };
}

/** How far one press of an arrow key goes. */
export function stride(overlay: Overlay, axis: CurveAxis): number {
  const span = overlay.x.max - overlay.x.min;
  return isWhole(axis) ? Math.max(1, Math.round(span / 80)) : span / 80;
}
