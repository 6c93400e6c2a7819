/**
 * The call as a ladder: a row a message, lifelines down, names on top and times at the left that stay in sight.
 * A list box to the keyboard: up and down move, Enter opens the message, Esc closes it.
 */
import { announce, el, put, svg } from "./dom.js";
import { clock, count, duration, isTime, plural } from "./format.js";
import { ROW, arrowOf, filtersOf, gapBefore, isLost, isShown, lanesOf, rowText, sentOf, touches, usedBy, withNote } from "./ladder_layout.js";
import { messagePanel } from "./ladder_panel.js";
import { KINDS, family } from "./words.js";

const MANY = 5; // participants, beyond which the messages of one of them can be asked for
const ROLES = { peer: "peer", server: "server", signaling: "signalling" };

/** In words, for who does not see the arrow. */
export function tellEntry(entry, participants) {
  const name = (i) => participants[i]?.name;
  const who = entry.shape === "across" ? "" : [name(entry.from), name(entry.to) && `to ${name(entry.to)}`].filter(Boolean).join(" ");
  const fate = entry.fate ? `, ${[entry.fate, entry.reason].filter(Boolean).join(": ")}` : "";
  return `${clock(entry.at)} s, ${who ? `${who}: ` : ""}${rowText(entry, participants)}${fate}`;
}

function lifelines(lanes) {
  return Object.values(lanes.lanes).map((x) => svg("line.life", { x1: x, x2: x, y1: 0, y2: ROW }));
}

function head(x, right) {
  const s = right ? -1 : 1;
  return svg("path.head", { d: `M${x} ${ROW - 9}l${7 * s} -4v8z` });
}

function noteParts(entry, lanes, text) {
  const x = lanes.lanes[entry.from] ?? lanes.width / 2;
  const left = x + 12 + text.length * 6.9 > lanes.width && x > lanes.width / 2;
  return [svg("circle.dot", { cx: x, cy: ROW / 2, r: 4 }),
    svg("text", { x: left ? x - 10 : x + 10, y: ROW / 2 + 4, "text-anchor": left ? "end" : "start" }, text)];
}

function arrowParts(entry, lanes, text) {
  const reason = entry.fate ? entry.reason ?? entry.fate : "";
  const a = arrowOf(entry, lanes, text);
  if (a.x0 === null) return [svg("text", { x: a.text, y: ROW - 14, "text-anchor": "middle" }, text)];
  const y = ROW - 9;
  const both = entry.shape === "exchange";
  const words = svg("text", { x: a.text, y: y - 6, "text-anchor": "middle" }, text);
  if (a.self) return [svg("path.shaft", { d: `M${a.x0} ${y - 10}h16v10h-14`, fill: "none" }), words];
  const parts = [svg("line.shaft", { x1: a.x0, x2: a.x1, y1: y, y2: y })];
  if (both) parts.push(head(a.x0 + (a.right ? 2 : -2), !a.right));
  if (a.dropped) {
    const left = a.right;
    const room = reason.length * 6.2;
    const end = a.right ? Math.min(a.x1 + 9, lanes.width - room - 4) : Math.max(a.x1 - 9, room + 4);
    parts.push(isLost(entry) ? svg("path.cross", { d: `M${a.x1 - 4} ${y - 4}l8 8m0 -8l-8 8` }) : head(a.x1, a.right),
      svg("text.reason", { x: end, y: y + 4, "text-anchor": left ? "start" : "end" }, reason));
  } else {
    parts.push(head(a.x1, a.right));
  }
  parts.push(words);
  return parts;
}

function leftOut(n) {
  return `${plural(n, "entry", "entries")} left out`;
}

