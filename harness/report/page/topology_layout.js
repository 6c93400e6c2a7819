/**
 * Where everything of a network stands. Pure: figures in, figures out.
 *
 * Zones make a tree: the Internet and LANs of their own are roots; behind a NAT or firewall, which hangs from the zone of
 * its outside, is its inside zone. A zone is drawn as a rail; servers, peers, NATs and firewalls hang from it side by
 * side, and what is behind a box is below it. A peer stands on the rail of its first interface.
 *
 * @typedef {{kind: string, name: string, about: string, lines: string[], x: number, y: number, w: number, h: number,
 *   zone: number, link: string | null}} Box x is its middle
 * @typedef {{zone: number, name: string, prefixes: string[], of: string, x0: number, x1: number, y: number}} Rail
 * @typedef {{kind: "up" | "down" | "extra", box: string, zone: number, x0: number, y0: number, x1: number, y1: number, label: string}} Edge
 */

export const SIZE = { w: 176, gap: 22, railGap: 30, boxH: 46, line: 14, drop: 58, below: 40 };

const key = (kind, name) => `${kind}:${name}`;

/** Height of a box with that many lines of addresses. @param {number} lines */
function heightOf(lines) {
  return SIZE.boxH + Math.max(0, lines) * SIZE.line;
}

/** What hangs from each zone. */
function childrenOf(network) {
  const children = network.zones.map(() => []);
  const add = (zone, child) => children[zone]?.push(child);
  const boxes = [...(network.nats ?? []).map((n) => ["nat", n]), ...(network.firewalls ?? []).map((f) => ["firewall", f])];
  for (const [kind, box] of boxes) {
    add(box.zone, { kind, name: box.name, about: box.about ?? "", lines: box.addresses ?? [], link: box.link ?? null,
      zone: box.zone, inside: box.inside, extra: [] });
  }
  for (const peer of network.peers ?? []) {
    const [first, ...rest] = peer.interfaces ?? [];
    if (first) {
      add(first.zone, { kind: "peer", name: peer.name, about: peer.kind === "ice" ? "" : peer.kind ?? "",
        lines: first.addresses ?? [], link: first.link ?? null, zone: first.zone, extra: rest });
    }
  }
  for (const server of network.servers ?? []) {
    add(server.zone, { kind: "server", name: server.name, about: server.kind ?? "", lines: server.addresses ?? [],
      link: server.link ?? null, zone: server.zone, extra: [] });
  }
  return children;
}

/**
 * @param {object} network contract C1
 * @returns {{boxes: Map<string, Box>, rails: Rail[], edges: Edge[], width: number, height: number}}
 */
export function layoutNetwork(network) {
  const children = childrenOf(network);
  const insides = new Set([...(network.nats ?? []), ...(network.firewalls ?? [])].map((box) => box.inside));
  const boxes = new Map();
  const rails = [];
  const edges = [];
  const seen = new Set();
  let height = 0;

  /** Places a zone's rail at y and all below it from x on; the width it took. */
  function place(zone, x, y) {
    seen.add(zone);
    const inner = children[zone];
    const rail = { zone, name: network.zones[zone].name ?? "", of: network.zones[zone].of, y, x0: x, x1: x,
      prefixes: [network.zones[zone].prefix4, network.zones[zone].prefix6].filter(Boolean) };
    rails.push(rail);
    let at = x;
    for (const child of inner) {
      const h = heightOf(child.lines.length);
      const top = y + SIZE.drop;
      let width = SIZE.w;
      if (child.inside !== undefined && network.zones[child.inside] && !seen.has(child.inside)) {
        width = Math.max(SIZE.w, place(child.inside, at, top + h + SIZE.below));
      }
      const box = { ...child, x: at + width / 2, y: top, w: SIZE.w, h };
      boxes.set(key(child.kind, child.name), box);
      edges.push({ kind: "up", box: key(child.kind, child.name), zone, x0: box.x, y0: y, x1: box.x, y1: top, label: child.link ?? "" });
      if (child.inside !== undefined) {
        edges.push({ kind: "down", box: key(child.kind, child.name), zone: child.inside, x0: box.x, y0: top + h, x1: box.x,
          y1: top + h + SIZE.below, label: "" });
      }
      height = Math.max(height, top + h);
      at += width + SIZE.gap;
    }
    const width = Math.max(SIZE.w, at - SIZE.gap - x);
    rail.x1 = x + width;
    height = Math.max(height, y + SIZE.railGap);
    return width;
  }

  let x = 0;
  network.zones.forEach((zone, number) => {
    if (insides.has(number) || seen.has(number) || (children[number].length === 0 && zone.of !== "internet")) return;
    x += place(number, x, 0) + 2 * SIZE.gap;
  });
  for (const box of boxes.values()) {
    for (const extra of box.extra) {
      const rail = rails.find((one) => one.zone === extra.zone);
      if (rail) {
        const onto = Math.min(Math.max(box.x, rail.x0 + 16), rail.x1 - 16);
        edges.push({ kind: "extra", box: key(box.kind, box.name), zone: extra.zone, x0: onto, y0: rail.y,
          x1: box.x + (onto < box.x ? -1 : 1) * box.w / 2, y1: box.y + box.h / 2, label: [extra.name, extra.link].filter(Boolean).join(" ") });
      }
    }
  }
  return { boxes, rails, edges, width: Math.max(SIZE.w, x - 2 * SIZE.gap), height };
}

