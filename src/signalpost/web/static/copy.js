// Buttons that copy the code beside them.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  const word = button.textContent;
  button.addEventListener("click", async () => {
    const code = button.closest(".code").querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = word; }, 1500);
  });
}
