// The page Files in the cloud: a box that chooses all files, a button that copies their addresses.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("wx-files");
  const all = form?.querySelector(".wx-all input");
  const button = form?.querySelector(".wx-copy-chosen");
  if (!all || !button) {
    return;
  }
  const boxes = [...form.querySelectorAll("[name=key]")];

  // copy.js copies what data-copy holds; it listens to buttons of class wx-copy.
  function update() {
    const chosen = boxes.filter((box) => box.checked);
    const addresses = chosen.map((box) => box.dataset.address).filter(Boolean);
    all.checked = chosen.length === boxes.length;
    all.indeterminate = chosen.length > 0 && !all.checked;
    button.dataset.copy = addresses.join("\n");
    button.disabled = !addresses.length;
  }

  form.addEventListener("change", (event) => {
    if (event.target === all) {
      boxes.forEach((box) => { box.checked = all.checked; });
    }
    update();
  });
  all.parentElement.hidden = false;
  button.hidden = false;
  button.classList.add("wx-copy");
  update();
});
