// On a phone the rail is a strip that scrolls: bring the current entry into it.
document.querySelector(".rail nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
