/**
 * A time scale that gives busy spans the room and shortens quiet ones: checks of the first two seconds stay readable
 * though the call lasts an hour. Pure, but for d3's polylinear scale.
 */
import { scaleLinear } from "d3-scale";

const BREAK = 26; // width of a shortened span

/**
 * @param {number[]} times when something is, in any order
 * @param {number} width in pixels
 * @param {number} [quiet] the longest span without anything, as a part of the busy time, that is drawn in full
 * @returns {{scale: (t: number) => number, breaks: {from: number, to: number, x: number}[], spans: [number, number][]}}
 */
export function gapScale(times, width, quiet = 0.25) {
  const all = [...new Set(times)].sort((a, b) => a - b);
  if (all.length === 0) all.push(0);
  const whole = all[all.length - 1] - all[0];
  // A gap is what is far longer than what the others take together; found from the longest down.
  const gaps = all.slice(1).map((t, i) => ({ from: all[i], to: t, size: t - all[i] })).sort((a, b) => b.size - a.size);
  const breaks = [];
  let busy = whole;
  for (const gap of gaps) {
    if (gap.size <= quiet * (busy - gap.size) || gap.size < 1e6 || (breaks.length + 1) * BREAK > width / 2) break;
    busy -= gap.size;
    breaks.push(gap);
  }
  breaks.sort((a, b) => a.from - b.from);
  const room = width - breaks.length * BREAK;
  const domain = [all[0]];
  const range = [0];
  const spans = [];
  let x = 0;
  let start = all[0];
  const advance = (to) => {
    spans.push([start, to]);
    x += busy > 0 ? ((to - start) / busy) * room : 0;
    domain.push(to);
    range.push(x);
  };
  const marks = breaks.map((gap) => {
    advance(gap.from);
    const mark = { from: gap.from, to: gap.to, x: x + BREAK / 2 };
    x += BREAK;
    domain.push(gap.to);
    range.push(x);
    start = gap.to;
    return mark;
  });
  advance(all[all.length - 1]);
  return { scale: scaleLinear().domain(domain).range(range).clamp(true), breaks: marks, spans };
}

/** Round times to write under the scale: none closer than `apart` pixels. */
export function gapTicks({ scale, spans }, apart = 70) {
  const ticks = [];
  const free = (x) => ticks.every((tick) => Math.abs(scale(tick) - x) >= apart);
  for (const [from, to] of spans) {
    if (free(scale(from))) ticks.push(from);
    const n = Math.floor((scale(to) - scale(from)) / apart);
    for (const tick of n > 1 ? scaleLinear().domain([from, to]).ticks(n) : []) {
      if (tick >= from && tick <= to && free(scale(tick))) ticks.push(tick);
    }
  }
  return ticks.sort((a, b) => a - b);
}
