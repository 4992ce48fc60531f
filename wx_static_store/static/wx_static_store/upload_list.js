/* The list of files that may be uploaded: its rows, and what each of them says. */
(() => {
  "use strict";

  const page = globalThis.wxUpload;
  const { byId, rows, texts } = page;
  const submit = page.form.querySelector("[type=submit]");
  const all = byId("wx-all");

  const alike = (one, other) => one.size === other.size && one.lastModified === other.lastModified;

  page.add = (chosen) => {
    for (const { path, file } of chosen) {
      const old = rows.get(path);
      old?.tr.remove();
      rows.set(path, { ...page.newRow(path, file), twice: old && (old.twice || !alike(old.file, file)) });
    }
    if (chosen.length) page.compare();
  };

  page.newRow = (path, file, key = path) => {
    const tr = byId("wx-row").content.cloneNode(true).firstElementChild;
    const row = { path, file, key, tr, box: tr.querySelector("input"), bar: tr.querySelector("progress") };
    row.box.setAttribute("aria-label", path);
    row.bar.setAttribute("aria-label", path);
    row.box.addEventListener("change", page.summarise);
    tr.querySelector(".wx-key").textContent = key;
    tr.querySelector(".wx-size").textContent = page.readable(file.size);
    byId("wx-queue").querySelector("tbody").append(tr);
    return row;
  };

  page.note = (row, text) => { row.tr.querySelector(".wx-progress span").textContent = text; };

  page.judge = (row, facts) => {
    const { state, label, reasons = [], key = row.path, size, blocked = false, asks = false, old, choices = [], other } = facts;
    if (rows.get(row.path) !== row) return; // it is on its way, or another took its place
    const confirmed = row.asks && asks && row.box.checked;
    Object.assign(row, { state, key, asks, other, choice: undefined });
    const shown = row.twice ? [...reasons, texts.twice] : reasons;
    row.tr.querySelector(".wx-key").textContent = key;
    if (size) row.tr.querySelector(".wx-size").textContent = size;
    const cell = row.tr.querySelector(".wx-state");
    cell.className = `wx-state wx-${state}`;
    cell.replaceChildren(page.line("span", label), ...shown.map((reason) => page.line("small", reason)));
    row.box.disabled = blocked;
    if (old) page.showOld(row, old, choices);
    row.box.checked = !row.box.disabled && state !== "same" && (!asks || confirmed);
  };

  page.ticked = () => [...rows.values()].filter((row) => row.box.checked && !row.box.disabled);

  page.show = () => {
    const busy = page.busy();
    byId("wx-queue").hidden = rows.size === 0 && !busy;
    byId("wx-cancel").hidden = byId("wx-total").hidden = !busy;
    byId("wx-clear").hidden = busy || rows.size === 0;
    submit.disabled = busy || page.ticked().length === 0;
    byId("wx-again").hidden = page.failed.size < 2;
    const free = [...rows.values()].filter((row) => !row.box.disabled && !row.asks);
    all.checked = free.length > 0 && free.every((row) => row.box.checked);
    all.indeterminate = all.checked && page.ticked().length < rows.size;
  };

  page.summarise = () => {
    page.show();
    if (page.busy()) return;
    const list = page.ticked();
    if (rows.size) page.say(texts.ready, { ticked: list.length, count: rows.size, size: page.readable(page.sizeOf(list)) });
    else page.say("");
  };

  all.addEventListener("change", () => {
    for (const row of rows.values()) {
      const each = all.checked && row.asks; // a question is answered one by one
      if (!row.box.disabled && !each) row.box.checked = all.checked;
    }
    page.summarise();
  });
  byId("wx-clear").addEventListener("click", () => {
    rows.forEach((row) => row.tr.remove());
    rows.clear();
    page.forget();
    page.summarise();
    page.form.elements.file.focus();
  });
})();
