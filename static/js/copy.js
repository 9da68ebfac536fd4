// [data-copy="#id"] copies that element's text; the button and a live region say so.
const announcer = document.querySelector("[data-announce]");

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain http on another host than localhost has no clipboard: the old way still works there.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy refused");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const source = button && document.querySelector(button.dataset.copy);
  if (!source) return;
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  let outcome = "Copied";
  try {
    await write((source.value ?? source.textContent).trim());
  } catch {
    getSelection().selectAllChildren(source);
    outcome = "Press Ctrl+C";
  }
  button.textContent = outcome;
  if (announcer) announcer.textContent = outcome === "Copied" ? "Copied to the clipboard" : outcome;
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = setTimeout(() => {
    button.textContent = label;
    if (announcer) announcer.textContent = "";
  }, 2000);
});

for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
