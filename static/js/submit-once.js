// <form data-submit-once>: a second click while the first is on its way would only get a refusal,
// in place of the answer that is shown once.
for (const form of document.querySelectorAll("form[data-submit-once]")) {
  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
  // Back brings the page out of the cache as it was left.
  addEventListener("pageshow", () => { isSent = false; });
}
