/** Figures as people read them. Pure. Times are nanoseconds of run time. */

/** @param {number} value @param {number} digits significant ones */
function significant(value, digits) {
  if (value === 0) return "0";
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
  const text = value.toFixed(Math.min(places, 6));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** 373000000 -> "373 ms". @param {number | null | undefined} ns */
export function duration(ns) {
  if (ns === null || ns === undefined) return "never";
  const size = Math.abs(ns);
  if (size === 0) return "0 s";
  if (size < 1e6) return `${significant(ns / 1e3, 3)} µs`;
  if (size < 999.5e6) return `${significant(ns / 1e6, 3)} ms`;
  if (size < 59.995e9) return `${significant(ns / 1e9, 3)} s`;
  const seconds = Math.round(ns / 1e9);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const parts = [hours && `${hours} h`, minutes && `${minutes} min`, !hours && rest && `${rest} s`];
  return parts.filter(Boolean).join(" ");
}

/** A place on the clock of a run, in seconds: 363000000 -> "0.363". @param {number} ns @param {number} [places] */
export function clock(ns, places = 3) {
  const text = (ns / 1e9).toFixed(Math.max(places, 3));
  return places > 3 ? text.replace(/0{1,3}$/, "") : text;
}

/** Whether something happened: times that did not are null. @param {number | null | undefined} ns */
export function isTime(ns) {
  return ns !== null && ns !== undefined;
}

/** 12345 -> "12,345". @param {number} n */
export function count(n) {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** "1 case", "2 cases". @param {number} n @param {string} one @param {string} [many] */
export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** @param {number} bps */
export function bitrate(bps) {
  if (Math.abs(bps) >= 1e6) return `${significant(bps / 1e6, 3)} Mbit/s`;
  if (Math.abs(bps) >= 1e3) return `${significant(bps / 1e3, 3)} kbit/s`;
  return `${significant(bps, 3)} bit/s`;
}

/** @param {number} n */
export function bytes(n) {
  if (Math.abs(n) >= 1e6) return `${significant(n / 1e6, 3)} MB`;
  if (Math.abs(n) >= 1e3) return `${significant(n / 1e3, 3)} kB`;
  return `${count(n)} B`;
}

/** Parts of one, as per cent. @param {number} ratio */
export function percent(ratio) {
  const text = significant(ratio * 100, 3);
  return ratio > 0 && text === "0" ? "< 0.000001%" : `${text}%`;
}

/** A figure with its unit, as bench metrics have it. @param {number} value @param {string} unit */
export function figure(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "bit/s") return bitrate(value);
  if (unit === "B") return bytes(value);
  if (unit === "%") return `${significant(value, 3)}%`;
  if (unit === "us") return duration(value * 1e3);
  return unit ? `${significant(value, 4)} ${unit}` : significant(value, 4);
}
