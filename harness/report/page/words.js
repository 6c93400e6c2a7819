/**
 * What the words of the data are called on the page, and the shape each has beside its colour.
 * @typedef {{name: string, many?: string, glyph: string, tells: string}} Word
 */
import { el } from "./dom.js";

/** In the order in which they are shown: what needs a look first. @type {Record<string, Word>} */
export const VERDICTS = {
  fail: { name: "Failed", glyph: "✕", tells: "an expectation was not met" },
  crashed: { name: "Crashed", glyph: "✸", tells: "the software under test crashed" },
  hung: { name: "Hung", glyph: "∞", tells: "the software under test no longer moved" },
  error: { name: "Error", many: "errors", glyph: "!", tells: "the run could not be carried out" },
  invalid: { name: "Invalid", glyph: "⏱", tells: "the machine was too slow for the live world: the run says nothing" },
  fixed: { name: "Fixed", glyph: "★", tells: "a known bug no longer shows: take its line out" },
  "expected-failure": { name: "Known bug", many: "known bugs", glyph: "◐", tells: "failed as its known bug says" },
  pass: { name: "Passed", glyph: "✓", tells: "everything as expected" },
  skipped: { name: "Skipped", glyph: "–", tells: "not run: the world that was asked for, or this machine, cannot" },
};

/** @type {Record<string, Word>} */
export const PATHS = {
  direct: { name: "Direct", glyph: "D", tells: "packets go from peer to peer" },
  hairpin: { name: "Hairpin", glyph: "H", tells: "packets turn round in a NAT that both are behind" },
  relay: { name: "Relay", glyph: "R", tells: "packets go through a TURN server" },
  none: { name: "No path", glyph: "–", tells: "nothing connects them" },
};

/** @type {Record<string, Word>} */
export const ORACLE = {
  agrees: { name: "agrees", glyph: "=", tells: "it went as predicted from the file alone" },
  disagrees: { name: "disagrees", glyph: "≠", tells: "it went otherwise than predicted: a finding" },
  shortfall: { name: "shortfall", glyph: "<", tells: "the ICE agent came to less than was possible, for a known cause" },
  undecided: { name: "undecided", glyph: "?", tells: "the run does not tell" },
  silent: { name: "silent", glyph: "·", tells: "this scenario is outside of what is predicted" },
};

const UNKNOWN = { name: "", glyph: "?", tells: "" };

/** @param {Record<string, Word>} words @param {string | null} key @returns {Word} */
export function word(words, key) {
  return Object.hasOwn(words, key ?? "") ? words[key] : { ...UNKNOWN, name: key ?? "not told" };
}

/** Whether a verdict is bad news. @param {string} verdict */
export function isBad(verdict) {
  return verdict !== "pass" && verdict !== "expected-failure" && verdict !== "skipped";
}

/** "1 known bug", "2 known bugs": the words after the figure. @param {string} verdict @param {number} n */
export function verdictWords(verdict, n) {
  const of = word(VERDICTS, verdict);
  return n !== 1 && of.many ? of.many : of.name.toLowerCase();
}

/** Only names that the style knows become classes. @param {Record<string, Word>} words @param {string | null} key */
export function className(words, key) {
  return Object.hasOwn(words, key ?? "") ? key : "unknown";
}

/** Glyph and word of a verdict. @param {string} verdict @param {boolean} [large] */
export function verdictMark(verdict, large = false) {
  const of = word(VERDICTS, verdict);
  return el(`span.verdict.v-${className(VERDICTS, verdict)}${large ? ".large" : ""}`, { title: of.tells },
    el("span.glyph", { "aria-hidden": "true" }, of.glyph), el("span.word", {}, of.name));
}

/** A path's chip: "Relay". @param {string | null} kind */
export function pathChip(kind) {
  if (kind === null || kind === undefined) return null;
  const of = word(PATHS, kind);
  return el(`span.path.p-${className(PATHS, kind)}`, { title: of.tells }, of.name);
}

/** How the families of ladder entries are called, in the order of their filters. @type {Record<string, string>} */
export const KINDS = {
  step: "Steps",
  signaling: "Signalling",
  stun: "STUN",
  turn: "TURN",
  ice: "ICE",
  dtls: "DTLS",
  media: "Media and data",
  dns: "DNS",
  nat: "NAT and network",
  other: "Other",
};

const SAME_KIND = { data: "media", verdict: "step", network: "nat" };

/** The family that an entry's kind belongs to. @param {string} kind @returns {string} */
export function family(kind) {
  if (Object.hasOwn(KINDS, kind)) return kind;
  return Object.hasOwn(SAME_KIND, kind) ? SAME_KIND[kind] : "other";
}
