/* Another file, or this one, is public at the address: show it, and ask what is to be done. */
(() => {
  "use strict";

  const page = globalThis.wxUpload;
  const { byId, form, texts } = page;
  /* As everywhere in the admin: 2026-11-30 12:33, in the project's time zone. Swedish has this order. */
  const { timeZone } = form.dataset;
  const format = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "short", timeZone });
  const facts = (size, moment) => `${size}, ${format.format(new Date(moment))}`;

  /* What is public there; where other bytes are, the choice between the two. */
  page.showOld = (row, old, choices) => {
    const shown = byId("wx-old").content.cloneNode(true).firstElementChild;
    shown.querySelector(".wx-old-facts").textContent = facts(old.size, old.created);
    showAddress(shown, old);
    row.choices = choices;
    if (choices.length) offer(row, shown);
    row.tr.querySelector(".wx-state").append(shown);
  };

  function showAddress(shown, { url, image }) {
    const [link, copy, picture] = ["a", ".wx-copy", "img"].map((part) => shown.querySelector(part));
    link.hidden = copy.hidden = !url;
    if (!url) return;
    link.href = copy.dataset.copy = url;
    page.write(link, url);
    if (!image) return;
    picture.src = url;
    picture.hidden = false;
  }

  function offer(row, shown) {
    const select = shown.querySelector("select");
    shown.querySelector(".wx-choice").hidden = false;
    shown.querySelector(".wx-new-facts").textContent = facts(page.readable(row.file.size), row.file.lastModified);
    select.setAttribute("aria-label", page.fill(texts.clash, { name: row.path }));
    [...select.options].forEach((option) => { if (!row.choices.includes(option.value)) option.remove(); });
    if (!row.choices.includes(row.chosen)) row.chosen = undefined;
    const { clash } = page.wish();
    select.value = row.chosen ?? (row.choices.includes(clash) ? clash : "skip");
    choose(row, select.value);
    select.addEventListener("change", () => {
      row.chosen = select.value;
      choose(row, select.value);
      row.declined = false;
      row.box.checked = !row.box.disabled; // whoever chooses has read what stands there
      page.summarise();
    });
  }

  function choose(row, choice) {
    row.choice = choice;
    page.block(row, choice === "skip" ? texts.skipped : "");
    page.write(row.tr.querySelector(".wx-key"), choice === "keep" ? row.other.key : row.key);
  }

  /* What becomes of a taken name is the choice of the form, unless the row has its own. */
  page.wishOf = ({ choice, other }) => {
    if (choice === "keep") return { clash: choice, beside: other.path };
    return choice ? { clash: choice } : page.wish();
  };

  /* A wrong folder is the fault of no file: it is told at its field. */
  page.tellFolder = (errors = []) => {
    const list = byId("wx-folder-errors");
    const { folder } = form.elements;
    list.hidden = errors.length === 0;
    list.replaceChildren(...errors.map((error) => page.line("li", error)));
    folder.closest(".form-row").classList.toggle("errors", errors.length > 0);
    folder.toggleAttribute("aria-invalid", errors.length > 0);
    if (errors.length) folder.setAttribute("aria-describedby", list.id);
    else folder.setAttribute("aria-describedby", "id_folder_helptext");
  };
})();
