/**
 * Elements without markup: whatever comes from the data becomes text or an attribute, never HTML.
 * @typedef {Node | string | number | null | undefined | false} Child
 */

const SVG = "http://www.w3.org/2000/svg";

/** @param {Element} element @param {Record<string, any>} props */
function assign(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, of] of Object.entries(value)) element.style.setProperty(key, String(of));
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Element} element @param {any[]} children nested as may be */
function fill(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/**
 * An HTML element: el("a.name.other", {href: "#x", onclick}, "text", child).
 * @param {string} spec tag and classes
 * @param {Record<string, any>} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function el(spec, props = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  assign(element, props);
  fill(element, children);
  return element;
}

/**
 * The same for SVG.
 * @param {string} spec
 * @param {Record<string, any>} [props]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function svg(spec, props = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const element = document.createElementNS(SVG, tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  assign(element, props);
  fill(element, children);
  return element;
}

/** Replaces what an element holds. @param {Element} element @param {...(Child | Child[])} children */
export function put(element, ...children) {
  element.replaceChildren();
  fill(element, children);
  return element;
}

/** Says something to who listens instead of looking. @param {string} text */
export function announce(text) {
  document.getElementById("live").textContent = text;
}

let pending = Promise.resolve();

/** Work that must be finished before the page counts as drawn. @template T @param {Promise<T>} work */
export function busy(work) {
  pending = Promise.all([pending, work.catch(() => {})]);
  return work;
}

/** Everything that was under way is drawn. */
export async function settled() {
  let seen;
  do {
    seen = pending;
    await seen;
  } while (seen !== pending);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}

/** A button that copies a text and says so. @param {string} text @param {string} what */
export function copyButton(text, what) {
  const button = el("button.button.copy", { type: "button", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    const done = await copy(text);
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    announce(done ? `Copied ${what}` : "Copying was refused");
    button.addEventListener("blur", () => { button.textContent = "Copy"; }, { once: true });
  });
  return button;
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea.visually-hidden", { readonly: true, value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
