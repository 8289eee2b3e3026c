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

// What time alone changes, as that polls stopped, no message tells; nor was one heard while nobody looked.
const RENEW_MILLISECONDS = 30_000;
const parts = document.querySelectorAll("[data-live]").length ? document.querySelectorAll("[data-refresh]") : [];
if (parts.length) {
  setInterval(refresh, RENEW_MILLISECONDS);
  document.addEventListener("visibilitychange", refresh);
}

let busy = false;
let asOf = new Date();
async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.redirected) throw new Error("you are signed out");
    if (!answer.ok) throw new Error(`the service answers ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refresh]")) {
      const renewed = fresh.getElementById(part.id);
      if (renewed && !part.contains(document.activeElement) && !part.querySelector("details[open]")) part.replaceChildren(...renewed.childNodes);
    }
    asOf = new Date();
    tellAge("");
  } catch (error) {
    tellAge(error instanceof TypeError ? "the service does not answer" : error.message);
  } finally {
    busy = false;
  }
}

// Says at the top that the page is not as things stand now; "" takes that away.
function tellAge(why) {
  const place = document.querySelector("[data-live]");
  const line = place.querySelector(".age") ?? document.createElement("p");
  line.className = "notice age";
  line.setAttribute("role", "status");
  line.textContent = `This page is as of ${asOf.toISOString().slice(11, 19)} UTC, and is not renewed: ${why}. Reload it to go on.`;
  if (why) place.append(line);
  else line.remove();
}
