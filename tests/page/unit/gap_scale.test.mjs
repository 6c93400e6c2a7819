// The time scale with shortened quiet spans.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BREAK, gapScale, gapTicks } from "../../../harness/report/page/gap_scale.js";

const MS = 1e6;

test("without quiet the scale is plain", () => {
  const { scale, breaks, spans } = gapScale([0, 10, 20, 30, 40].map((t) => t * MS), 400);
  assert.deepEqual([scale(0), scale(10 * MS), scale(40 * MS)], [0, 100, 400]);
  assert.deepEqual(breaks, []);
  assert.deepEqual(spans, [[0, 40 * MS]]);
});

test("an hour of quiet takes the width of a break", () => {
  const busy = Array.from({ length: 21 }, (_, i) => i * 50 * MS);
  const hour = 3600e9;
  const { scale, breaks, spans } = gapScale([...busy, hour, hour + 1000 * MS, hour + 500 * MS, hour + 900 * MS], 526);
  assert.deepEqual(spans, [[0, 1000 * MS], [hour, hour + 1000 * MS]]);
  assert.equal(breaks.length, 1);
  assert.equal(scale(hour) - scale(1000 * MS), BREAK);
  assert.equal(scale(1000 * MS), 250);
  assert.equal(scale(hour + 1000 * MS), 526);
  assert.equal(breaks[0].x, 263);
});

test("what is after the end stands at the end; one instant and none are no error", () => {
  assert.equal(gapScale([5, 5], 100).scale(9), 0);
  assert.equal(gapScale([], 100).scale(0), 0);
  assert.equal(gapScale([0, 10 * MS], 100).scale(99 * MS), 100);
});

test("ticks keep their distance and begin every span", () => {
  const times = gapScale([0, 10, 20, 30, 40].map((t) => t * MS), 400);
  assert.deepEqual(gapTicks(times, 100), [0, 10 * MS, 20 * MS, 30 * MS, 40 * MS]);
  const two = gapScale([0, 1, 2, 3, 4, 5000, 5001, 5002].map((t) => t * MS), 426);
  const ticks = gapTicks(two, 80);
  assert.ok(ticks.includes(0) && ticks.includes(5000 * MS));
  const places = ticks.map((tick) => two.scale(tick));
  for (let i = 1; i < places.length; i++) assert.ok(places[i] - places[i - 1] >= 80);
});
