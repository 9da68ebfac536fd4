// [data-focus-key]: that key moves the focus there, unless the person is typing or has turned it
// off: a single key can be hit by what somebody says to their computer (WCAG 2.1.4).
const target = document.querySelector("[data-focus-key]");
const hint = document.querySelector("[data-focus-hint]");
const toggle = document.querySelector("[data-focus-toggle]");
const STORED = "docs-shortcut-off";

let off = false;
try {
  off = localStorage.getItem(STORED) === "1";
} catch {
  // Storage is forbidden here: the shortcut is on, and turning it off lasts for this page.
}

function show() {
  toggle.setAttribute("aria-pressed", String(!off));
  toggle.textContent = off ? "Shortcut off" : "Shortcut on";
  if (off) target.removeAttribute("aria-keyshortcuts");
  else target.setAttribute("aria-keyshortcuts", target.dataset.focusKey);
}

if (target && hint && toggle) {
  hint.hidden = false;
  show();
  toggle.addEventListener("click", () => {
    off = !off;
    show();
    try {
      localStorage.setItem(STORED, off ? "1" : "0");
    } catch {
      // See above.
    }
  });
  document.addEventListener("keydown", (event) => {
    if (off || event.key !== target.dataset.focusKey) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    target.focus();
    target.select();
  });
}
