// A drawing that is larger than its box begins where something changes, or where calls start;
// again whenever the box gets another size, until the person scrolls it.
const marked = [
  ".flow-node:is(.flow-added, .flow-changed, .flow-removed)",
  ".flow-edge:is(.flow-added, .flow-removed)",
  ".flow-start",
];

function show(canvas) {
  const target = marked.map((one) => canvas.querySelector(one)).find(Boolean);
  if (!target || canvas.scrollWidth <= canvas.clientWidth) return;
  const box = target.getBoundingClientRect();
  const frame = canvas.getBoundingClientRect();
  canvas.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
}

const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => show(target)));
for (const canvas of document.querySelectorAll(".flow-canvas")) {
  sizes.observe(canvas);
  for (const kind of ["pointerdown", "wheel", "keydown"]) {
    canvas.addEventListener(kind, () => sizes.unobserve(canvas), { once: true, passive: true });
  }
}
