/* Send what is ticked: one request per file, a few at once. */
(() => {
  "use strict";

  const AT_ONCE = 3;

  const page = globalThis.wxUpload;
  const { batch, byId, form, rows, texts, under_way } = page;
  const total = byId("wx-total");
  let attempts = 0; // of this page: a path may come back with other bytes

  page.send = (list, ready = null) => {
    page.submits++;
    if (!page.busy()) batch.clear();
    for (const row of list) {
      if (rows.get(row.path) === row) rows.delete(row.path);
      row.to ??= page.target();
      row.sent = 0;
      row.box.disabled = true;
      page.note(row, texts.waiting);
      batch.add(row);
      page.waiting.push(row);
    }
    page.show();
    progress();
    if (ready) ready.then(page.next);
    else page.next();
  };

  page.next = () => {
    let row;
    while (under_way.size < AT_ONCE && (row = startable())) sendOne(row);
    page.show();
    if (page.busy()) progress();
    else end();
  };

  /* Of two files for one place the second waits for the first. */
  function startable() {
    const paths = new Set([...under_way].map((row) => row.path));
    const first = page.waiting.find((row) => !paths.has(row.path));
    page.waiting = page.waiting.filter((row) => row !== first);
    return first;
  }

  function sendOne(row) {
    under_way.add(row);
    if (!row.unanswered) row.attempt = ++attempts; // a lost answer is asked for, not sent again
    row.bar.hidden = false;
    const request = (row.request = new XMLHttpRequest());
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => moved(row, event));
    request.addEventListener("load", () => page.settle(row, request.response));
    request.addEventListener("error", () => page.settle(row, null));
    request.addEventListener("abort", () => put_back(row, row.sent >= row.file.size));
    request.send(body(row));
  }

  function body(row) {
    const data = new FormData();
    const { form_id, csrfmiddlewaretoken } = form.elements;
    const values = { ...row.to, path: row.path, form_id: form_id.value, attempt: row.attempt };
    values.csrfmiddlewaretoken = csrfmiddlewaretoken.value;
    for (const [name, value] of Object.entries(values)) data.append(name, value);
    data.append("file", row.file);
    return data;
  }

  function moved(row, { loaded, total: size }) {
    row.sent = row.file.size * (size ? loaded / size : 1);
    row.bar.value = size ? loaded / size : 1;
    if (loaded >= size) {
      row.bar.removeAttribute("value"); // this site has it, and passes it on
      page.note(row, texts.publishing);
    } else page.note(row, "");
    progress();
  }

  function progress() {
    total.max = page.sizeOf([...batch]) || 1;
    total.value = [...batch].reduce((sum, row) => sum + row.sent, 0);
    const done = [...batch].filter((row) => row.outcome).length;
    page.say(texts.sending, { done, count: batch.size });
  }

  /* What had arrived as a whole may be published all the same. */
  function put_back(row, unanswered = false) {
    under_way.delete(row);
    Object.assign(row, { sent: 0, to: undefined, unanswered });
    if (rows.has(row.path)) return row.tr.remove(); // it was chosen again meanwhile
    rows.set(row.path, row);
    row.box.disabled = false;
    row.bar.hidden = true;
    row.bar.value = 0;
    page.note(row, "");
  }

  function end() {
    const sent = [...batch];
    const stored = sent.filter((row) => row.outcome === "stored").length;
    const lost = sent.filter((row) => row.outcome === "failed").length;
    const left = sent.length - stored - lost;
    if (left) page.say(texts.cancelled, { stored, left });
    else page.say(texts.finished, { stored, failed: lost });
    const chosen_meanwhile = sent.some((row) => ![row, undefined].includes(rows.get(row.path)));
    if (chosen_meanwhile) page.compare(); // with what is public by now
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const list = page.ticked();
    if (!list.length) return;
    page.send(list);
    page.said.focus(); // the button cannot be pressed now
  });
  byId("wx-cancel").addEventListener("click", () => {
    const never_sent = page.waiting;
    page.waiting = [];
    never_sent.forEach((row) => put_back(row));
    [...under_way].forEach((row) => row.request.abort());
    page.next();
  });
  addEventListener("beforeunload", (event) => {
    if (page.busy()) event.preventDefault();
  });
})();
