// The page's pure functions, in node: what a figure is called, where things stand, what passes a filter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cellOf, layoutOf, tableOf } from "../../../harness/report/page/grid_model.js";
import { filterOf, select, settingsOf, tally } from "../../../harness/report/page/filter.js";
import { bitrate, bytes, clock, count, duration, figure, percent, plural } from "../../../harness/report/page/format.js";
import { arrowOf, filtersOf, gapBefore, isShown, lanesOf, rowText, sentOf, touches, usedBy, withNote } from "../../../harness/report/page/ladder_layout.js";
import { caseHash, parse } from "../../../harness/report/page/route.js";
import { hostOf, layoutNetwork, pointsOf, wayBetween, zoneOf } from "../../../harness/report/page/topology_layout.js";

test("durations have the unit that people would choose", () => {
  assert.equal(duration(null), "never");
  assert.equal(duration(0), "0 s");
  assert.equal(duration(1_500), "1.5 µs");
  assert.equal(duration(640_000), "640 µs");
  assert.equal(duration(373_000_000), "373 ms");
  assert.equal(duration(999_600_000), "1 s");
  assert.equal(duration(4_020_000_000), "4.02 s");
  assert.equal(duration(65_000_000_000), "1 min 5 s");
  assert.equal(duration(86_400_000_000_000), "24 h");
});

test("other figures", () => {
  assert.equal(clock(70_500_000), "0.070");
  assert.equal(clock(70_500_000, 7), "0.0705");
  assert.equal(clock(363_000_000, 7), "0.3630");
  assert.equal(count(1234567), "1,234,567");
  assert.equal(count(123), "123");
  assert.equal(plural(1, "case"), "1 case");
  assert.equal(plural(2, "entry", "entries"), "2 entries");
  assert.equal(bitrate(160_000), "160 kbit/s");
  assert.equal(bitrate(1_250_000), "1.25 Mbit/s");
  assert.equal(bitrate(-575_195), "-575 kbit/s");
  assert.equal(bytes(102_812), "103 kB");
  assert.equal(percent(0.024), "2.4%");
  assert.equal(percent(0), "0%");
  assert.equal(figure(null, "ms"), "–");
  assert.equal(figure(45, "us"), "45 µs");
  assert.equal(figure(4707, "us"), "4.71 ms");
});

const NETWORK = {
  zones: [{ name: "internet", of: "internet" }, { name: "home", of: "nat" }, { name: "lte", of: "nat" }],
  nats: [{ name: "home", zone: 0, inside: 1, addresses: ["192.0.2.10"] }, { name: "lte", zone: 0, inside: 2, addresses: ["192.0.2.12"] }],
  firewalls: [],
  servers: [{ name: "turn", kind: "turn", zone: 0, addresses: ["203.0.113.10"] }],
  peers: [
    { name: "alice", kind: "ice", interfaces: [{ name: null, zone: 1, addresses: ["10.0.0.2"] }, { name: "lte", zone: 2, addresses: ["10.1.0.2"] }] },
    { name: "bob", kind: "ice", interfaces: [{ name: null, zone: 0, addresses: ["198.51.100.10"] }] }],
};

test("no two boxes of a drawing overlap, and each is below its rail", () => {
  const { boxes, rails } = layoutNetwork(NETWORK);
  assert.deepEqual([...boxes.keys()].sort(), ["nat:home", "nat:lte", "peer:alice", "peer:bob", "server:turn"]);
  const all = [...boxes.values()];
  for (const a of all) {
    assert.ok(a.y > rails.find((rail) => rail.zone === a.zone).y);
    for (const b of all) {
      const apart = Math.abs(a.x - b.x) >= a.w || a.y + a.h <= b.y || b.y + b.h <= a.y;
      assert.ok(a === b || apart, `${a.name} over ${b.name}`);
    }
  }
});

test("the way goes through the interface whose NAT was seen", () => {
  assert.equal(hostOf("[2001:db8::1]:5"), "2001:db8::1");
  assert.equal(hostOf("192.0.2.12:50000"), "192.0.2.12");
  assert.equal(zoneOf(NETWORK, "alice", ["192.0.2.12"]), 2);
  assert.equal(zoneOf(NETWORK, "alice", ["10.0.0.2"]), 1);
  assert.equal(zoneOf(NETWORK, "alice", ["203.0.113.10"]), null);
  assert.equal(zoneOf(NETWORK, "bob", []), 0);
  const way = wayBetween(NETWORK, { box: "peer:alice", zone: 2 }, { box: "peer:bob", zone: 0 });
  assert.deepEqual([way.turn, way.rising.map((step) => step.box), way.falling.map((step) => step.box)],
    [0, ["peer:alice", "nat:lte"], ["peer:bob"]]);
  const layout = layoutNetwork(NETWORK);
  const points = pointsOf(way, layout);
  const [lte, bob, alice] = ["nat:lte", "peer:bob", "peer:alice"].map((name) => layout.boxes.get(name));
  assert.deepEqual(points[0], [alice.x + alice.w / 2, alice.y + alice.h / 2]);
  assert.ok(points.some(([x, y]) => x === lte.x && y === lte.y + lte.h));
  assert.deepEqual(points[points.length - 1], [bob.x, bob.y + bob.h / 2]);
  assert.equal(wayBetween(NETWORK, { box: "peer:alice", zone: null }, { box: "peer:bob", zone: 0 }), null);
});

