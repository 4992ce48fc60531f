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
      const twice = old && (old.twice || !alike(old.file, file));
      rows.set(path, Object.assign(page.newRow(path, file), { twice }));
    }
    if (chosen.length) page.compare();
  };

  page.newRow = (path, file, key = path, row = {}) => {
    const tr = byId("wx-row").content.cloneNode(true).firstElementChild;
    Object.assign(row, { path, file, key, tr, box: tr.querySelector("input"), bar: tr.querySelector("progress") });
    row.box.setAttribute("aria-label", path);
    row.bar.setAttribute("aria-label", path);
    row.box.addEventListener("change", () => {
      row.declined = !row.box.checked;
      page.summarise();
    });
    page.write(tr.querySelector(".wx-key"), key);
    tr.querySelector(".wx-size").textContent = page.readable(file.size);
    byId("wx-queue").querySelector("tbody").append(tr);
    return row;
  };

  page.note = (row, text) => { row.box.title = row.tr.querySelector(".wx-progress span").textContent = text; };

  /* A box that cannot be ticked says why, as does its row. */
  page.block = (row, why, label) => {
    row.box.disabled = Boolean(why);
    row.box.title = why;
    row.tr.querySelector(".wx-why").textContent = why === label ? "" : why;
  };

  page.judge = (row, facts) => {
    const { state, label, reasons = [], key = row.path, size, blocked = false, asks = false, old, choices = [], other } = facts;
    if (rows.get(row.path) !== row) return; // it is on its way, or another took its place
    const confirmed = row.asks && asks && row.box.checked;
    Object.assign(row, { state, key, asks, other, choice: undefined });
    const why = !blocked ? "" : { same: texts.same, changed: texts.skipped }[state] ?? reasons[0] ?? label;
    const more = [...reasons.filter((reason) => reason !== why), ...(row.twice ? [texts.twice] : [])];
    page.write(row.tr.querySelector(".wx-key"), key);
    if (size) row.tr.querySelector(".wx-size").textContent = size;
    const cell = row.tr.querySelector(".wx-state");
    cell.className = `wx-state wx-${state}`;
    cell.replaceChildren(page.line("span", label), ...["", ...more].map((text) => page.line("small", text)));
    cell.querySelector("small").className = "wx-why";
    page.block(row, why, label);
    if (old) page.showOld(row, old, choices);
    row.box.checked = !row.box.disabled && !row.declined && state !== "same" && (!asks || confirmed);
  };

  page.ticked = () => [...rows.values()].filter((row) => row.box.checked && !row.box.disabled);

  page.show = () => {
    const busy = page.busy();
    byId("wx-queue").hidden = rows.size === 0 && !busy;
    byId("wx-cancel").hidden = byId("wx-total").hidden = !busy;
    byId("wx-clear").hidden = busy || rows.size === 0;
    submit.disabled = busy || page.ticked().length === 0;
    byId("wx-again").hidden = page.failed.size < 2;
    const listed = [...rows.values(), ...page.waiting, ...page.under_way];
    const ticked = listed.filter((row) => row.box.checked).length;
    all.checked = ticked > 0 && ticked === listed.length;
    all.indeterminate = ticked > 0 && !all.checked;
  };

  page.summarise = () => {
    page.show();
    if (page.busy()) return;
    const list = page.ticked();
    if (rows.size) page.say(texts.ready, { ticked: list.length, count: rows.size, size: page.readable(page.sizeOf(list)) });
    else page.say("");
  };

  all.addEventListener("change", () => {
    const free = [...rows.values()].filter((row) => !row.box.disabled);
    const more = free.filter((row) => !row.asks && !row.box.checked); // a question is answered one by one
    for (const row of more.length ? more : free) row.declined = !(row.box.checked = more.length > 0);
    page.summarise();
  });
  byId("wx-clear").addEventListener("click", () => {
    rows.forEach((row) => row.tr.remove());
    rows.clear();
    page.forget();
    page.summarise();
    byId("wx-choose").focus();
  });
})();
