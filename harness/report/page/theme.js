/** Light or dark: as the system says, or as the reader chose for this visit and, where it may be kept, the next. */
import { el } from "./dom.js";

const KEY = "hairpin-theme";

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a file opened without storage
  }
}

function keep(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // it holds for this visit
  }
}

function current() {
  return document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

/** Before anything is drawn. */
export function applyTheme() {
  const theme = kept();
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}

export function themeButton() {
  const button = el("button.button.theme", { type: "button" });
  const say = () => {
    const other = current() === "dark" ? "light" : "dark";
    button.textContent = other === "dark" ? "◑ Dark" : "◐ Light";
    button.setAttribute("aria-label", `Switch to ${other} colours`);
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = current() === "dark" ? "light" : "dark";
    keep(current());
    say();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", say);
  say();
  return button;
}
