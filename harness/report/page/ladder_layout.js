/**
 * What stands where in a ladder. Pure.
 * @typedef {{width: number, lanes: Record<number, number>, fits: boolean}} Lanes middle of each participant's lifeline; whether all is in
 *   sight at once
 */
import { family } from "./words.js";

export const ROW = 30; // height of a row
const NARROWEST = 168; // of a lane
const LETTER = 6.9; // width of a letter of a row's text

/** Who has something to do with one of these entries, in order; everyone where nobody has. */
export function usedBy(entries, participants) {
  const used = new Set();
  for (const entry of entries) {
    for (const one of [entry.from, entry.to, entry.via]) {
      if (one !== null && one !== undefined) used.add(one);
    }
  }
  const all = Array.from({ length: participants }, (_, i) => i);
  return used.size ? all.filter((i) => used.has(i)) : all;
}

/** Whether an entry concerns a participant; what concerns everyone does. -1 is everyone. */
export function touches(entry, participant) {
  return participant < 0 || entry.shape === "across" || [entry.from, entry.to, entry.via].includes(participant);
}

/**
 * What a signalling message that was received said: the fields below the one that was sent, which tells it. Empty where
 * that is not known.
 */
export function sentOf(entry, entries) {
  const number = (one) => (one.fields ?? []).find(([name]) => name === "message")?.[1];
  const body = (one) => (one.fields ?? []).filter(([name]) => name.startsWith("> "));
  if (entry.kind !== "signaling" || number(entry) === undefined || body(entry).length > 0) return [];
  const sent = entries.find((one) => one.kind === "signaling" && number(one) === number(entry) && body(one).length > 0);
  return sent ? body(sent) : [];
}

/** @param {number[]} used the participants that have a lane @param {number} room @returns {Lanes} */
export function lanesOf(used, room) {
  const n = Math.max(1, used.length);
  const lane = Math.max(NARROWEST, Math.floor(room / n));
  return { width: lane * n, lanes: Object.fromEntries(used.map((one, i) => [one, lane * i + lane / 2])), fits: lane * n <= room };
}

/** The quiet before a row, when it is long for this ladder: what the time column skips. Null where it is not. */
export function gapBefore(previous, at, least = 500e6) {
  return previous !== null && at - previous >= least ? at - previous : null;
}

/**
 * Where an arrow begins and ends, and where the middle of its text stands so that it is inside the drawing: over the
 * arrow's middle, or where the drawing scrolls at its left end, where it is seen first.
 * @param {{shape: string, from: number | null, to: number | null, fate: string | null, text: string}} entry
 * @param {Lanes} lanes
 */
export function arrowOf(entry, lanes, text) {
  const x0 = lanes.lanes[entry.from] ?? null;
  const aim = lanes.lanes[entry.to] ?? null;
  const width = text.length * LETTER;
  const inside = (middle) => Math.min(Math.max(middle, width / 2 + 6), Math.max(lanes.width - width / 2 - 6, width / 2 + 6));
  if (x0 === null && aim === null) return { x0: null, x1: null, text: inside(lanes.width / 2), right: true };
  const start = x0 ?? aim + (aim > lanes.width / 2 ? -1 : 1) * 70;
  const goal = aim ?? start + (start > lanes.width / 2 ? -1 : 1) * 70;
  const right = goal > start;
  const self = goal === start;
  const dropped = entry.fate !== null && entry.fate !== undefined;
  const x1 = self ? start : dropped ? start + (goal - start) * 0.72 : goal - (right ? 1 : -1) * 2;
  return { x0: start, x1, text: inside(lanes.fits || self ? (start + goal) / 2 : Math.min(start, goal) + 12 + width / 2), right, self, dropped };
}

/** What is said of an entry on its row. @param {object} entry @param {{name: string}[]} participants */
export function rowText(entry, participants) {
  const via = participants[entry.via] ? ` by ${participants[entry.via].name}` : "";
  const times = entry.count > 1 ? ` ×${entry.count}` : "";
  return `${entry.text}${via}${times}`;
}

/** The same with the entry's note, where there is room for it. @param {object} entry @param {string} text @param {Lanes} lanes */
export function withNote(entry, text, lanes) {
  if (!entry.note) return text;
  const [from, to] = [lanes.lanes[entry.from], lanes.lanes[entry.to]];
  const room = entry.shape !== "arrow" ? lanes.width - (from ?? 0) : Math.abs((to ?? 0) - (from ?? 0));
  const whole = `${text} (${entry.note})`;
  return whole.length * LETTER < room - 16 ? whole : text;
}

/** Whether an entry's message was lost: what was still under way at the end was not. @param {object} entry */
export function isLost(entry) {
  return Boolean(entry.fate) && entry.fate !== "under-way";
}

/** Filters that these entries have something for, with how much. @param {object[]} entries */
export function filtersOf(entries) {
  const counts = new Map();
  const add = (name, n) => counts.set(name, (counts.get(name) ?? 0) + n);
  for (const entry of entries) {
    add(family(entry.kind), 1);
    if (isLost(entry)) add("drops", 1);
  }
  return counts;
}

/** Whether an entry is shown while these filters are off. @param {object} entry @param {Set<string>} off */
export function isShown(entry, off) {
  if (off.has("only-drops")) return isLost(entry) || family(entry.kind) === "step";
  return !off.has(family(entry.kind));
}
