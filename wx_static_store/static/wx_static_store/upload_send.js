/* Send what is ticked: one request per file, a few at once. */
(() => {
  "use strict";

  const AT_ONCE = 3;
  const LOOKED_UP = 9; // so many may get no answer before the others wait for them
  const FINAL = ["stored", "kept", "failed", "unknown"];

  const page = globalThis.wxUpload;
  const { batch, byId, form, rows, texts, under_way } = page;
  const total = byId("wx-total");
  const both_legs = "bothLegs" in form.dataset; // this site says how far it has passed a file on
  // A browser may bring back the form's id with the page, and then no number must come back with it.
  let attempts = Date.now();

  page.send = (list, ready = null) => {
    page.submits++;
    if (!page.busy()) {
      batch.clear();
      page.cancelled = false;
    }
    for (const row of list) {
      if (rows.get(row.path) === row) rows.delete(row.path);
      row.to ??= { ...page.place(), ...page.wishOf(row) };
      row.confirmed ||= row.asks; // it is ticked
      row.sent = 0;
      row.box.disabled = true;
      page.note(row, texts.waiting);
      batch.add(row);
      page.waiting.push(row);
    }
    page.show();
    page.progress();
    if (ready) ready.then(page.next);
    else page.next();
  };

  page.next = () => {
    let row;
    while (hasRoom() && (row = startable())) sendOne(row);
    page.show();
    if (page.busy()) page.progress();
    else end();
  };

  /* What is only looked up holds up no other file, once this site answers again. */
  function hasRoom() {
    const looked_up = [...under_way].filter((row) => row.look_up);
    if (looked_up.some((row) => !row.answered) || looked_up.length >= LOOKED_UP) return false;
    return under_way.size - looked_up.length < AT_ONCE;
  }

  /* Of two files for one place the second waits for the first. */
  function startable() {
    const paths = new Set([...under_way].map((row) => row.path));
    const first = page.waiting.find((row) => !paths.has(row.path));
    page.waiting = page.waiting.filter((row) => row !== first);
    return first;
  }

  function sendOne(row) {
    under_way.add(row);
    row.bar.hidden = false;
    if (row.unanswered) return page.lookUp(row, () => post(row)); // it may be there already
    return post(row);
  }

  function post(row) {
    Object.assign(row, { attempt: ++attempts, arrived: false, unanswered: false, killed: undefined });
    const request = (row.request = new XMLHttpRequest());
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => moved(row, event));
    request.addEventListener("load", () => ended(row));
    request.addEventListener("error", () => ended(row));
    request.addEventListener("abort", () => page.lookUp(row, () => putBack(row)));
    request.send(body(row));
  }

  /* Without a usable answer the file may be public all the same: this site is asked. */
  function ended(row) {
    const { status, responseURL, response } = row.request;
    if (typeof response?.html === "string") page.settle(row, response);
    else if (page.lockedOut(status, responseURL, form.action)) page.lose(row, { locked_out: true });
    else page.lookUp(row, () => (page.cancelled ? putBack(row) : page.lose(row, { status })));
  }

  function body(row) {
    const data = new FormData();
    const { form_id, csrfmiddlewaretoken } = form.elements;
    const values = { path: row.path, ...row.to, form_id: form_id.value, attempt: row.attempt };
    if (row.confirmed) values.confirmed = "on";
    values.csrfmiddlewaretoken = csrfmiddlewaretoken.value;
    for (const [name, value] of Object.entries(values)) data.append(name, value);
    data.append("file", row.file);
    return data;
  }

  function moved(row, { loaded, total: size }) {
    const leg = size ? loaded / size : 1;
    row.arrived = loaded >= size;
    share(row, both_legs ? leg / 2 : leg);
    if (row.arrived && both_legs) page.watch();
    else if (row.arrived) row.bar.removeAttribute("value"); // this site has it, and passes it on
    page.note(row, row.arrived ? texts.publishing : texts.arriving);
    page.progress();
  }

  /* The second leg: this site has passed on so many bytes. */
  page.passedOn = (row, sent) => {
    if (both_legs && row.arrived) share(row, 0.5 + sent / (row.file.size || 1) / 2);
    page.progress();
  };

  function share(row, part) {
    row.bar.value = Math.min(part, 1);
    row.sent = row.file.size * row.bar.value;
  }

  page.progress = () => {
    total.max = page.sizeOf([...batch]) || 1;
    total.value = [...batch].reduce((sum, row) => sum + row.sent, 0);
    const done = [...batch].filter((row) => row.outcome).length;
    if (page.silent) page.say(texts.silent, { count: under_way.size });
    else if (page.cancelled) page.say(texts.asking, { count: under_way.size });
    else page.say(texts.sending, { done, count: batch.size }, page.lostSentence());
  };

  /* It was not sent, and will not be. */
  function putBack(row) {
    under_way.delete(row);
    Object.assign(row, { sent: 0, to: undefined, unanswered: false, confirmed: false });
    if (rows.has(row.path)) return row.tr.remove(); // it was chosen again meanwhile
    rows.set(row.path, row);
    row.box.disabled = false;
    row.bar.hidden = true;
    row.bar.value = 0;
    page.note(row, "");
  }

  function end() {
    const sent = [...batch];
    const [stored, waiting, failed, unknown] = FINAL.map((outcome) => sent.filter((row) => row.outcome === outcome).length);
    const left = sent.length - stored - waiting - failed - unknown;
    const kept = [...rows.values()].filter((row) => !row.box.checked && row.state && row.state !== "unread");
    const refused = kept.filter((row) => row.state === "refused").length;
    const fine = waiting ? page.fill(texts.and_waiting, { stored, waiting }) : stored;
    const counts = { stored: fine, skipped: kept.length - refused, failed: failed + refused, left };
    const more = unknown ? page.fill(texts.unsure, { unknown }) : "";
    page.say(page.cancelled ? texts.cancelled : texts.finished, counts, more);
    total.value = total.max;
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
    page.cancelled = true;
    never_sent.forEach(putBack);
    [...under_way].forEach((row) => {
      if (row.look_up) page.lookUp(row, () => putBack(row));
      else row.request.abort();
    });
    page.next();
  });
  addEventListener("beforeunload", (event) => {
    if (page.busy()) event.preventDefault();
  });

  // From here on the page works with its scripts.
  byId("wx-drop").hidden = false;
  form.elements.file.hidden = true;
  form.after(byId("wx-results")); // below the button that was pressed
  form.elements.file.required = false; // they move into the list
  form.querySelector("[type=submit]").value = texts.send;
  page.show();
})();
