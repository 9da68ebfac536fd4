// <details data-menu>: Esc and a click elsewhere close it; only one is open.
const menus = [...document.querySelectorAll("details[data-menu]")];

function close(menu, focus) {
  if (!menu.open) return;
  menu.open = false;
  if (focus) menu.querySelector("summary").focus();
}

document.addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) close(menu, false);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of menus) close(menu, menu.contains(document.activeElement));
});
