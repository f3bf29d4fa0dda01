import type { Overlay, OverlayRequest } from "../backend/generated/wire";

/** A picture without curves that shows what was asked for. */
export function pictureOf(request: OverlayRequest, more: Partial<Overlay> = {}): Overlay {
  return {
    svg: "<svg xmlns='http://www.w3.org/2000/svg'/>", plot: { left: 0, top: 0, width: 100, height: 100 },
    x: { min: request.x_range?.[0] ?? 0, max: request.x_range?.[1] ?? 4 },
    y: { min: request.y_range?.[0] ?? 0, max: request.y_range?.[1] ?? 4, log: request.style.log }, curves: [], empty: [], grounds: [], ...more,
  };
}
