// <a href="/one/" data-drawer="id"> shows that page's [data-drawer-content] in <dialog id>, beside
// the list; without script, or if it can't be fetched, the link is a link.
let asked;

async function open(link, dialog) {
  asked = link;
  const response = await fetch(link.href, { headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const content = page.querySelector("[data-drawer-content]");
  // On a slow network the answer to an earlier click may come last.
  if (asked !== link) return;
  if (!response.ok || !content) throw new Error("not a page for the drawer");
  const bar = document.createElement("div");
  bar.className = "bar";
  const whole = Object.assign(document.createElement("a"), { href: link.href, textContent: "Open as a page" });
  const close = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: "Close" });
  close.dataset.dialogClose = "";
  bar.append(whole, close);
  dialog.replaceChildren(bar, document.adoptNode(content));
  dialog.hidden = false;
  dialog.showModal();
  dialog.scrollTop = 0;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-drawer]");
  const dialog = link && document.getElementById(link.dataset.drawer);
  if (!dialog || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link, dialog).catch(() => asked === link && location.assign(link.href));
});
