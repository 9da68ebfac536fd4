// [data-focus-key]: that key moves the focus there, unless the person is typing.
const target = document.querySelector("[data-focus-key]");

document.addEventListener("keydown", (event) => {
  if (!target || event.key !== target.dataset.focusKey) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  target.focus();
});
