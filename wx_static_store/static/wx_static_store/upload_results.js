/* Show how each upload ended, and offer to try again. */
(() => {
  "use strict";

  const page = globalThis.wxUpload;
  const { byId, failed, said, texts } = page;

  /* The answer is a rendered result. */
  page.settle = (row, { ok, html }) => {
    settle(row, ok ? "stored" : "failed", new DOMParser().parseFromString(html, "text/html").body.firstElementChild);
  };

  /* It never arrived: the page has a result of its own. While nobody lets the page in, who knows? */
  page.lose = (row, { status, locked_out = false }) => {
    row.unanswered = locked_out;
    settle(row, "failed", lost(row, status, locked_out));
  };

  function settle(row, outcome, item) {
    page.under_way.delete(row);
    Object.assign(row, { outcome, sent: row.file.size });
    row.tr.remove();
    place(row, item);
    if (outcome === "failed") offer(row);
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

  function offer(row) {
    failed.add(row);
    const retry = row.item.querySelector(".wx-retry");
    retry.hidden = false;
    retry.addEventListener("click", () => {
      row.awaited = true;
      again([row]);
    });
  }

  /* To the same place, with the wish to replace as it is now. */
  function again(list) {
    for (const row of list) {
      failed.delete(row);
      row.item.querySelector(".wx-retry").disabled = true;
      const { tr, box, bar } = page.newRow(row.path, row.file, row.key);
      const { store, folder } = row.to;
      Object.assign(row, { tr, box, bar, outcome: undefined, to: { store, folder, ...page.wish() } });
      row.box.checked = true;
    }
    page.send(list, page.freshToken());
    said.focus();
  }

  byId("wx-again").addEventListener("click", () => again([...failed]));
})();
