// Colours JSON. Built from text nodes alone: whatever stands in it, nothing of it becomes markup; marks stay.
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

for (const code of document.querySelectorAll("code[data-json]")) {
  if (code.textContent.length > 200_000) continue;
  const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) node.replaceWith(...colour(node.data));
}

function colour(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    parts.push(text.slice(end, match.index));
    const span = document.createElement("span");
    span.className = match[2] ? "json-key" : match[1] ? "json-text" : "json-value";
    span.textContent = match[1] ?? match[0];
    parts.push(span, match[2] ?? "");
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}