test("lanes share the room, and scroll when it is short", () => {
  assert.deepEqual(lanesOf([0, 1, 2, 3], 1000), { width: 1000, lanes: { 0: 125, 1: 375, 2: 625, 3: 875 }, fits: true });
  assert.deepEqual(lanesOf([0, 3, 5, 9], 300), { width: 672, lanes: { 0: 84, 3: 252, 5: 420, 9: 588 }, fits: false });
});

test("arrows end at the goal, dropped ones on the way, and texts stay inside", () => {
  const lanes = lanesOf([0, 1], 1000);
  const whole = arrowOf({ shape: "arrow", from: 0, to: 1, fate: null }, lanes, "offer");
  assert.deepEqual([whole.x0, whole.x1, whole.text, whole.right, whole.dropped], [250, 748, 500, true, false]);
  const lost = arrowOf({ shape: "arrow", from: 1, to: 0, fate: "dropped" }, lanes, "check");
  assert.deepEqual([lost.x0, lost.x1, lost.right, lost.dropped], [750, 390, false, true]);
  const long = arrowOf({ shape: "arrow", from: 0, to: 1, fate: null }, lanesOf([0, 1], 300), "x".repeat(40));
  assert.ok(long.text - (40 * 6.9) / 2 >= 0);
  const nowhere = arrowOf({ shape: "arrow", from: 7, to: 9, fate: null }, lanes, "?");
  assert.equal(nowhere.x0, null);
});

test("long quiet is told, short quiet is not", () => {
  assert.equal(gapBefore(null, 5e9), null);
  assert.equal(gapBefore(1e9, 1.499e9), null);
  assert.equal(gapBefore(1e9, 1.5e9), 0.5e9);
});

test("a row tells how often, by which server, and its note where there is room", () => {
  const entry = { shape: "arrow", from: 0, to: 2, via: 1, text: "check", note: "after 41ms", count: 3 };
  const text = rowText(entry, [{ name: "alice" }, { name: "turn" }, { name: "bob" }]);
  assert.equal(text, "check by turn ×3");
  assert.equal(withNote(entry, text, lanesOf([0, 1, 2], 900)), "check by turn ×3 (after 41ms)");
  assert.equal(withNote({ ...entry, to: 1 }, text, lanesOf([0, 1, 2], 500)), text);
  assert.equal(rowText({ ...entry, via: null, count: 1 }, []), "check");
});

test("ladder filters by family, and drops across families", () => {
  const entries = [{ kind: "ice", fate: "dropped" }, { kind: "signaling", fate: "under-way" }, { kind: "unheard-of", fate: null }, { kind: "step", fate: null }];
  assert.deepEqual([...filtersOf(entries)].sort(), [["drops", 1], ["ice", 1], ["other", 1], ["signaling", 1], ["step", 1]]);
  const shown = (...off) => entries.map((entry) => isShown(entry, new Set(off)));
  assert.deepEqual(shown(), [true, true, true, true]);
  assert.deepEqual(shown("ice", "other"), [false, true, false, true]);
  assert.deepEqual(shown("only-drops", "ice"), [true, false, false, true]);
});

const row = (name, verdict, more = {}) => ({ name, verdict, about: "", tags: [], failed: [], path: null, oracle: null, connected_ns: null, matrix: {}, ...more });

test("filters and orders", () => {
  const rows = [row("b", "pass", { tags: ["turn"], connected_ns: 5 }), row("a", "pass", { about: "Two NATs", path: "relay", connected_ns: 9 }), row("c", "fail", { failed: ["delivery"] })];
  const names = (text) => select(rows, filterOf(new URLSearchParams(text))).map((one) => one.name).join("");
  assert.equal(names(""), "cab");
  assert.equal(names("sort=name"), "abc");
  assert.equal(names("sort=fast"), "bac");
  assert.equal(names("sort=slow"), "cab");
  assert.equal(names("sort=toString"), "cab");
  assert.equal(names("verdict=fail,crashed"), "c");
  assert.equal(names("path=relay"), "a");
  assert.equal(names("path=unknown&tag=turn"), "b");
  assert.equal(names("q=NATS two"), "a");
  assert.equal(names("q=deliv"), "c");
  assert.equal(names("q=nothing"), "");
  assert.deepEqual(settingsOf(filterOf(new URLSearchParams("verdict=fail&q=x"))), { q: "x", verdict: "fail", path: "", oracle: "", tag: "", sort: "" });
  assert.deepEqual(tally(rows, (one) => one.tags), [["turn", 1]]);
});