function rowElement(entry, number, lanes, participants, told) {
  const kind = family(entry.kind);
  const text = withNote(entry, rowText(entry, participants), lanes);
  const bad = isLost(entry) ? ".dropped" : entry.fate ? ".under-way" : entry.bad ? ".bad" : "";
  const time = el("span.time", {}, clock(entry.at) === told ? "" : clock(entry.at));
  const shell = (spec, ...inside) => el(`${spec}.k-${kind}${bad}`, {
    role: "option", id: `message-${number}`, "data-n": number, "aria-selected": "false", "aria-label": tellEntry(entry, participants),
    title: isTime(entry.last) && entry.last > entry.at ? `the last at ${clock(entry.last)} s` : null,
  }, time, ...inside);
  if (entry.shape === "across") {
    return shell("div.row.across", el("span.strip", { style: { width: `${lanes.width}px` } }, el("span", {}, text)));
  }
  const parts = entry.shape === "note" || entry.shape === undefined ? noteParts(entry, lanes, text) : arrowParts(entry, lanes, text);
  return shell("div.row", svg("svg", { width: lanes.width, height: ROW, "aria-hidden": "true" }, lifelines(lanes), parts));
}

/** A row that is no message: a stretch of quiet, or of entries that are not in this page. */
function betweenElement(spec, mark, text, lanes) {
  return el(`div.row.gap${spec}`, { role: "presentation" }, el("span.time", {}, mark),
    el("span.strip", { style: { width: `${lanes.width}px` } },
      svg("svg", { width: lanes.width, height: ROW, "aria-hidden": "true" }, lifelines(lanes)), el("span", {}, text)));
}

/**
 * @param {import("./data.js").Ladder} ladder
 * @returns {{element: HTMLElement, jump: (packet: number) => boolean, stop: () => void}}
 */
