/**
 * A time scale that gives busy spans the room and shortens quiet ones: checks of the first two seconds stay readable
 * though the call lasts an hour. Pure, but for d3's polylinear scale.
 *
 * Quiet is a gap that is TIMES longer than the gap in the middle, and a good part of the whole: then there is nothing to
 * compare in it, and it becomes a break of fixed width.
 */
import { scaleLinear } from "d3-scale";

export const BREAK = 26; // widest a shortened span is drawn, in pixels
const TIMES = 20;
const PART = 100;

/** @param {number[]} gaps */
function longestDrawn(gaps, whole) {
  const sizes = gaps.map((gap) => gap.to - gap.from).sort((a, b) => a - b);
  return Math.max(TIMES * (sizes[Math.floor((sizes.length - 1) / 2)] ?? 0), whole / PART);
}

/**
 * @param {number[]} times when something is, in any order
 * @param {number} width in pixels
 * @returns {{scale: (t: number) => number, breaks: {from: number, to: number, x: number}[], spans: [number, number][]}}
 *   breaks: the shortened spans and their middles; spans: what is drawn in full between them
 */
export function gapScale(times, width) {
  const all = [...new Set(times)].sort((a, b) => a - b);
  if (all.length === 0) all.push(0);
  const last = all[all.length - 1];
  const gaps = all.slice(1).map((to, i) => ({ from: all[i], to }));
  const longest = longestDrawn(gaps, last - all[0]);
  const quiet = gaps.filter((gap) => gap.to - gap.from > longest);
  const busy = last - all[0] - quiet.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  // Where nothing is busy the breaks share the whole width: then only the order of the instants tells.
  const wide = busy === 0 && quiet.length > 0 ? width / quiet.length : Math.min(BREAK, width / 2 / Math.max(1, quiet.length));
  const room = width - quiet.length * wide;
  const domain = [all[0]];
  const range = [0];
  const spans = [];
  const breaks = [];
  let x = 0;
  let start = all[0];
  const step = (to, by) => {
    x += by;
    domain.push(to);
    range.push(x);
  };
  for (const { from, to } of quiet) {
    spans.push([start, from]);
    step(from, busy > 0 ? ((from - start) / busy) * room : 0);
    breaks.push({ from, to, x: x + wide / 2 });
    step(to, wide);
    start = to;
  }
  spans.push([start, last]);
  step(last, busy > 0 ? ((last - start) / busy) * room : 0);
  return { scale: scaleLinear().domain(domain).range(range).clamp(true), breaks, spans };
}

/** Instants to write under the scale: where spans begin, and round ones within; none closer than `apart` pixels. */
export function gapTicks({ scale, spans }, apart = 70) {
  const ticks = [];
  const free = (x) => ticks.every((tick) => Math.abs(scale(tick) - x) >= apart);
  for (const [from] of spans) {
    if (free(scale(from))) ticks.push(from);
  }
  for (const [from, to] of spans) {
    const n = Math.floor((scale(to) - scale(from)) / apart);
    for (const tick of n > 1 ? scaleLinear().domain([from, to]).ticks(n) : []) {
      if (tick >= from && tick <= to && free(scale(tick))) ticks.push(tick);
    }
  }
  return ticks.sort((a, b) => a - b);
}
