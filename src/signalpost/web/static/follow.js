// Follows what the server tells at a path, while the page is in sight. Browsers open six connections to a server for all
// of their windows together: with as many pages that follow something out of sight, no further one would come.
export function follow(path, take) {
  let source;
  const look = () => {
    if (document.hidden) source?.close();
    // One that was closed, or that the server refused, is opened anew by nobody else.
    else if (!source || source.readyState === EventSource.CLOSED) {
      source = new EventSource(path);
      source.addEventListener("message", (message) => take(JSON.parse(message.data)));
    }
  };
  look();
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", () => source?.close());
}
