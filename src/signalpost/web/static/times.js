// A time under the pointer says when that is where the reader is, beside the exact time in UTC.
document.addEventListener("pointerover", ({ target }) => {
  const time = target.closest?.("time:not([data-here])");
  if (!time) return;
  time.dataset.here = "";
  const here = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  time.title = time.title ? `${time.title}; here ${here}` : `Here ${here}`;
});

// A row leads on wherever it is pressed: also where something lies above its link, to say more to who points at it.
document.addEventListener("click", ({ target }) => {
  if (target.closest("a, button, input") || !getSelection().isCollapsed) return;
  target.closest("tr:has(a.row-link) [title]")?.closest("tr").querySelector("a.row-link").click();
});
