/* The upload page: choose, compare, then one request per file. Without this script the form sends
   all files in one request. */
(() => {
  "use strict";

  const AT_ONCE = 3;
  const ASKED_AT_ONCE = 200;

  const form = document.getElementById("wx-upload");
  if (!form) return;

  const byId = (id) => document.getElementById(id);
  const texts = JSON.parse(byId("wx-texts").textContent);
  const { file: input, store, folder, overwrite, form_id, csrfmiddlewaretoken } = form.elements;
  const [submit, cancel, clear, all] = [form.querySelector("[type=submit]"), byId("wx-cancel"), byId("wx-clear"), byId("wx-all")];
  const total = byId("wx-total");
  const said = byId("wx-said");
  const rows = new Map(); // by path: what is in the list, and neither waits nor is being sent
  const under_way = new Set(); // what is being sent
  const failed = new Set(); // what may be tried again
  const batch = new Set(); // what was sent together, for the progress of it
  let waiting = [];
  let attempts = 0; // of this page: a path may come back with other bytes
  let submits = 0;
  let asked = 0; // the newest question; answers to older ones come too late

  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
  function say(text, values = {}) {
    const filled = fill(text, values);
    if (said.textContent !== filled) said.textContent = filled; // read aloud
  }

  const busy = () => under_way.size > 0 || waiting.length > 0;
  const ticked = () => [...rows.values()].filter((row) => row.box.checked && !row.box.disabled);
  const sizeOf = (list) => list.reduce((sum, row) => sum + row.file.size, 0);

  /* In the words of the server, which gives an example of each unit. */
  function readable(size) {
    const step = Math.min(Math.floor(Math.log2(size || 1) / 10), 4);
    const digits = { minimumFractionDigits: step ? 1 : 0, maximumFractionDigits: step ? 1 : 0 };
    const number = new Intl.NumberFormat(document.documentElement.lang, { ...digits, useGrouping: false });
    const example = texts.sizes[step ? step + 1 : size === 1 ? 0 : 1];
    return example.replace(/\d+([.,]\d+)?/, number.format(size / 2 ** (10 * step)));
  }

  // --- the list --------------------------------------------------------------------------------

  function add(chosen) {
    for (const { path, file } of chosen) {
      const old = rows.get(path);
      old?.tr.remove();
      rows.set(path, { ...newRow(path, file), twice: old && (old.twice || !alike(old.file, file)) });
    }
    if (chosen.length) compare();
  }

  const alike = (one, other) => one.size === other.size && one.lastModified === other.lastModified;

  function newRow(path, file, key = path) {
    const tr = byId("wx-row").content.cloneNode(true).firstElementChild;
    const row = { path, file, key, tr, box: tr.querySelector("input"), bar: tr.querySelector("progress") };
    row.box.setAttribute("aria-label", path);
    row.bar.setAttribute("aria-label", path);
    row.box.addEventListener("change", summarise);
    tr.querySelector(".wx-key").textContent = key;
    tr.querySelector(".wx-size").textContent = readable(file.size);
    byId("wx-queue").querySelector("tbody").append(tr);
    return row;
  }

  /* Ask what would become of each file, and once more with the MD5 of those that it decides for. */
  async function compare() {
    const question = ++asked;
    const submit_before = submits;
    const list = [...rows.values()];
    show();
    if (!busy()) say(texts.looking, { count: list.length });
    let answered = await askAll(question, list);
    const unread = list.filter((row) => row.state === "unread");
    for (const row of unread) if (question === asked) await read(row);
    answered = (await askAll(question, unread.filter((row) => row.md5))) && answered;
    if (question !== asked) return;
    if (submit_before !== submits) return show(); // what became of that is said already
    summarise();
    if (!answered && !busy()) say(texts.uncompared);
  }

  async function read(row) {
    row.bar.hidden = false;
    row.reading ??= wxMd5(row.file, (part) => { row.bar.value = part; });
    try {
      row.md5 = await row.reading;
    } catch {
      judge(row, { ...row, state: "refused", label: texts.unreadable, blocked: true });
    }
    row.bar.hidden = true;
    row.bar.value = 0;
  }

  async function askAll(question, list) {
    let answered = true;
    for (let from = 0; answered && from < list.length && question === asked; from += ASKED_AT_ONCE) {
      answered = await ask(question, list.slice(from, from + ASKED_AT_ONCE));
    }
    return answered;
  }

  async function ask(question, list) {
    const body = JSON.stringify({
      ...target(),
      files: list.map(({ path, file, md5 }) => ({ path, md5, size: file.size })),
    });
    try {
      let answer = await post(body);
      if (answer.status === 403) {
        await freshToken();
        answer = await post(body);
      }
      const judged = (await answer.json()).files;
      if (question === asked) list.forEach((row, i) => judge(row, judged[i]));
      return true;
    } catch {
      if (question === asked) list.forEach((row) => judge(row, { state: "unknown", label: texts.unknown, key: row.key }));
      return false;
    }
  }

  function post(body) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfmiddlewaretoken.value };
    return fetch(form.dataset.preview, { method: "POST", headers, body });
  }

  /* After another login, in another tab, the token of this page is worth nothing. */
  async function freshToken() {
    const page = await fetch(form.action).then((answer) => answer.text()).catch(() => "");
    const found = new DOMParser().parseFromString(page, "text/html").querySelector("#wx-upload [name=csrfmiddlewaretoken]");
    if (found) csrfmiddlewaretoken.value = found.value;
  }

  const wish = () => (overwrite?.checked ? { overwrite: "on" } : {});
  const target = () => ({ store: store.value, folder: folder.value, ...wish() });

  function judge(row, { state, label, reasons = [], key = row.path, size, blocked = false }) {
    if (rows.get(row.path) !== row) return; // it is on its way, or another took its place
    Object.assign(row, { state, key });
    const shown = row.twice ? [...reasons, texts.twice] : reasons;
    row.tr.querySelector(".wx-key").textContent = key;
    if (size) row.tr.querySelector(".wx-size").textContent = size;
    const cell = row.tr.querySelector(".wx-state");
    cell.className = `wx-state wx-${state}`;
    cell.replaceChildren(line("span", label), ...shown.map((reason) => line("small", reason)));
    row.box.disabled = blocked;
    row.box.checked = !blocked && state !== "same";
  }

  function line(tag, text) {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  }

  function show() {
    byId("wx-queue").hidden = rows.size === 0 && !busy();
    cancel.hidden = total.hidden = !busy();
    clear.hidden = busy() || rows.size === 0;
    submit.disabled = busy() || ticked().length === 0;
    byId("wx-again").hidden = failed.size < 2;
    const free = [...rows.values()].filter((row) => !row.box.disabled);
    all.checked = free.length > 0 && free.every((row) => row.box.checked);
  }

  function summarise() {
    show();
    const list = ticked();
    if (busy()) return;
    if (rows.size) say(texts.ready, { ticked: list.length, count: rows.size, size: readable(sizeOf(list)) });
    else say("");
  }

  // --- choosing --------------------------------------------------------------------------------

  const chosenIn = (field) => [...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

  for (const field of [input, byId("wx-folder-input")]) {
    field.addEventListener("change", () => {
      add(chosenIn(field));
      field.value = ""; // so that the same file may be chosen again
    });
  }

  function entered(entry) {
    return new Promise((resolve, reject) => {
      if (entry.isFile) entry.file((file) => resolve([{ file, path: entry.fullPath.slice(1) }]), reject);
      else readFolder(entry.createReader(), [], resolve, reject);
    });
  }

  /* A reader gives a hundred entries at a time, and none at the end. */
  function readFolder(reader, found, resolve, reject) {
    reader.readEntries((entries) => {
      if (entries.length) readFolder(reader, [...found, ...entries], resolve, reject);
      else Promise.all(found.map(entered)).then((lists) => resolve(lists.flat()), reject);
    }, reject);
  }

  /* All items are asked at once: after the first await they are gone. */
  async function dropped(transfer) {
    const found = [...transfer.items].filter((item) => item.kind === "file").map((item) => {
      const entry = item.webkitGetAsEntry();
      const file = item.getAsFile();
      return entry ? entered(entry) : [{ file, path: file.name }];
    });
    return (await Promise.all(found)).flat();
  }

  const drop = byId("wx-drop");
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.add("wx-over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("wx-over");
  });
  document.addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("wx-over");
    try {
      add(await dropped(event.dataTransfer));
    } catch {
      say(texts.unreadable);
    }
  });

  // --- sending ---------------------------------------------------------------------------------

  function send(list, ready = null) {
    submits++;
    if (!busy()) batch.clear();
    for (const row of list) {
      if (rows.get(row.path) === row) rows.delete(row.path);
      row.to ??= target();
      row.sent = 0;
      row.box.disabled = true;
      note(row, texts.waiting);
      batch.add(row);
      waiting.push(row);
    }
    show();
    progress();
    if (ready) ready.then(next);
    else next();
  }

  function next() {
    let row;
    while (under_way.size < AT_ONCE && (row = startable())) sendOne(row);
    show();
    if (busy()) progress();
    else end();
  }

  /* Of two files for one place the second waits for the first. */
  function startable() {
    const paths = new Set([...under_way].map((row) => row.path));
    const first = waiting.find((row) => !paths.has(row.path));
    waiting = waiting.filter((row) => row !== first);
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
    request.addEventListener("load", () => settle(row, request.response));
    request.addEventListener("error", () => settle(row, null));
    request.addEventListener("abort", () => put_back(row, row.sent >= row.file.size));
    request.send(body(row));
  }

  function body(row) {
    const data = new FormData();
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
      note(row, texts.publishing);
    } else note(row, "");
    progress();
  }

  const note = (row, text) => { row.tr.querySelector(".wx-progress span").textContent = text; };

  function progress() {
    total.max = sizeOf([...batch]) || 1;
    total.value = [...batch].reduce((sum, row) => sum + row.sent, 0);
    const done = [...batch].filter((row) => row.outcome).length;
    say(texts.sending, { done, count: batch.size });
  }

  /* The answer is a rendered result; where none came, the page has one of its own. */
  function settle(row, answer) {
    under_way.delete(row);
    const answered = typeof answer?.html === "string";
    row.unanswered = !answered || answer.running;
    row.outcome = answered && answer.ok ? "stored" : "failed";
    row.sent = row.file.size;
    row.tr.remove();
    place(row, answered ? rendered(answer.html) : lost(row));
    if (row.outcome === "failed") offer(row);
    next();
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

  function rendered(html) {
    return new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
  }

  function lost(row) {
    const { status, responseURL } = row.request;
    const elsewhere = responseURL && new URL(responseURL).pathname !== new URL(form.action).pathname; // the login
    const locked_out = status === 403 || Boolean(elsewhere);
    const item = byId("wx-lost").content.cloneNode(true).firstElementChild;
    item.querySelector("strong").textContent = locked_out ? texts.locked_out : fill(texts.lost, { status: status || "–" });
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
      const { tr, box, bar } = newRow(row.path, row.file, row.key);
      const { store, folder } = row.to;
      Object.assign(row, { tr, box, bar, outcome: undefined, to: { store, folder, ...wish() } });
      row.box.checked = true;
    }
    send(list, freshToken());
    said.focus();
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
    note(row, "");
  }

  function end() {
    const sent = [...batch];
    const stored = sent.filter((row) => row.outcome === "stored").length;
    const lost = sent.filter((row) => row.outcome === "failed").length;
    const left = sent.length - stored - lost;
    if (left) say(texts.cancelled, { stored, left });
    else say(texts.finished, { stored, failed: lost });
    const chosen_meanwhile = sent.some((row) => ![row, undefined].includes(rows.get(row.path)));
    if (chosen_meanwhile) compare(); // with what is public by now
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!ticked().length) return;
    send(ticked());
    said.focus(); // the button cannot be pressed now
  });
  byId("wx-again").addEventListener("click", () => again([...failed]));
  cancel.addEventListener("click", () => {
    const never_sent = waiting;
    waiting = [];
    never_sent.forEach((row) => put_back(row));
    [...under_way].forEach((row) => row.request.abort());
    next();
  });
  clear.addEventListener("click", () => {
    rows.forEach((row) => row.tr.remove());
    rows.clear();
    asked++;
    summarise();
    input.focus();
  });
  all.addEventListener("change", () => {
    for (const row of rows.values()) if (!row.box.disabled) row.box.checked = all.checked;
    summarise();
  });
  for (const field of [store, folder, overwrite]) field?.addEventListener("change", () => rows.size && compare());
  addEventListener("beforeunload", (event) => {
    if (busy()) event.preventDefault();
  });

  // --- from here on the page works with the script ----------------------------------------------

  byId("wx-folder").hidden = drop.hidden = false;
  form.after(byId("wx-results")); // below the button that was pressed
  input.required = false; // they move into the list
  submit.value = texts.send;
  show();
})();
