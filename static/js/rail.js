// On a phone the rail and tabs are strips that scroll: bring the current entry into them.
document.querySelector(".rail nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
for (const current of document.querySelectorAll(".tabs [aria-current]")) {
  const strip = current.closest(".tabs");
  const [inner, outer] = [current, strip].map((element) => element.getBoundingClientRect());
  strip.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
}
