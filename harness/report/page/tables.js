/** A case's figures as tables: expectations, sessions, flows, tracks, NATs, servers, drops. */
import { el } from "./dom.js";
import { bitrate, bytes, clock, count, duration, isTime, percent } from "./format.js";

/**
 * A table that scrolls within itself. Columns without a word in any row are left out.
 * @param {string} caption @param {[string, (row: object) => any, string?][]} columns name, value, class @param {object[]} rows
 */
export function table(caption, columns, rows) {
  if (!rows || rows.length === 0) return null;
  const kept = columns.map(([name, value, kind]) => ({ name, kind, cells: rows.map(value) }))
    .filter(({ cells }) => cells.some((cell) => (cell ?? "") !== ""));
  return el("div.scroll", { tabindex: "0", role: "region", "aria-label": caption }, el("table.figures", {}, el("caption", {}, caption),
    el("thead", {}, el("tr", {}, kept.map(({ name, kind }) => el(`th${kind ? `.${kind}` : ""}`, { scope: "col" }, name)))),
    el("tbody", {}, rows.map((_, i) => el("tr", {}, kept.map(({ cells, kind }, at) => (at === 0
      ? el("th", { scope: "row" }, cells[i]) : el(`td${kind ? `.${kind}` : ""}`, {}, cells[i] ?? "–"))))))));
}

/** @param {object[]} expectations @param {(packet: number) => Node} packet how a packet's number is shown */
export function expectations(expectations, packet) {
  if (!expectations || expectations.length === 0) return el("p.empty", {}, "This scenario expects nothing.");
  const sorted = [...expectations].sort((a, b) => Number(a.passed) - Number(b.passed));
  return el("ol.expectations", {}, sorted.map((e) => el(`li.${e.passed ? "met" : "missed"}`, {},
    el(`span.verdict.v-${e.passed ? "pass" : "fail"}`, {}, el("span.glyph", { "aria-hidden": "true" }, e.passed ? "✓" : "✕"),
      el("span.visually-hidden", {}, e.passed ? "Met" : "Missed")),
    el("div", {}, el("code.what", {}, e.what),
      el("dl", {}, el("dt", {}, "expected"), el("dd", {}, e.expected ?? "–"), el("dt", {}, "got"), el("dd", {}, e.got ?? "–")),
      el("p.where", {}, e.file && el("span", {}, `${e.file}${e.line ? `:${e.line}` : ""}`),
        isTime(e.at_ns) && el("span", {}, `at ${clock(e.at_ns)} s`),
        e.packet > 0 && packet(e.packet), e.of_oracle && el("span", {}, "a prediction"),
        e.finding && !e.of_oracle && el("span", {}, "a finding"))))));
}

const latency = (of) => (row) => (row.latency && row.latency.count > 0 ? duration(row.latency[of]) : null);

/** All other figures of a result. @param {object} result */
export function figures(result) {
  const time = (key) => (row) => (row[key] === null || row[key] === undefined ? null : duration(row[key]));
  const n = (key) => (row) => (row[key] === undefined || row[key] === null ? null : count(row[key]));
  const drops = Object.entries(result.counts?.drops_by_reason ?? {}).sort(([, a], [, b]) => b - a);
  return [
    table("Sessions", [["Peer", (s) => s.peer], ["with", (s) => s.with], ["State", (s) => s.state],
      ["Component", (s) => (result.sessions.length > 2 ? `${s.session}.${s.stream}.${s.component}` : "")],
      ["Pair", (s) => (s.local_type ? `${s.local_type} to ${s.remote_type}` : null)], ["Local", (s) => s.local, "address"],
      ["Remote", (s) => s.remote, "address"], ["Gathered", time("gathered_ns"), "number"],
      ["Connected", time("connected_ns"), "number"], ["Ready", time("ready_ns"), "number"], ["Failed", time("failed_ns"), "number"]], result.sessions),
    table("Tracks", [["Track", (t) => `${t.kind} ${t.from} → ${t.to}`], ["Sent", n("sent"), "number"], ["Received", n("received"), "number"],
      ["Loss", (t) => (t.sent > 0 && t.loss_ppb !== null ? percent(t.loss_ppb / 1e9) : null), "number"], ["Bit rate", (t) => (t.bitrate ? bitrate(t.bitrate) : null), "number"],
      ["Latency", latency("mean_ns"), "number"], ["p95", latency("p95_ns"), "number"], ["Jitter", time("jitter_mean_ns"), "number"],
      ["MOS", (t) => (t.mos_milli ? (t.mos_milli / 1000).toFixed(2) : null), "number"], ["First frame", time("first_frame_ns"), "number"],
      ["Freezes", n("freezes"), "number"]], result.tracks),
    table("Flows", [["Flow", (f) => `${f.flow} ${f.from} → ${f.to}`], ["Channel", (f) => f.channel], ["Sent", n("sent"), "number"], ["Received", n("received"), "number"],
      ["Lost", n("lost"), "number"], ["Duplicates", n("duplicates"), "number"], ["Reordered", n("reordered"), "number"],
      ["Latency", latency("mean_ns"), "number"], ["p95", latency("p95_ns"), "number"], ["max", latency("max_ns"), "number"]], result.flows),
    table("DTLS", [["Peer", (d) => d.peer], ["with", (d) => d.with], ["State", (d) => d.state], ["Role", (d) => d.role], ["Profile", (d) => d.profile],
      ["Connected", time("connected_ns"), "number"], ["Timeouts", n("timeouts"), "number"]], result.dtls),
    table("NATs", [["NAT", (x) => x.nat], ["Mappings", n("mappings"), "number"], ["Ended", n("mappings_ended"), "number"], ["Drops", n("drops"), "number"]], result.nats),
    table("Servers", [["Server", (s) => s.server], ["Requests", n("requests"), "number"], ["Errors", n("errors"), "number"],
      ["Allocations", n("allocations"), "number"], ["Relayed", n("relayed_packets"), "number"],
      ["Bytes", (s) => (s.relayed_packets ? bytes(s.relayed_bytes) : null), "number"]], result.servers),
    table("Scripts", [["Peer", (s) => s.peer], ["Outcome", (s) => s.outcome], ["Ended", time("ended_ns"), "number"], ["Sent", n("sent"), "number"],
      ["Received", n("received"), "number"], ["Unexpected", n("unexpected"), "number"]], result.scripts),
    table("Drops by reason", [["Reason", ([reason]) => reason], ["Packets", ([, packets]) => count(packets), "number"]], drops),
  ].filter(Boolean);
}
