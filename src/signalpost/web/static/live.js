// Live updates: the server says what is new, nothing moves what a person reads.
// <div data-live="/path">: messages {"new": 12} show a line to click, in [data-news]; {"refresh": true} renews the
// [data-refresh] parts, those of "rows" row by row, as [data-page] has them, else the page's own address; of "count" it
// is only told how much longer they have become.
import { follow } from "./follow.js";
import { isInUse, renewRows } from "./rows.js";

let counted = 0;

for (const place of document.querySelectorAll("[data-live]")) {
  follow(place.dataset.live, (told) => {
    if (told.new) tell(counted = told.new);
    if (told.refresh) refresh();
  });
}

function tell(news, gone = 0) {
  const place = document.querySelector("[data-news]");
  let line = place.querySelector(".news");
  if (!line) {
    line = document.createElement("button");
    line.className = "news";
    line.addEventListener("click", () => { if (page()) location.assign(page()); else location.reload(); });
    place.append(line);
  }
  const told = [[news, "new"], [gone, "no longer here"]].filter(([number]) => number);
  line.textContent = `${told.map(([number, word]) => `${number.toLocaleString("en")}${number >= 100 ? "+" : ""} ${word}`).join(", ")}: show`;
}

// The address of what is shown, where that is not the address of the page: it answers a form.
const page = () => document.querySelector("[data-live]").dataset.page;

const whose = (shown) => shown.querySelector(".top").textContent;

// What time alone changes, as that polls stopped, no message tells; nor was one heard while nobody looked.
const RENEW_MILLISECONDS = 30_000;
// Who moves the pointer is about to press something: it must not move away meanwhile.
const CALM_MILLISECONDS = 2000;
let later, moved = -CALM_MILLISECONDS;
if (document.querySelector("[data-live]") && document.querySelector("main [data-refresh]")) {
  addEventListener("pointermove", () => { moved = performance.now(); });
  setInterval(refresh, RENEW_MILLISECONDS);
  document.addEventListener("visibilitychange", refresh);
}

let busy = false;
let asOf = new Date();
async function refresh() {
  if (busy || document.hidden) return;
  clearTimeout(later);
  if (performance.now() - moved < CALM_MILLISECONDS) {
    later = setTimeout(refresh, CALM_MILLISECONDS);
    return;
  }
  busy = true;
  try {
    const answer = await fetch(page() ?? location.href, { headers: { accept: "text/html" } });
    if (answer.redirected) throw new Error("you are signed out");
    if (!answer.ok) throw new Error(`the service answers ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    // Who signed in in another window may be of another organization.
    if (whose(fresh) !== whose(document)) throw new Error("somebody else is signed in by now");
    renew(fresh);
    asOf = new Date();
    tellAge("");
  } catch (error) {
    tellAge(error instanceof TypeError ? "the service does not answer" : error.message);
  } finally {
    busy = false;
  }
}

function renew(fresh) {
  let above = 0, gone = 0;
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const renewed = fresh.getElementById(part.id);
    const rows = part.dataset.refresh === "rows" ? renewRows(part, renewed) : null;
    if (rows) { above += rows.news; gone += rows.gone; }
    else if (part.dataset.refresh === "count") above += Math.max((renewed?.childElementCount ?? 0) - part.childElementCount, 0);
    else if (renewed && !isInUse(part)) part.replaceChildren(...renewed.childNodes);
  }
  const news = Math.max(above, counted);
  if (news || gone) tell(news, gone);
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
