import type { ChartFrame } from "../backend/generated/wire";

/** What maps between values and pixels of the picture. */
export type Frame = ChartFrame;
export type Range = [number, number];
export type Spot = { x: number; y: number };

export function xToPixel(frame: Frame, value: number): number {
  return frame.plot.left + part(value, frame.x.min, frame.x.max, false) * frame.plot.width;
}

/** Values grow upwards, pixels downwards. */
export function yToPixel(frame: Frame, value: number): number {
  return frame.plot.top + (1 - part(value, frame.y.min, frame.y.max, frame.y.log)) * frame.plot.height;
}

export function pixelToX(frame: Frame, pixel: number): number {
  return at((pixel - frame.plot.left) / frame.plot.width, frame.x.min, frame.x.max, false);
}

export function pixelToY(frame: Frame, pixel: number): number {
  return at(1 - (pixel - frame.plot.top) / frame.plot.height, frame.y.min, frame.y.max, frame.y.log);
}

function part(value: number, min: number, max: number, log: boolean): number {
  if (max === min) return 0.5;
  // A log axis has no place for zero and below; they sit at its foot.
  if (log) return value <= 0 ? 0 : Math.log(value / min) / Math.log(max / min);
  return (value - min) / (max - min);
}

function at(share: number, min: number, max: number, log: boolean): number {
  return log ? min * Math.exp(share * Math.log(max / min)) : min + share * (max - min);
}

/** Where a point is drawn; far worse prompts sit at the edge of the plot. */
export function spotOf(frame: Frame, point: { x: number; y: number }): Spot {
  const { left, top, width, height } = frame.plot;
  return {
    x: clamp(xToPixel(frame, point.x), left, left + width),
    y: clamp(yToPixel(frame, point.y), top, top + height),
  };
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

export function inside(frame: Frame, spot: Spot, margin = 0): boolean {
  const { left, top, width, height } = frame.plot;
  return (
    spot.x >= left - margin && spot.x <= left + width + margin && spot.y >= top - margin && spot.y <= top + height + margin
  );
}

/** A drag shorter than this in a direction does not mean that direction. */
const LEAST_DRAG = 8;

export type Box = { left: number; top: number; width: number; height: number; wide: boolean; high: boolean };

/**
 * The area a drag marks, or null if it was too small to be meant. A drag
 * that goes mostly one way means that way only and keeps the other axis.
 */
export function dragBox(frame: Frame, from: Spot, to: Spot): Box | null {
  const { left, top, width, height } = frame.plot;
  const [x1, x2] = ordered(clamp(from.x, left, left + width), clamp(to.x, left, left + width));
  const [y1, y2] = ordered(clamp(from.y, top, top + height), clamp(to.y, top, top + height));
  const dx = x2 - x1;
  const dy = y2 - y1;
  const wide = dx >= LEAST_DRAG && dx * 5 >= dy;
  const high = dy >= LEAST_DRAG && dy * 5 >= dx;
  if (!wide && !high) return null;
  return {
    left: wide ? x1 : left,
    width: wide ? dx : width,
    top: high ? y1 : top,
    height: high ? dy : height,
    wide,
    high,
  };
}

function ordered(a: number, b: number): Range {
  return a <= b ? [a, b] : [b, a];
}

/** The ranges of the axes that a marked area asks for. */
export function rangesOf(frame: Frame, box: Box): { x: Range | null; y: Range | null } {
  return {
    x: box.wide ? [pixelToX(frame, box.left), pixelToX(frame, box.left + box.width)] : null,
    y: box.high ? [pixelToY(frame, box.top + box.height), pixelToY(frame, box.top)] : null,
  };
}

/** The range of x after a zoom by `factor` (below 1: closer) around a value. */
export function zoomed(frame: Frame, factor: number, centre: number): Range {
  const middle = clamp(centre, frame.x.min, frame.x.max);
  const least = 1;
  const span = Math.max((frame.x.max - frame.x.min) * factor, least);
  const share = frame.x.max === frame.x.min ? 0.5 : (middle - frame.x.min) / (frame.x.max - frame.x.min);
  return [middle - span * share, middle + span * (1 - share)];
}

/** A range kept within `all`, or null where it would show all of it. */
export function within(range: Range, all: Range): Range | null {
  const span = range[1] - range[0];
  if (span >= all[1] - all[0]) return null;
  const low = clamp(range[0], all[0], all[1] - span);
  return [low, low + span];
}

/**
 * The picture for an `img`; as an image nothing in it can act. Only what an
 * address cannot hold is escaped: escaping all of a large picture is slow.
 */
export function svgAddress(svg: string): string {
  return `data:image/svg+xml;charset=utf-8,${svg.replace(/[^\x20-\x7e]|[%#]/gu, encodeURIComponent)}`;
}
