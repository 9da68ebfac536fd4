// A drawing that is larger than its box begins where something changes, or where calls start;
// again whenever the box gets another size, until the person scrolls it. Buttons do what
// scrolling and pinching do.
const marked = [
  ".flow-node:is(.flow-added, .flow-changed, .flow-removed)",
  ".flow-edge:is(.flow-added, .flow-removed)",
  ".flow-start",
];
const ZOOMS = [0.25, 0.35, 0.5, 0.7, 0.85, 1, 1.25, 1.5, 2];

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

for (const view of document.querySelectorAll("[data-flow-view]")) {
  const tools = view.querySelector("[data-flow-tools]");
  const canvases = [...view.querySelectorAll(".flow-canvas")];
  const drawings = canvases.map((canvas) => {
    const svg = canvas.querySelector("svg");
    return { svg, width: Number(svg.getAttribute("width")), height: Number(svg.getAttribute("height")) };
  });
  let zoom = 1;

  const seen = () => Math.max(0, canvases.findIndex((canvas) => canvas.clientWidth > 0));

  function setZoom(wanted) {
    zoom = wanted;
    canvases.forEach((canvas, index) => {
      sizes.unobserve(canvas);
      const x = (canvas.scrollLeft + canvas.clientWidth / 2) / canvas.scrollWidth;
      const y = (canvas.scrollTop + canvas.clientHeight / 2) / canvas.scrollHeight;
      const { svg, width, height } = drawings[index];
      svg.setAttribute("width", width * zoom);
      svg.setAttribute("height", height * zoom);
      canvas.scrollLeft = x * canvas.scrollWidth - canvas.clientWidth / 2;
      canvas.scrollTop = y * canvas.scrollHeight - canvas.clientHeight / 2;
    });
    view.querySelector("[data-zoom-shown]").textContent = `${Math.round(zoom * 100)} %`;
    tools.querySelector('[data-zoom="out"]').disabled = zoom <= ZOOMS[0];
    tools.querySelector('[data-zoom="in"]').disabled = zoom >= ZOOMS.at(-1);
  }

  const steps = {
    in: () => ZOOMS.find((one) => one > zoom + 0.001) ?? zoom,
    out: () => ZOOMS.findLast((one) => one < zoom - 0.001) ?? zoom,
    reset: () => 1,
    fit: () => {
      const room = canvases[seen()].clientWidth;
      return Math.max(ZOOMS[0], Math.min(1, room / drawings[seen()].width));
    },
  };

  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.zoom) return setZoom(steps[button.dataset.zoom]());
    const canvas = canvases[seen()];
    const [x, y] = button.dataset.pan.split(" ").map(Number);
    sizes.unobserve(canvas);
    canvas.scrollBy(x * canvas.clientWidth * 0.6, y * canvas.clientHeight * 0.6);
  });
  tools.hidden = false;
}
