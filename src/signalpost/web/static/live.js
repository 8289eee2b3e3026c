// Live updates: the server says what is new, nothing moves what a person reads.
// <div data-live="/path">: messages {"new": 12} show a line to click; {"refresh": true} renews the [data-refresh] parts.
for (const place of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(place.dataset.live);
  source.addEventListener("message", (message) => {
    const told = JSON.parse(message.data);
    if (told.new) tell(place, told.new);
    if (told.refresh) refresh();
  });
  addEventListener("pagehide", () => source.close());
}

function tell(place, number) {
  let line = place.querySelector(".news");
  if (!line) {
    line = document.createElement("button");
    line.className = "news";
    line.addEventListener("click", () => location.reload());
    place.append(line);
  }
  line.textContent = `${number.toLocaleString("en")}${number >= 100 ? "+" : ""} new: show`;
}

let busy = false;
async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refresh]")) {
      const renewed = fresh.getElementById(part.id);
      if (renewed && !part.contains(document.activeElement) && !part.querySelector("details[open]")) part.replaceChildren(...renewed.childNodes);
    }
  } finally {
    busy = false;
  }
}
