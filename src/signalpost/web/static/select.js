// A box that ticks all of its table, and buttons that say how many are ticked.
function tell(form) {
  const boxes = [...form.querySelectorAll("input[data-one]")];
  const ticked = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("input[data-all]");
  all.checked = ticked > 0 && ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
  const button = document.querySelector(`button[data-chosen][form="${form.id}"]`);
  button.textContent = ticked ? `Send ${ticked} selected again` : button.dataset.chosen;
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-select]");
  if (!form) return;
  if (event.target.matches("input[data-all]")) {
    for (const box of form.querySelectorAll("input[data-one]")) box.checked = event.target.checked;
  }
  tell(form);
});
for (const place of document.querySelectorAll("[data-all-place]")) place.hidden = false;
