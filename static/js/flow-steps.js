// The list of steps and the drawing above it point at each other. In the list, arrow keys go from
// step to step as a screen reader's would; the drawing follows.
const list = document.querySelector("[data-flow-steps]");
const rows = [...list.querySelectorAll("[data-step]")];
const links = rows.map((row) => row.querySelector('a[href^="#step-"]'));

const nodesOf = (id) => document.querySelectorAll(`.flow-node[data-node="${id}"]`);

function mark(id) {
  for (const one of document.querySelectorAll(".flow-here")) one.classList.remove("flow-here");
  for (const node of nodesOf(id)) {
    node.classList.add("flow-here");
    const canvas = node.closest(".flow-canvas");
    const frame = canvas.getBoundingClientRect();
    if (!frame.width) continue;
    const box = node.getBoundingClientRect();
    canvas.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
    canvas.scrollTop += box.top + box.height / 2 - frame.top - frame.height / 2;
  }
  rows.find((row) => row.dataset.step === id)?.classList.add("flow-here");
}

list.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-step]");
  if (row) mark(row.dataset.step);
});

list.addEventListener("keydown", (event) => {
  const at = links.indexOf(event.target);
  const last = links.length - 1;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last }[event.key];
  if (at < 0 || to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  links[Math.min(Math.max(to, 0), last)].focus();
});

// A click on a step's own name shows it in the drawing; on where it leads, goes there in the list.
for (const link of links) {
  link.addEventListener("click", (event) => {
    const id = link.closest("[data-step]").dataset.step;
    const node = [...nodesOf(id)].find((one) => one.getBoundingClientRect().width > 0);
    if (!node) return;
    event.preventDefault();
    mark(id);
    node.closest(".flow-view").scrollIntoView({ block: "nearest" });
  });
}

for (const node of document.querySelectorAll(".flow-node[data-node]")) {
  const at = rows.findIndex((row) => row.dataset.step === node.dataset.node);
  if (at < 0) continue;
  node.classList.add("flow-leads");
  node.addEventListener("click", () => links[at].focus());
}

function follow() {
  const id = decodeURIComponent(location.hash).replace(/^#step-/, "");
  const at = rows.findIndex((row) => row.dataset.step === id);
  if (at >= 0) links[at].focus();
}
addEventListener("hashchange", follow);
follow();
