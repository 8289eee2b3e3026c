// What every page gets: each part is a module of its own, none is needed for a form to work.
import "./copy.js";
import "./hotkeys.js";
import "./live.js";
import "./select.js";
import "./json.js";
import "./panes.js";
import "./interval.js";
import "./password.js";
import "./once.js";
import "./times.js";

document.querySelector("[data-focus]")?.focus();
