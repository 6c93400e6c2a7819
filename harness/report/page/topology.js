/** The network of a case, drawn: zones as rails, what hangs from them as boxes, and the way the packets took on top. */
import { select } from "d3-selection";
import { line } from "d3-shape";
import { el, svg } from "./dom.js";
import { isTime } from "./format.js";
import { hostOf, layoutNetwork, pointsOf, wayBetween, zoneOf } from "./topology_layout.js";
import { PATHS, className, word } from "./words.js";

const MARGIN = 30;
const LETTER = 6.8; // width of a letter of a prefix
const SMALLEST = 0.74; // of its size, before a wide drawing scrolls
const ICONS = {
  peer: "M-6 5h12M-8-6h16v9h-16z",
  server: "M-7-7h14v6h-14zM-7 1h14v6h-14zM-4-4h1M-4 4h1",
  nat: "M-8 0h16M4-4l4 4-4 4M-4-4l-4 4 4 4",
  firewall: "M-8-6h16v12h-16zM-8 0h16M-2-6v6M4 0v6",
};

function fit(text, letters) {
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

function boxElement(box) {
  const x = box.x - box.w / 2;
  const group = svg(`g.node.${box.kind}`, {},
    svg("title", {}, [box.kind, box.name, box.about, ...box.lines].filter(Boolean).join(" · ")),
    svg("rect", { x, y: box.y, width: box.w, height: box.h, rx: box.kind === "nat" ? 3 : 8 }),
    svg("path.icon", { d: ICONS[box.kind], transform: `translate(${x + 18} ${box.y + 20})` }),
    svg("text.name", { x: x + 34, y: box.y + 20 }, fit(box.name, 16)),
    svg("text.about", { x: x + 34, y: box.y + 35 }, fit(box.about || box.kind, 22)),
    box.lines.map((address, at) => svg("text.address", { x: x + 10, y: box.y + 52 + at * 14 }, fit(address, 24))));
  return group;
}

/** What a peer was seen by in its sessions with another: addresses without ports. */
function seenAs(detail, name, other) {
  const sessions = detail.result.sessions ?? [];
  const pairs = (detail.pairs ?? []).filter((pair) => pair.peer === name && pair.with === other && isTime(pair.selected_ns));
  return [...sessions.filter((s) => s.peer === name && s.with === other).map((s) => s.local),
    ...sessions.filter((s) => s.peer === other && s.with === name).map((s) => s.remote),
    ...pairs.flatMap((pair) => [pair.local.base, pair.local.address])].map(hostOf);
}

/** The ways of every pair of peers: polylines with the kind of path. Where the data does not tell the way, none. */
function waysOf(detail, layout) {
  const { result } = detail;
  const network = result.network;
  const ways = [];
  for (const path of result.path ?? []) {
    const end = (name, other) => ({ box: `peer:${name}`, zone: zoneOf(network, name, seenAs(detail, name, other)) });
    const [a, b] = [end(path.a, path.b), end(path.b, path.a)];
    if (path.kind === "relay") {
      const busiest = [...(result.servers ?? [])].sort((x, y) => (y.relayed_packets ?? 0) - (x.relayed_packets ?? 0))[0];
      const server = { box: `server:${busiest?.server}`, zone: layout.boxes.get(`server:${busiest?.server}`)?.zone ?? null };
      const [up, down] = [wayBetween(network, a, server), wayBetween(network, server, b)];
      if (up && down) ways.push({ path, points: [pointsOf(up, layout), pointsOf(down, layout)] });
    } else if (path.kind === "direct" || path.kind === "hairpin") {
      const way = wayBetween(network, a, b);
      const nat = path.kind === "hairpin" && way ? (network.nats ?? []).find((one) => one.inside === way.turn) : null;
      if (way) ways.push({ path, points: [pointsOf(way, layout, nat ? `nat:${nat.name}` : null)] });
    }
  }
  return ways;
}

function railElement(rail) {
  const middle = rail.of === "internet" ? "Internet" : `LAN ${rail.name}`;
  const line_ = svg("line", { x1: rail.x0, x2: rail.x1, y1: rail.y, y2: rail.y });
  // Behind a box, which has told its name already, only the prefixes: left of the wire that comes down to the rail.
  if (rail.of === "nat" || rail.of === "firewall") {
    return svg("g.rail.lan", {}, line_, [...rail.prefixes].reverse().map((prefix, at) =>
      svg("text", { x: (rail.x0 + rail.x1) / 2 - 8, y: rail.y - 7 - 13 * at, "text-anchor": "end" }, prefix)));
  }
  return svg(`g.rail.${rail.of === "internet" ? "internet" : "lan"}`, {}, line_,
    svg("text", { x: rail.x0 + 2, y: rail.y - 9 }, [middle, ...rail.prefixes].join("  ")));
}

function tellsOf(result) {
  const names = (list) => (list ?? []).map((one) => `${one.name}${one.about ? ` (${one.about})` : ""}`).join(", ");
  const parts = [["Peers", names(result.network.peers)], ["NATs", names(result.network.nats)],
    ["firewalls", names(result.network.firewalls)], ["servers", names(result.network.servers)]]
    .filter(([, text]) => text).map(([what, text]) => `${what}: ${text}`);
  return `Network. ${parts.join("; ")}.`;
}

/** @param {import("./data.js").Detail} detail @returns {HTMLElement | null} */
export function topology(detail) {
  const { result } = detail;
  if (!result.network || !(result.network.zones ?? []).length) return null;
  const layout = layoutNetwork(result.network);
  // Prefixes end at their wire and may begin left of everything else.
  const left = Math.max(MARGIN, ...layout.rails.filter((rail) => rail.of === "nat" || rail.of === "firewall").flatMap((rail) =>
    rail.prefixes.map((prefix) => Math.ceil(prefix.length * LETTER + 8 - (rail.x0 + rail.x1) / 2))));
  const width = layout.width + left + MARGIN;
  const height = layout.height + 2 * MARGIN + 14;
  const drawing = svg("svg.topology", { style: { "max-width": `${width}px`, "min-width": `${Math.round(width * SMALLEST)}px` }, viewBox: `${-left} ${-MARGIN - 14} ${width} ${height}`, role: "img",
    "aria-label": tellsOf(result) });
  const root = select(drawing);
  for (const rail of layout.rails) drawing.append(railElement(rail));
  for (const edge of layout.edges) {
    drawing.append(svg(`path.wire.${edge.kind}`, { d: edge.kind === "extra"
      ? `M${edge.x1} ${edge.y1}L${edge.x0} ${edge.y1}L${edge.x0} ${edge.y0}` : `M${edge.x0} ${edge.y0}V${edge.y1}` }));
  }
  const trace = line().x((point) => point[0]).y((point) => point[1]);
  for (const { path, points } of waysOf(detail, layout)) {
    root.append("g").attr("class", `way p-${className(PATHS, path.kind)}`).selectAll("path").data(points).join("path")
      .attr("d", trace).append("title").text(`${path.a} and ${path.b}: ${word(PATHS, path.kind).name}`);
  }
  for (const box of layout.boxes.values()) drawing.append(boxElement(box));
  for (const edge of layout.edges) {
    if (!edge.label) continue;
    const words = edge.label.split(", ");
    drawing.append(svg("text.link", { x: edge.x0 + 7, y: (edge.kind === "extra" ? edge.y1 - 6 : edge.y0 + 20) },
      words.slice(0, 3).map((one, at) => svg("tspan", { x: edge.x0 + 7, dy: at ? 12 : 0 }, fit(one, 18)))));
  }
  const boxes = (result.network.middleboxes ?? []).map((one) => `${one.name} at ${one.at}`);
  return el("figure.network", {}, el("div.scroll", { tabindex: "0", role: "region", "aria-label": "Network drawing" }, drawing),
    boxes.length > 0 && el("figcaption", {}, `On the way: ${boxes.join(", ")}`));
}
