// The host that was chosen last is the one that is shown next time.
document.querySelector("[data-hosts]")?.addEventListener("change", (event) => {
  if (event.target.name !== "ai-host") return;
  document.cookie = `ai_host=${event.target.value}; path=/; max-age=31536000; samesite=lax`;
});
