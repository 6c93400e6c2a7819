/**
 * The data that stands in the page: one index, and chunks of case details that are inflated when they are wanted.
 *
 * @typedef {{name: string, file: string, verdict: string, about: string, tags: string[], seed: string, ended_ns: number,
 *   connected_ns: number | null, path: string | null, types: string | null, oracle: string | null,
 *   predicted: string | null, failed: string[], known_bug: string | null, matrix: Record<string, string>,
 *   evidence: boolean, chunk: number, at: number}} Row
 * @typedef {{format: string, hairpin: string, title: string, command: string | null, totals: Record<string, number>,
 *   chunks: number, axes: string[], cases: Row[], bench: object | null, agree?: object}} Index
 * @typedef {{participants: {name: string, role: string}[], entries: object[], left_out: number,
 *   complaint: string | null}} Ladder
 * @typedef {{result: object, ladder: Ladder | null, pairs: object[], marks: {at: number, kind: string, text: string}[]}} Detail
 */

const FORMAT = "hairpin-page/1";
const KEPT = 8; // inflated chunks that are remembered

/** @returns {Index} */
export function readIndex() {
  const element = document.getElementById("hairpin-index");
  if (!element) throw new Error("This page carries no results: it is the empty template.");
  const index = JSON.parse(element.textContent);
  if (index.format !== FORMAT) throw new Error(`This page reads ${FORMAT}, its data is ${index.format}.`);
  for (const row of index.cases) {
    row.tags ??= [];
    row.failed ??= [];
    row.matrix ??= {};
    row.about ??= "";
  }
  return index;
}

/** @type {Map<number, Promise<Detail[]>>} */
const chunks = new Map();

/** @param {number} number */
async function inflate(number) {
  const element = document.getElementById(`hairpin-chunk-${number}`);
  if (!element) throw new Error(`Part ${number} of this report's data is missing.`);
  const packed = Uint8Array.from(atob(element.textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

/** @param {Row} row @returns {Promise<Detail>} */
export async function readDetail(row) {
  if (!chunks.has(row.chunk)) {
    chunks.set(row.chunk, inflate(row.chunk));
    if (chunks.size > KEPT) chunks.delete(chunks.keys().next().value);
  }
  const detail = (await chunks.get(row.chunk))[row.at];
  if (!detail || !detail.result) throw new Error(`The details of ${row.name} are missing in part ${row.chunk}.`);
  return detail;
}
