import { describe, expect, it } from "vitest";
import { dragBox, inside, pixelToX, pixelToY, rangesOf, spotOf, svgAddress, within, xToPixel, yToPixel, zoomed, type Frame } from "./scale";

const plot = { left: 50, top: 20, width: 400, height: 200 };
const linear: Frame = { plot, x: { min: 0, max: 40 }, y: { min: 1, max: 3, log: false } };
const log: Frame = { ...linear, y: { min: 0.1, max: 10, log: true } };

describe("pixels and values", () => {
  it("map at the edges", () => {
    expect([xToPixel(linear, 0), xToPixel(linear, 40)]).toEqual([50, 450]);
    expect([yToPixel(linear, 1), yToPixel(linear, 3)]).toEqual([220, 20]);
    expect(yToPixel(log, 1)).toBeCloseTo(120);
    expect(yToPixel(log, 0)).toBe(220);
  });

  it("map back", () => {
    for (const value of [0, 3.5, 40]) expect(pixelToX(linear, xToPixel(linear, value))).toBeCloseTo(value);
    for (const frame of [linear, log]) {
      for (const value of [1, 1.7, 3]) expect(pixelToY(frame, yToPixel(frame, value))).toBeCloseTo(value);
    }
  });

  it("stay finite on an axis without length", () => {
    const flat: Frame = { plot, x: { min: 2, max: 2 }, y: { min: 1, max: 1, log: false } };
    expect(spotOf(flat, { x: 2, y: 1 })).toEqual({ x: 250, y: 120 });
  });

  it("keep far worse prompts at the edge", () => {
    expect(spotOf(linear, { x: 20, y: 90 })).toEqual({ x: 250, y: 20 });
  });
});

describe("dragging", () => {
  it("is nothing when too short", () => {
    expect(dragBox(linear, { x: 100, y: 100 }, { x: 105, y: 103 })).toBeNull();
  });

  it("along one axis keeps the other", () => {
    const box = dragBox(linear, { x: 150, y: 100 }, { x: 250, y: 112 });
    expect(box && rangesOf(linear, box)).toEqual({ x: [10, 20], y: null });
    const high = dragBox(linear, { x: 150, y: 70 }, { x: 155, y: 170 });
    expect(high && rangesOf(linear, high)).toEqual({ x: null, y: [1.5, 2.5] });
  });

  it("both ways zooms both, from any corner and no further than the plot", () => {
    const box = dragBox(linear, { x: 900, y: 120 }, { x: 250, y: -50 });
    expect(box && rangesOf(linear, box)).toEqual({ x: [20, 40], y: [2, 3] });
  });
});

it("zooms around a value that stays where it is", () => {
  const closer = zoomed(linear, 0.5, 10);
  expect(closer).toEqual([5, 25]);
  expect(zoomed(linear, 0.0001, 10)[1] - zoomed(linear, 0.0001, 10)[0]).toBeCloseTo(1);
});

it("never shows more than there is", () => {
  expect(within([-5, 10], [0, 40])).toEqual([0, 15]);
  expect(within([30, 50], [0, 40])).toEqual([20, 40]);
  expect(within([-5, 60], [0, 40])).toBeNull();
});

it("knows the inside of the plot", () => {
  expect(inside(linear, { x: 60, y: 30 })).toBe(true);
  expect(inside(linear, { x: 40, y: 30 })).toBe(false);
  expect(inside(linear, { x: 46, y: 30 }, 6)).toBe(true);
});

it("makes an address of any picture", () => {
  const address = svgAddress(`<svg\n>"#%é😀</svg>`);
  expect(decodeURIComponent(address.slice(address.indexOf(",") + 1))).toBe(`<svg\n>"#%é😀</svg>`);
  expect(address).not.toMatch(/[#\n]/u);
});
