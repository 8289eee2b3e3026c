// The interval as a slider beside its number, and what it costs in calls a day.
const place = document.querySelector("[data-interval]");
if (place) {
  const number = place.querySelector("[data-minutes]");
  const slider = place.querySelector("[data-slider] input");
  const told = place.querySelector("[data-arithmetic]");
  const chosen = place.querySelector("[data-chosen]");
  const most = Number(place.dataset.callsADay);
  const write = (value) => value.toLocaleString("en", { maximumFractionDigits: 1 });
  place.querySelector("[data-slider]").hidden = false;

  const tell = () => {
    const minutes = Number(number.value);
    told.hidden = !(minutes > 0);
    if (told.hidden) return;
    const resources = place.querySelectorAll("[data-resource] > .check > input:checked").length || 1;
    const calls = Math.ceil((24 * 60) / minutes) * resources;
    told.textContent = `Every ${minutes < 1 ? `${write(minutes * 60)} s` : `${write(minutes)} min`} = ${write(calls)}${most ? ` of ${write(most)}` : ""} calls a day`;
    chosen.textContent = resources === 1 ? "1 resource" : `${resources} resources`;
  };
  slider.addEventListener("input", () => { number.value = slider.value; tell(); });
  number.addEventListener("input", () => { slider.value = Number(number.value) || slider.value; tell(); });
  place.closest("form").addEventListener("change", tell);
}
