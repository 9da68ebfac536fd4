// Drawings that are larger than their box begin where something changes, or where calls start.
const canvases = document.querySelectorAll(".flow-canvas");

for (const canvas of canvases) {
  const target = canvas.querySelector(
    ".flow-node:is(.flow-added, .flow-changed, .flow-removed), .flow-edge:is(.flow-added, .flow-removed), .flow-start",
  );
  if (!target || canvas.scrollWidth <= canvas.clientWidth) continue;
  const box = target.getBoundingClientRect();
  const frame = canvas.getBoundingClientRect();
  canvas.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
}
