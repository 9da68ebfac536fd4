// [data-bulk]: a box that ticks the whole page, and how many are ticked. Without it each row has
// its own box, and the form's menu has the whole page too.
const panel = document.querySelector("[data-bulk]");
const slot = document.querySelector("[data-bulk-all]");
const boxes = [...document.querySelectorAll("input[type=checkbox][form=bulk]")];

if (panel && slot && boxes.length) {
  const told = panel.querySelector("[data-bulk-told]");
  const idle = told.textContent;
  const which = panel.querySelector("select[name=which]");
  const all = slot.querySelector("input");
  slot.hidden = false;

  const tell = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    told.textContent = ticked
      ? `${ticked} number${ticked === 1 ? "" : "s"} ticked: tag or connect`
      : idle;
  };

  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    tell();
  });
  document.addEventListener("change", (event) => {
    if (!boxes.includes(event.target)) return;
    which.value = "ticked";
    tell();
  });
  addEventListener("pageshow", tell);
  tell();
}
