/* Show how each upload ended, and offer to try again. */
(() => {
  "use strict";

  const page = globalThis.wxUpload;
  const { byId, failed, said, texts } = page;

  /* The answer is a rendered result. */
  page.settle = (row, { ok, html }) => {
    const item = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
    const waits = item.matches(".wx-waiting");
    settle(row, waits ? "kept" : ok ? "stored" : item.matches(".wx-unknown") ? "unknown" : "failed", item);
  };

  /* It never arrived: the page has a result of its own. Where it could not be asked, `unsure`. */
  page.lose = (row, { status, locked_out = false, unsure = false }) => {
    row.unanswered = unsure;
    settle(row, unsure ? "unknown" : "failed", lost(row, status, locked_out));
  };

  function settle(row, outcome, item) {
    page.under_way.delete(row);
    Object.assign(row, { outcome, sent: row.file.size });
    row.tr.remove();
    place(row, item);
    if (!["stored", "kept"].includes(outcome)) offer(row);
    page.next();
  }

  /* Failures come first. Whoever asked for this one again, and went nowhere since, is led to it. */
  function place(row, item) {
    const list = byId("wx-results").querySelector("ul");
    row.item?.remove();
    list.insertBefore(item, row.outcome === "stored" ? null : list.querySelector(".wx-stored"));
    row.item = item;
    byId("wx-results").hidden = false;
    item.querySelectorAll(".wx-copy").forEach((button) => { button.hidden = false; });
    item.querySelectorAll(".wx-name, .wx-url a, .wx-url span").forEach((name) => page.write(name, name.textContent));
    if (row.awaited && [said, document.body].includes(document.activeElement)) {
      item.tabIndex = -1;
      item.focus();
    }
    row.awaited = false;
  }

  function lost(row, status, locked_out) {
    const item = byId("wx-lost").content.cloneNode(true).firstElementChild;
    item.querySelector("strong").textContent = locked_out ? texts.locked_out : page.fill(texts.lost, { status: status || "–" });
    item.querySelector(".wx-advice").hidden = locked_out;
    item.querySelector(".wx-name").textContent = row.key;
    return item;
  }

  /* A question is answered one by one; all else may be tried again together. */
  function offer(row) {
    const confirm = row.item.querySelector(".wx-confirm");
    const button = confirm ?? row.item.querySelector(".wx-retry");
    if (!confirm) failed.add(row);
    button.hidden = false;
    button.addEventListener("click", () => {
      row.awaited = true;
      row.confirmed ||= Boolean(confirm);
      again([row]);
    });
  }

  /* To the same place, with the wish to replace as it is now. */
  function again(list) {
    for (const row of list) {
      failed.delete(row);
      row.item.querySelectorAll(".wx-retry, .wx-confirm").forEach((button) => { button.disabled = true; });
      page.newRow(row.path, row.file, row.key, row);
      const { store, folder } = row.to;
      Object.assign(row, { outcome: undefined, to: { store, folder, ...page.wishOf(row) } });
      row.box.checked = true;
    }
    page.send(list, page.freshToken());
    said.focus();
  }

  byId("wx-again").addEventListener("click", () => again([...failed]));
})();