test("addresses of views", () => {
  assert.deepEqual({ ...parse("#case=a%2Fb%5Bx%3D1%25%5D"), params: null }, { view: "case", name: "a/b[x=1%]", params: null });
  assert.equal(parse(caseHash("a/b[x=1%, y=#&+]")).name, "a/b[x=1%, y=#&+]");
  assert.equal(parse("").view, "cases");
  assert.equal(parse("#view=grid").view, "grid");
  assert.equal(parse("#view=__proto__").view, "cases");
});

test("the matrix: axes, cells of several cases, holes", () => {
  const cases = [];
  for (const a of ["x", "y", "z"]) {
    for (const b of ["u", "v"]) {
      for (const s of ["stun", "turn"]) {
        if (a === "z" && b === "v") continue;
        cases.push(row(`${a}${b}${s}`, a === "y" && b === "u" && s === "turn" ? "fail" : "pass",
          { matrix: { s, b, a }, path: s === "turn" && a === "x" ? "relay" : "direct" }));
      }
    }
  }
  const layout = layoutOf(["s", "b", "a"], cases, new URLSearchParams());
  assert.deepEqual(layout, { rows: "s", cols: "a", fixed: { b: "" }, others: ["b", "a"] });
  const asked = layoutOf(["s", "b", "a"], cases, new URLSearchParams("rows=a&cols=b&at.s=turn"));
  assert.deepEqual(asked, { rows: "a", cols: "b", fixed: { s: "turn" }, others: ["s", "b"] });
  const all = tableOf(cases, { rows: "a", cols: "b", fixed: { s: "" } });
  assert.deepEqual([all.rows, all.cols, all.shown], [["x", "y", "z"], ["u", "v"], 10]);
  assert.equal(all.cells[2][1], null);
  assert.deepEqual([all.cells[0][0].mixed, all.cells[0][0].path, all.cells[1][0].verdict], [true, null, "fail"]);
  const turn = tableOf(cases, asked);
  assert.deepEqual([turn.shown, turn.cells[0][0].path, turn.cells[1][1].cases.length], [5, "relay", 1]);
  assert.equal(cellOf([row("p", "pass"), row("q", "hung")]).verdict, "hung");
});

test("matrices with axes of their own are not mixed", () => {
  const of = (matrix) => ({ matrix });
  const cases = [of({ loss: "1" }), of({ loss: "2" }), of({ loss: "3" }), of({ loss: "4" }),
    ...["a", "b", "c"].flatMap((home) => ["d", "e"].map((office) => of({ home, office }))), of({ home: "a", office: "d", seed: "2" })];
  const axes = ["loss", "seed", "home", "office"];
  assert.deepEqual(layoutOf(axes, cases, new URLSearchParams()), { rows: "loss", cols: null, fixed: {}, others: [] });
  assert.deepEqual(layoutOf(axes, cases, new URLSearchParams("rows=home")), { rows: "home", cols: "office", fixed: { seed: "" }, others: ["seed", "office"] });
  assert.deepEqual(layoutOf(axes, cases, new URLSearchParams("rows=home&cols=loss")).cols, "office");
  assert.equal(tableOf(cases, layoutOf(axes, cases, new URLSearchParams())).shown, 4);
});

test("lanes are of those who have something to do with what is shown", () => {
  const entries = [{ shape: "arrow", from: 1, to: 4 }, { shape: "note", from: 6, to: null }, { shape: "arrow", from: 1, to: 1, via: 2 }];
  assert.deepEqual(usedBy(entries, 9), [1, 2, 4, 6]);
  assert.deepEqual(usedBy([{ shape: "across", from: null, to: null }], 3), [0, 1, 2]);
  assert.deepEqual(entries.map((entry) => touches(entry, 2)), [false, false, true]);
  assert.equal(touches(entries[0], -1) && touches({ shape: "across", from: null }, 5), true);
});

test("a signalling message that was received tells what was sent", () => {
  const sent = { kind: "signaling", fields: [["message", "7"], ["> type", "offer"], ["> sdp", "9 bytes"]] };
  const received = { kind: "signaling", fields: [["from", "alice"], ["message", "7"]] };
  const entries = [{ kind: "signaling", fields: [["message", "6"], ["> type", "candidate"]] }, sent, received];
  assert.deepEqual(sentOf(received, entries), [["> type", "offer"], ["> sdp", "9 bytes"]]);
  assert.deepEqual(sentOf(sent, entries), []);
  assert.deepEqual(sentOf({ kind: "ice", fields: [["message", "7"]] }, entries), []);
  assert.deepEqual(sentOf({ kind: "signaling", fields: [["message", "8"]] }, entries), []);
});