export function ladderView(ladder) {
  const { participants, entries } = ladder;
  const off = new Set();
  let whose = -1; // everyone
  let shown = [];
  let chosen = -1;
  let room = 0;
  const rows = el("div.rows", { role: "listbox", tabindex: "0", "aria-label": "Messages, by time" });
  const names = el("div.names", { "aria-hidden": "true" });
  const box = el("div.ladder-box", {}, names, rows);
  const panel = messagePanel(() => rows.focus());
  const frame = el("div.ladder-frame", {}, box, panel.element);
  const filters = el("div.chips", { role: "group", "aria-label": "Show in the ladder" });

  function draw() {
    const used = usedBy(entries.filter((entry) => touches(entry, whose)), participants.length);
    const lanes = lanesOf(used, Math.max(0, box.clientWidth - 74));
    room = box.clientWidth;
    box.style.setProperty("--ladder", `${lanes.width}px`);
    put(names, el("span.time", {}, "s"), el("span.name-row", { style: { width: `${lanes.width}px` } },
      used.map((number) => participants[number]).map((who) => el(`span.who.${ROLES[who.role] ? who.role : "peer"}`,
        { title: who.name, style: { width: `${lanes.width / used.length}px` } }, el("b", {}, who.name), el("small", {}, ROLES[who.role] ?? who.role)))));
    shown = [];
    const elements = [];
    let previous = null;
    let skipped = 0;
    entries.forEach((entry, number) => {
      skipped += entry.skipped ?? 0;
      if (!isShown(entry, off) || !touches(entry, whose)) return;
      const gap = gapBefore(previous, entry.at);
      if (skipped > 0) {
        elements.push(betweenElement(".skipped", "⋯", `${leftOut(skipped)}${gap === null ? "" : ` in ${duration(gap)}`}`, lanes));
      } else if (gap !== null) {
        elements.push(betweenElement("", "⋮", `${duration(gap)} later`, lanes));
      }
      skipped = 0;
      shown.push(number);
      elements.push(rowElement(entry, number, lanes, participants, previous === null || gap !== null ? null : clock(previous)));
      previous = entry.at;
    });
    put(rows, elements.length ? elements : el("p.empty", {}, "Nothing of that kind."));
    if (shown.includes(chosen)) mark(chosen, false);
    else chosen = -1;
  }

  function mark(number, scroll = true) {
    rows.querySelector("[aria-selected='true']")?.setAttribute("aria-selected", "false");
    chosen = number;
    const row = rows.querySelector(`[data-n="${number}"]`);
    row.setAttribute("aria-selected", "true");
    rows.setAttribute("aria-activedescendant", row.id);
    if (scroll) {
      const top = row.offsetTop - names.offsetHeight;
      if (top < box.scrollTop) box.scrollTop = top;
      else if (top + ROW + names.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW + names.offsetHeight - box.clientHeight;
    }
  }

  function open(number) {
    mark(number);
    panel.show(entries[number], participants, sentOf(entries[number], entries));
  }

  /** Shows a row that filters may hide just now. */
  function bare(number) {
    if (isShown(entries[number], off) && touches(entries[number], whose)) return;
    off.clear();
    whose = -1;
    if (who) who.value = "-1";
    for (const one of filters.querySelectorAll("button")) {
      one.setAttribute("aria-pressed", String(one.dataset.filter !== "only-drops"));
    }
    draw();
  }

  rows.addEventListener("click", (event) => {
    const row = event.target.closest("[data-n]");
    if (row) open(Number(row.dataset.n));
  });
  rows.addEventListener("keydown", (event) => {
    const at = shown.indexOf(chosen);
    const page = Math.max(1, Math.floor(box.clientHeight / ROW) - 2);
    const goal = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1, PageDown: at + page, PageUp: at - page }[event.key];
    if (goal !== undefined && shown.length) {
      event.preventDefault();
      mark(shown[Math.min(Math.max(goal, 0), shown.length - 1)]);
      if (panel.isOpen()) open(chosen);
    } else if ((event.key === "Enter" || event.key === " ") && chosen >= 0) {
      event.preventDefault();
      open(chosen);
    } else if (event.key === "Escape" && panel.isOpen()) {
      panel.hide();
    }
  });

  const counts = filtersOf(entries);
  const chip = (name, text, n, pressed) => el(`button.chip.k-${name}`, {
    type: "button", "aria-pressed": String(pressed), "data-filter": name,
    onclick: (event) => {
      if (off.has(name)) off.delete(name);
      else off.add(name);
      event.currentTarget.setAttribute("aria-pressed", String(name === "only-drops" ? off.has(name) : !off.has(name)));
      draw();
      announce(plural(shown.length, "message"));
    },
  }, text, " ", el("span.n", {}, String(n)));
  const who = participants.length > MANY ? el("select", { name: "whose", onchange: () => {
    whose = Number(who.value);
    draw();
    announce(plural(shown.length, "message"));
  } }, el("option", { value: "-1" }, "everyone"), participants.map((one, number) => el("option", { value: String(number) }, one.name))) : null;
  put(filters, who && el("label.whose", {}, el("span.label", {}, "Messages of"), who), Object.entries(KINDS).filter(([name]) => counts.has(name)).map(([name, kind]) => chip(name, kind, counts.get(name), true)),
    counts.has("drops") && chip("only-drops", "Only drops", counts.get("drops"), false));

  const watch = new ResizeObserver(() => {
    if (Math.abs(box.clientWidth - room) > 1) draw();
  });
  watch.observe(box);
  const element = el("div.ladder", {}, filters,
    ladder.complaint && el("p.complaint", {}, ladder.complaint), frame,
    ladder.left_out > 0 && el("p.left-out", {}, `${leftOut(ladder.left_out)} of this page where the ladder says so: `, el("code", {}, "hairpin show"), " tells all."));

  return {
    element,
    jump(packet) {
      const number = entries.findIndex((entry) => packet > 0 && entry.packet === packet);
      const told = (ladder.packets ?? []).find((one) => one.packet === packet);
      if (number < 0 && !told) return false;
      if (number >= 0) {
        bare(number);
        open(number);
      } else {
        if (isTime(told.entry)) {
          bare(told.entry);
          mark(told.entry);
        }
        panel.show({ at: told.at, shape: "across", kind: "other", text: `Packet ${count(packet)}`, packet, fields: told.fields }, participants, []);
      }
      element.scrollIntoView({ block: "start" });
      rows.focus({ preventScroll: true });
      return true;
    },
    stop: () => watch.disconnect(),
  };
}
