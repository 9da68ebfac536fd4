// <form data-selection>: says how many numbers are ticked and what they cost together. The order's
// own page says it again, by the server: this is only for choosing.
const MILLION = 1_000_000;

for (const form of document.querySelectorAll("form[data-selection]")) {
  const sum = form.querySelector("[data-selection-sum]");
  if (!sum) continue;
  const hint = sum.textContent;

  const tell = () => {
    // What is held may stand in the list too: it is bought once.
    const ticked = new Map();
    for (const box of form.querySelectorAll("input[name=numbers]:checked")) {
      ticked.set(box.value, box.dataset);
    }
    const currencies = new Set([...ticked.values()].map((box) => box.currency));
    const count = `${ticked.size} number${ticked.size === 1 ? "" : "s"}`;
    if (ticked.size === 0) {
      sum.textContent = hint;
    } else if (currencies.size !== 1 || currencies.has(undefined)) {
      sum.textContent = `${count} chosen`;
    } else {
      const [currency] = currencies;
      const total = (name) => {
        const millionths = [...ticked.values()]
          .map((box) => Math.round(Number(box[name]) * MILLION))
          .reduce((all, one) => all + one, 0);
        return new Intl.NumberFormat(document.documentElement.dataset.format || "en-GB", { style: "currency", currency })
          .format(millionths / MILLION);
      };
      sum.textContent = `${count} chosen: ${total("once")} once, ${total("monthly")} a month`;
    }
  };

  form.addEventListener("change", tell);
  addEventListener("pageshow", tell);
  tell();
}
