/** One case: what came of it and why, its network, its messages, its pairs, its media, and every figure. */
import { caseName } from "./cases.js";
import { readDetail } from "./data.js";
import { copyButton, el, put } from "./dom.js";
import { clock, count, duration } from "./format.js";
import { ladderView } from "./ladder.js";
import { mediaView } from "./media.js";
import { pairsView } from "./pairs.js";
import { caseHash } from "./route.js";
import { expectations, figures } from "./tables.js";
import { topology } from "./topology.js";
import { ORACLE, PATHS, VERDICTS, className, pathChip, verdictMark, word } from "./words.js";

const WEB = /^https?:\/\//;

function fact(name, ...value) {
  return el("div.fact", {}, el("dt", {}, name), el("dd", {}, ...value));
}

function facts(row, result) {
  return el("dl.facts", {},
    row.path !== null && fact("Path", pathChip(row.path), row.types && el("span.types", {}, row.types)),
    row.connected_ns !== null && fact("Connected in", duration(row.connected_ns)),
    row.oracle && fact("Prediction", el(`span.o-${className(ORACLE, row.oracle)}`, { title: word(ORACLE, row.oracle).tells },
      row.predicted ? `${word(PATHS, row.predicted).name.toLowerCase()}: ` : "", word(ORACLE, row.oracle).name)),
    fact("Seed", el("code", {}, row.seed)),
    result.live && fact("World", "live", result.live.summary ? el("span.aside", {}, result.live.summary) : ""),
    fact("Lasted", duration(row.ended_ns), result.end_reason ? el("span.aside", {}, result.end_reason) : ""),
    result.counts && fact("Packets", count(result.counts.packets),
      result.counts.drops > 0 ? el("span.aside", {}, `${count(result.counts.drops)} dropped`) : ""));
}

/** The words that follow from a verdict: the run's own message, or what was missed. */
function reasons(row, result) {
  if (row.verdict === "pass") return null;
  const missed = (result.expectations ?? []).filter((e) => !e.passed);
  const bug = row.known_bug ?? result.known_bug;
  return el(`div.reasons.v-${className(VERDICTS, row.verdict)}`, {}, el("p", {}, el("b", {}, word(VERDICTS, row.verdict).name), `: ${word(VERDICTS, row.verdict).tells}.`),
    result.message && el("p", {}, result.message),
    missed.length > 0 && el("ul", {}, missed.slice(0, 5).map((e) => el("li", {}, el("code", {}, e.what), ` got ${e.got ?? "nothing"}`))),
    bug && el("p", {}, "Known bug: ", WEB.test(bug) ? el("a", { href: bug, rel: "noreferrer" }, bug) : bug));
}

/** Why each pair of peers took another way than the straight one. */
function whyBox(result) {
  const told = (result.path ?? []).filter((path) => (path.why ?? []).length > 0);
  if (told.length === 0) return null;
  const titles = { relay: "Why relayed", none: "Why nothing connected", hairpin: "Why by hairpin" };
  const title = (path) => titles[path.kind] ?? "Why";
  const sentences = (path) => path.why.map((sentence) => el("p", {}, sentence));
  if (told.length === 1) {
    const whose = result.path.length > 1 ? `: ${told[0].a} and ${told[0].b}` : "";
    return el("div.why", {}, el("h3", {}, title(told[0]) + whose), sentences(told[0]));
  }
  return el("div.why", {}, told.map((path, at) => el("details", { open: at === 0 },
    el("summary", {}, el("h3", {}, `${title(path)}: ${path.a} and ${path.b}`)), sentences(path))));
}

function prediction(result) {
  const told = (result.oracle ?? []).filter((one) => (one.reasons ?? []).length > 0 || one.why);
  if (told.length === 0) return null;
  return el("details.prediction", {}, el("summary", {}, "What was predicted, and why"), told.map((one) => [
    el("p", {}, el("b", {}, `${one.a} and ${one.b}: `), `${word(PATHS, one.predicted).name.toLowerCase()} predicted`,
      one.at_worst && one.at_worst !== one.predicted ? `, ${word(PATHS, one.at_worst).name.toLowerCase()} at worst` : "",
      one.happened ? `, ${word(PATHS, one.happened).name.toLowerCase()} happened` : "", one.why ? `: ${one.why}` : "", "."),
    el("ul", {}, (one.reasons ?? []).map((reason) => el("li", {}, reason)))]));
}

