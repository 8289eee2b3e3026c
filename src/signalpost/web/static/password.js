// A button beside each password that shows what was typed: nobody need type it twice.
for (const input of document.querySelectorAll("input[data-showable]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.textContent = "Show";
  button.setAttribute("aria-controls", input.id);
  const label = document.createElement("span");
  label.className = "hidden";
  label.textContent = " password";
  button.append(label);
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.firstChild.data = shown ? "Hide" : "Show";
  });
  // Sent as a password, so that the browser does not keep it among what was typed elsewhere.
  input.form?.addEventListener("submit", () => { input.type = "password"; });
  input.after(button);
}
