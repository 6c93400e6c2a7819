/** One message's decoded fields, beside the ladder, or from below on a narrow screen. */
import { announce, el, put } from "./dom.js";
import { clock, count, isTime, plural } from "./format.js";
import { KINDS, family } from "./words.js";

/** What came with a message, as rows of a list: names and values are texts of the data. */
function facts(entry, participants) {
  const name = (i) => participants[i]?.name ?? null;
  const rows = [["Time", `${clock(entry.at, 7)} s`]];
  if (isTime(entry.last) && entry.last > entry.at) rows.push(["Last", `${clock(entry.last, 7)} s`]);
  if (entry.count > 1) rows.push(["Folded", `${count(entry.count)} that say the same`]);
  if (entry.shape !== "across" && name(entry.from)) rows.push(["From", name(entry.from)]);
  if (entry.shape !== "across" && name(entry.to)) rows.push(["To", name(entry.to)]);
  if (name(entry.via)) rows.push(["Via", name(entry.via)]);
  if (entry.note) rows.push(["Note", entry.note]);
  if (entry.fate) rows.push(["Fate", [entry.fate, entry.reason].filter(Boolean).join(": ")]);
  if (entry.packet > 0) rows.push(["Packet", `${count(entry.packet)} in trace.pcapng`]);
  return rows;
}

function list(rows) {
  return el("dl", {}, rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** @param {() => void} closed where the focus goes back to */
export function messagePanel(closed) {
  const element = el("aside.panel", { "aria-label": "Message", tabindex: "-1", hidden: true });
  function hide() {
    element.hidden = true;
    closed();
  }
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  return {
    element,
    hide,
    isOpen: () => !element.hidden,
    /** @param {[string, string][]} sent what a received message said when it was sent */
    show(entry, participants, sent) {
      const kind = family(entry.kind);
      const fields = entry.fields ?? [];
      put(element,
        el("header", {}, el(`span.tag.k-${kind}`, {}, KINDS[kind]), el("h3", {}, entry.text),
          el("button.button", { type: "button", "aria-label": "Close the message", onclick: hide }, "✕")),
        list(facts(entry, participants)),
        fields.length > 0 && el("h4", {}, "Decoded"),
        fields.length > 0 && list(fields),
        sent.length > 0 && el("h4", {}, "As it was sent"),
        sent.length > 0 && list(sent));
      if (element.hidden) announce(`${entry.text}: ${plural(fields.length, "field")} beside the messages. Escape closes them.`);
      element.hidden = false;
    },
  };
}