function section(id, title, ...content) {
  const inside = content.flat().filter(Boolean);
  return inside.length === 0 ? null : el("section.part", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), inside);
}

/** Previous and next in the order of the data. */
function neighbours(index, row) {
  const at = index.cases.indexOf(row);
  const link = (other, text, label) => other
    && el("a.button", { href: caseHash(other.name), "aria-label": `${label}: ${other.name}` }, text);
  return el("nav.neighbours", { "aria-label": "Other cases" }, el("a", { href: "#" }, "← All cases"),
    el("span", {}, link(index.cases[at - 1], "‹ Previous", "Previous case"), link(index.cases[at + 1], "Next ›", "Next case")));
}

function partsNav(parts) {
  return el("nav.parts", { "aria-label": "Parts of this case" }, parts.filter(Boolean).map((part) => el("button", {
    type: "button", onclick: () => { part.scrollIntoView({ block: "start" }); part.querySelector("h2").setAttribute("tabindex", "-1"); part.querySelector("h2").focus({ preventScroll: true }); },
  }, part.querySelector("h2").textContent)));
}

/**
 * @param {HTMLElement} main @param {import("./data.js").Index} index @param {import("./route.js").Route} route
 */
export async function showCase(main, index, route) {
  const row = index.cases.find((one) => one.name === route.name);
  if (!row) {
    put(main, el("p.complaint", { role: "alert" }, `There is no case ${route.name} in this report.`), el("p", {}, el("a", { href: "#" }, "All cases")));
    return () => {};
  }
  const detail = await readDetail(row);
  const { result, ladder, pairs, marks } = detail;
  const stops = [];
  const lines = ladder && ladder.entries.length > 0 ? ladderView(ladder) : null;
  if (lines) stops.push(lines.stop);
  const packet = (number) => el("button.packet", {
    type: "button", onclick: (event) => {
      if (lines?.jump(number)) return;
      const text = row.evidence ? "not among the messages that this page could read" : "no evidence was kept to show it";
      const told = event.currentTarget.parentElement;
      if (!told.querySelector(".not-here")) told.append(el("span.not-here", { role: "status" }, text));
    },
    title: `packet ${number} of trace.pcapng`,
  }, `packet ${count(number)}`);
  const drawing = topology(detail);
  const why = whyBox(result);
  const media = mediaView(result.tracks ?? [], marks ?? []);
  if (media) stops.push(media.stop);
  const candidatePairs = (pairs ?? []).length > 0 ? pairsView(pairs, row.ended_ns) : null;
  if (candidatePairs) stops.push(candidatePairs.stop);
  const again = result.again;
  const parts = [
    section("network", "Network", drawing, why, prediction(result)),
    section("expectations", "Expectations", expectations(result.expectations, packet)),
    section("ladder", "Messages", lines ? lines.element : ladder?.complaint ? el("p.complaint", {}, ladder.complaint)
      : el("p.empty", {}, row.evidence ? "The evidence tells no messages." : "No evidence was kept of this case: run it again to see its messages.")),
    candidatePairs && section("pairs", "Candidate pairs", candidatePairs.element),
    media && section("media", "Media over time", media.element),
    section("figures", "Figures", el("div.figure-tables", {}, figures(result)),
      row.evidence && el("p.files", {}, "Beside this report, in the folder of the case: ", el("code", {}, "trace.pcapng"), " (every packet, for Wireshark), ",
        el("code", {}, "events.jsonl"), ", ", el("code", {}, "result.json"), ".")),
  ];
  put(main, neighbours(index, row),
    el("header.case-head", {}, verdictMark(row.verdict, true), el("h1", {}, caseName(row.name)),
      row.about && el("p.about", {}, row.about),
      row.tags.length > 0 && el("p.tags", {}, row.tags.map((tag) => el("a.tag", { href: "#" + new URLSearchParams({ tag }) }, tag))),
      facts(row, result), reasons(row, result),
      again && el("p.command", {}, el("span.label", {}, "run it again"), el("code", {}, again), copyButton(again, "the command"))),
    partsNav(parts), el("div.case-body", {}, parts));
  if (route.params.has("packet")) lines?.jump(Number(route.params.get("packet")));
  return () => { for (const stop of stops) stop(); };
}
