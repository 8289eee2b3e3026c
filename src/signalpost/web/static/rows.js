// A list that renews itself moves nothing: rows that stand there are renewed in their places, new ones are only counted.
const ROW = "tr:has(a.row-link)";
const nameRow = (row) => row.querySelector("a.row-link").getAttribute("href");

// What somebody types into, has chosen or has unfolded: renewed, it would be lost.
export function isInUse(part) {
  const chosen = getSelection();
  return part.contains(document.activeElement) || part.querySelector("details[open], input:not([type=hidden])") !== null
    || (!chosen.isCollapsed && chosen.containsNode(part, true));
}

// Renews the rows of a list; gives how many stand above them by now, and how many have left it: these stay in their
// places, struck out. null: there were none, and all of it may be renewed. Without renewed the list has ended.
export function renewRows(list, renewed) {
  const known = [...list.querySelectorAll(ROW)];
  if (!known.length) return null;
  const fresh = new Map([...renewed?.querySelectorAll(ROW) ?? []].map((row) => [nameRow(row), row]));
  for (const row of known) {
    const cells = [...(fresh.get(nameRow(row))?.cells ?? [])];
    cells.forEach((cell, at) => {
      if (!isInUse(row.cells[at])) row.cells[at].replaceChildren(...cell.cloneNode(true).childNodes);
    });
  }
  const names = known.map(nameRow);
  const first = [...fresh.keys()].findIndex((name) => names.includes(name));
  const news = first < 0 ? fresh.size : first;
  // As many as are new may have been pushed over the end of the page, and where not all was looked through (data-cut)
  // any number over the end of that: of those nothing is known.
  const last = names.findLastIndex((name) => fresh.has(name));
  const end = names.length - last - 1 > news && !("cut" in list.dataset) ? names.length : last + 1;
  known.forEach((row, at) => row.classList.toggle("gone", at < end && !fresh.has(names[at])));
  return { news, gone: list.querySelectorAll(".gone").length };
}
