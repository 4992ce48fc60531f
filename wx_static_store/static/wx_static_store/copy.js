// Buttons of class wx-copy put what data-copy holds into the clipboard; without this they stay hidden.
"use strict";

(() => {
  function show(root) {
    root.querySelectorAll(".wx-copy[hidden]").forEach((button) => { button.hidden = false; });
  }

  // The clipboard is for secure pages only, and a browser may refuse it: then there is the old way.
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return;
    } catch { /* nothing was copied */ }
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.(".wx-copy");
    if (!button || event.defaultPrevented) {
      return;
    }
    event.preventDefault();
    await copy(button.dataset.copy);
    const label = button.textContent;
    if (button.dataset.copied && label !== button.dataset.copied) {
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = label; }, 2000);
    }
  });

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", () => show(document));
  } else {
    show(document);
  }
})();
