// A form that is on its way is not sent a second time by a second click: what it does would be done twice.
const PATIENCE_MILLISECONDS = 10_000;
let sent = {};
document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter, at = performance.now();
  if (form.getAttribute("method") !== "post") return;
  if (sent.form === form && sent.button === button && at - sent.at < PATIENCE_MILLISECONDS) event.preventDefault();
  else sent = { form, button, at };
});
// Who comes back to the page may send it again.
addEventListener("pageshow", () => { sent = {}; });