/** Boxes from a zone up to its root, each with the zone it hangs from. */
function upwards(network, zone) {
  const way = [];
  const behind = [...(network.nats ?? []).map((box) => ["nat", box]), ...(network.firewalls ?? []).map((box) => ["firewall", box])];
  const seen = new Set();
  for (let at = zone; !seen.has(at);) {
    seen.add(at);
    const found = behind.find(([, box]) => box.inside === at);
    if (!found) return { way, root: at };
    way.push({ box: key(found[0], found[1].name), from: at, to: found[1].zone });
    at = found[1].zone;
  }
  return { way, root: zone };
}

/** "192.0.2.1:5" and "[2001:db8::1]:5" without the port. @param {string | null} address */
export function hostOf(address) {
  return (address ?? "").replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
}

/**
 * The zone by which a peer took part: where it has one of these addresses, or is behind a NAT that has one. With one
 * interface there is nothing to ask; with several and no address that tells, null.
 * @param {object} network @param {string} name @param {string[]} addresses without ports
 */
export function zoneOf(network, name, addresses) {
  const interfaces = (network.peers ?? []).find((peer) => peer.name === name)?.interfaces ?? [];
  if (interfaces.length <= 1) return interfaces[0]?.zone ?? null;
  const nats = new Map((network.nats ?? []).map((nat) => [key("nat", nat.name), nat.addresses ?? []]));
  const found = interfaces.find((one) => {
    const own = [...(one.addresses ?? []), ...upwards(network, one.zone).way.flatMap((step) => nats.get(step.box) ?? [])];
    return own.some((address) => addresses.includes(address));
  });
  return found ? found.zone : null;
}

/**
 * The boxes that packets between two nodes pass, and the zone where the way up becomes the way down; null without a way.
 * @param {object} network @param {{box: string, zone: number | null}} a its key, as "peer:alice", and zone
 * @param {{box: string, zone: number | null}} b
 */
export function wayBetween(network, a, b) {
  if (a.zone === null || b.zone === null) return null;
  const up = upwards(network, a.zone);
  const down = upwards(network, b.zone);
  const zonesUp = [a.zone, ...up.way.map((step) => step.to)];
  const zonesDown = [b.zone, ...down.way.map((step) => step.to)];
  const turn = zonesUp.find((zone) => zonesDown.includes(zone));
  if (turn === undefined) return null;
  const rising = up.way.slice(0, zonesUp.indexOf(turn));
  const falling = down.way.slice(0, zonesDown.indexOf(turn)).reverse();
  return {
    turn,
    rising: [a, ...rising.map((step) => ({ box: step.box, zone: step.to }))],
    falling: [...falling.map((step) => ({ box: step.box, zone: step.to })), b],
  };
}

/**
 * The points of that way on the drawing: from node to box along the rails.
 * @param {NonNullable<ReturnType<typeof wayBetween>>} way @param {ReturnType<typeof layoutNetwork>} layout
 * @param {string | null} hairpin key of the NAT at which the way turns round above the last rail
 * @returns {[number, number][]}
 */
export function pointsOf(way, layout, hairpin = null) {
  const railY = (zone) => layout.rails.find((rail) => rail.zone === zone).y;
  /** From a box up to the rail of the zone it hangs from there; a second interface leaves at the side. */
  const climb = ({ box: name, zone }) => {
    const box = layout.boxes.get(name);
    const extra = box.zone === zone ? null : layout.edges.find((edge) => edge.kind === "extra" && edge.box === name && edge.zone === zone);
    return extra ? [[extra.x1, extra.y1], [extra.x0, extra.y1], [extra.x0, extra.y0]]
      : [[box.x, box.y + box.h / 2], [box.x, box.y], [box.x, railY(zone)]];
  };
  const over = ({ box: name }, below) => {
    const box = layout.boxes.get(name);
    return [[box.x, railY(below.zone)], [box.x, box.y + box.h]];
  };
  const side = (steps) => steps.flatMap((step, at) => [...(at > 0 ? over(step, steps[at - 1]) : []), ...climb(step)]);
  const up = side(way.rising);
  const down = side([...way.falling].reverse()).reverse();
  const top = railY(way.turn);
  const nat = hairpin && layout.boxes.get(hairpin);
  const loop = nat ? [[nat.x - 5, top], [nat.x - 5, nat.y + nat.h], [nat.x + 5, nat.y + nat.h], [nat.x + 5, top]] : [];
  return [...up, ...loop, ...down];
}
