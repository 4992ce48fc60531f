/* Show how each upload ended, and offer to try again. */
(() => {
  "use strict";

  const page = globalThis.wxUpload;
  const { byId, failed, form, said, texts } = page;

  /* The answer is a rendered result; where none came, the page has one of its own. */
  page.settle = (row, answer) => {
    page.under_way.delete(row);
    const answered = typeof answer?.html === "string";
    row.unanswered = !answered || answer.running;
    row.outcome = answered && answer.ok ? "stored" : "failed";
    row.sent = row.file.size;
    row.tr.remove();
    place(row, answered ? rendered(answer.html) : lost(row));
    if (row.outcome === "failed") offer(row);
    page.next();
  };

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

  function rendered(html) {
    return new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
  }

  function lost(row) {
    const { status, responseURL } = row.request;
    const elsewhere = responseURL && new URL(responseURL).pathname !== new URL(form.action).pathname; // the login
    const locked_out = status === 403 || Boolean(elsewhere);
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
