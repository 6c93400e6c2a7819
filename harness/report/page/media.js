/** Latency, loss and bit rate of every track over time, with what happened meanwhile marked. */
import { el } from "./dom.js";
import { bitrate, clock, duration, percent, plural } from "./format.js";
import { plot, plotLegend } from "./plot.js";

const STYLES = 8;

/**
 * A track's series as points. Pure.
 * @param {object} series result.tracks[].series @param {number[]} row @param {(value: number, i: number) => number | null} of
 * @returns {[number, number | null][]}
 */
export function pointsOf(series, row, of) {
  return (row ?? []).map((value, i) => [series.start_ns + i * series.interval_ns, of(value, i)]);
}

/** The three figures of one track. */
export function figuresOf(series) {
  const empty = (i) => !(series.packets?.[i] > 0);
  return {
    latency: pointsOf(series, series.latency_mean_ns, (value, i) => (empty(i) || value === null ? null : value)),
    loss: pointsOf(series, series.lost, (value, i) => (series.sent?.[i] > 0 ? value / series.sent[i] : value > 0 ? 1 : null)),
    rate: pointsOf(series, series.octets, (value) => (value * 8e9) / series.interval_ns),
  };
}

/** Only what happened while media flowed, close ones said together. */
export function marksWithin(marks, [from, to]) {
  return marks.filter((mark) => mark.at >= from && mark.at <= to);
}

function marksList(marks) {
  return el("details.marks", {}, el("summary", {}, `${plural(marks.length, "event")} marked`),
    el("ol", {}, marks.slice(0, 60).map((mark) => el("li", {}, el("span.time", {}, `${clock(mark.at)} s`), el(`span.m-${mark.kind === "nat" ? "nat" : "step"}`, {}, mark.text)))));
}

/**
 * @param {object[]} tracks result.tracks @param {import("./data.js").Detail["marks"]} marks
 * @returns {{element: HTMLElement, stop: () => void} | null}
 */
export function mediaView(tracks, marks) {
  const drawn = tracks.filter((track) => track.series && track.series.interval_ns > 0);
  if (drawn.length === 0) return null;
  const ends = drawn.map(({ series }) => [series.start_ns, series.start_ns + series.interval_ns * Math.max(0, (series.octets ?? []).length - 1)]);
  const x = [Math.min(...ends.map((e) => e[0])), Math.max(...ends.map((e) => e[1]))];
  const near = marksWithin(marks, x);
  const styled = drawn.map((track, i) => ({ name: `${track.kind} ${track.from} → ${track.to}`, className: `t${i % STYLES}`, figures: figuresOf(track.series) }));
  const shared = { x, marks: near, xFormat: (t) => `${clock(t, 3).replace(/\.?0+$/, "") || "0"} s` };
  const plots = [];
  const make = (title, key, yFormat, least) => {
    const one = plot({ ...shared, title, yFormat, least, series: styled.map(({ name, className, figures }) => ({ name, className, points: figures[key] })),
      cursor: (at) => { for (const other of plots) if (other !== one) other.setCursor(at); } });
    plots.push(one);
  };
  make("One-way latency", "latency", duration, 1e6);
  make("Loss", "loss", percent, 0.01);
  make("Bit rate", "rate", bitrate);
  return {
    element: el("div.plots", {}, plotLegend(styled), plots.map((one) => one.element), near.length > 0 && marksList(near)),
    stop: () => { for (const one of plots) one.stop(); },
  };
}
