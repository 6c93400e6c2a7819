/** The head of the list: what the run came to, in a sentence, a bar, and numbers that are filters. */
import { copyButton, el } from "./dom.js";
import { count, plural } from "./format.js";
import { VERDICTS, className, isBad, verdictWords, word } from "./words.js";

/** Cases by verdict, counted from the rows. @param {import("./data.js").Row[]} rows */
export function totalsOf(rows) {
  const known = Object.keys(VERDICTS);
  const counts = new Map(known.map((name) => [name, 0]));
  for (const row of rows) counts.set(row.verdict, (counts.get(row.verdict) ?? 0) + 1);
  return [...counts].filter(([, n]) => n > 0);
}

/** "2 of 355 cases need a look". @param {import("./data.js").Row[]} rows */
export function sentence(rows) {
  const bad = rows.filter((row) => isBad(row.verdict)).length;
  if (rows.length === 0) return "No case was run";
  const skipped = rows.filter((row) => row.verdict === "skipped").length;
  if (skipped === rows.length) return "No case could be run here";
  if (bad === 0 && skipped > 0) return `${count(rows.length - skipped)} of ${plural(rows.length, "case")} ran, and went as expected`;
  if (bad === 0) return rows.length === 1 ? "The case went as expected" : `All ${count(rows.length)} cases went as expected`;
  return `${count(bad)} of ${plural(rows.length, "case")} ${bad === 1 ? "needs" : "need"} a look`;
}

/** @param {[string, number][]} totals @param {number} all */
function bar(totals, all) {
  const told = totals.map(([verdict, n]) => `${n} ${verdictWords(verdict, n)}`).join(", ");
  return el("div.bar", { role: "img", "aria-label": `Verdicts: ${told}` },
    totals.map(([verdict, n]) => el(`span.v-${className(VERDICTS, verdict)}`, {
      style: { "flex-grow": n / all }, title: `${n} ${verdictWords(verdict, n)}`,
    })));
}

/**
 * @param {import("./data.js").Index} index
 * @param {(verdict: string) => void} toggle a verdict was chosen
 */
export function summary(index, toggle) {
  const totals = totalsOf(index.cases);
  const chips = totals.map(([verdict, n]) => {
    const of = word(VERDICTS, verdict);
    return el(`button.total.v-${className(VERDICTS, verdict)}`, {
      type: "button", "aria-pressed": "false", "data-verdict": verdict, title: of.tells, onclick: () => toggle(verdict),
    }, el("span.glyph", { "aria-hidden": "true" }, of.glyph), el("b", {}, count(n)), " ", verdictWords(verdict, n));
  });
  const head = el("section.summary", { "aria-label": "Summary" },
    el("h1", {}, sentence(index.cases)),
    bar(totals, index.cases.length),
    el("div.totals", { role: "group", "aria-label": "Filter by verdict" }, chips));
  if (index.command) {
    head.append(el("p.command", {}, el("span.label", {}, "made by"), el("code", {}, index.command),
      copyButton(index.command, "the command")));
  }
  return head;
}
