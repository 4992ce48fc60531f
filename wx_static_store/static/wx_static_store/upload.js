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
  const rows = new Map(); // by path: what is in the list
  const under_way = new Set(); // what is being sent
  let waiting = [];
  let batch = [];
  let attempts = 0; // of this page: a path may come back with other bytes
  let asked = 0; // the newest question; answers to older ones come too late

  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
  function say(text, values = {}) {
    const told = fill(text, values);
    if (byId("wx-said").textContent !== told) byId("wx-said").textContent = told; // read aloud
  }

  const ticked = () => [...rows.values()].filter((row) => row.box.checked && !row.box.disabled);
  const sizeOf = (list) => list.reduce((sum, row) => sum + row.file.size, 0);

  function readable(size) {
    const step = Math.min(Math.floor(Math.log2(size || 1) / 10), 4);
    const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: step ? 1 : 0 });
    return `${number.format(size / 2 ** (10 * step))} ${["B", "KB", "MB", "GB", "TB"][step]}`;
  }

  // --- the list --------------------------------------------------------------------------------

  function add(chosen) {
    for (const { path, file } of chosen) {
      if (rows.has(path)) rows.get(path).tr.remove();
      rows.set(path, newRow(path, file));
    }
    if (chosen.length) compare();
  }

  function newRow(path, file) {
    const tr = byId("wx-row").content.cloneNode(true).firstElementChild;
    const row = { path, file, tr, box: tr.querySelector("input"), bar: tr.querySelector("progress") };
    row.box.setAttribute("aria-label", path);
    row.bar.setAttribute("aria-label", path);
    row.box.addEventListener("change", summarise);
    tr.querySelector(".wx-key").textContent = path;
    tr.querySelector(".wx-size").textContent = readable(file.size);
    byId("wx-queue").querySelector("tbody").append(tr);
    return row;
  }

  /* Hash what is new, then ask what would become of each file. */
  async function compare() {
    const question = ++asked;
    const list = [...rows.values()].filter((row) => !under_way.has(row) && !waiting.includes(row));
    show();
    say(texts.looking, { count: list.length });
    for (const row of list) {
      row.md5 ??= await wxMd5(row.file).catch(() => null);
      if (question !== asked) return;
      if (row.md5 === null) judge(row, { state: "refused", label: texts.unreadable, blocked: true });
    }
    const legible = list.filter((row) => row.md5 !== null);
    let answered = true;
    for (let from = 0; answered && from < legible.length; from += ASKED_AT_ONCE) {
      answered = await ask(question, legible.slice(from, from + ASKED_AT_ONCE));
    }
    if (question !== asked) return;
    summarise();
    if (!answered) say(texts.unasked);
  }

  async function ask(question, list) {
    const body = {
      store: store.value,
      folder: folder.value,
      overwrite: Boolean(overwrite?.checked),
      files: list.map(({ path, file, md5 }) => ({ path, md5, size: file.size })),
    };
    try {
      const answer = await fetch(form.dataset.preview, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrfmiddlewaretoken.value },
        body: JSON.stringify(body),
      });
      const judged = (await answer.json()).files;
      if (question === asked) list.forEach((row, i) => judge(row, judged[i]));
      return true;
    } catch {
      if (question === asked) list.forEach((row) => judge(row, { state: "unknown", label: texts.unknown }));
      return false;
    }
  }

  function judge(row, { state, label, reasons = [], key = row.path, blocked = false }) {
    row.tr.querySelector(".wx-key").textContent = key;
    const cell = row.tr.querySelector(".wx-state");
    cell.className = `wx-state wx-${state}`;
    cell.replaceChildren(line("span", label), ...reasons.map((reason) => line("small", reason)));
    row.box.disabled = blocked;
    row.box.checked = !blocked && state !== "same";
  }

  function line(tag, text) {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  }

  function show() {
    const busy = under_way.size > 0 || waiting.length > 0;
    byId("wx-queue").hidden = rows.size === 0;
    cancel.hidden = total.hidden = !busy;
    clear.hidden = busy || rows.size === 0;
    submit.disabled = busy || ticked().length === 0;
    const free = [...rows.values()].filter((row) => !row.box.disabled);
    all.checked = free.length > 0 && free.every((row) => row.box.checked);
  }

  function summarise() {
    show();
    const list = ticked();
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

  function read(entry) {
    return new Promise((resolve, reject) => {
      if (entry.isFile) entry.file((file) => resolve([{ file, path: entry.fullPath.slice(1) }]), reject);
      else readFolder(entry.createReader(), [], resolve, reject);
    });
  }

  /* A reader gives a hundred entries at a time, and none at the end. */
  function readFolder(reader, found, resolve, reject) {
    reader.readEntries((entries) => {
      if (entries.length) readFolder(reader, [...found, ...entries], resolve, reject);
      else Promise.all(found.map(read)).then((lists) => resolve(lists.flat()), reject);
    }, reject);
  }

  /* All items are asked at once: after the first await they are gone. */
  async function dropped(transfer) {
    const found = [...transfer.items].filter((item) => item.kind === "file").map((item) => {
      const entry = item.webkitGetAsEntry();
      const file = item.getAsFile();
      return entry ? read(entry) : [{ file, path: file.name }];
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

  function send(list) {
    if (!under_way.size && !waiting.length) batch = [];
    for (const row of list) {
      row.to ??= { store: store.value, folder: folder.value };
      row.sent = 0;
      row.box.disabled = true;
      note(row, texts.waiting);
    }
    batch.push(...list);
    waiting.push(...list);
    next();
  }

  function next() {
    while (waiting.length && under_way.size < AT_ONCE) sendOne(waiting.shift());
    show();
    if (waiting.length || under_way.size) progress();
    else end();
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
    if (overwrite?.checked) values.overwrite = "on";
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
    total.max = sizeOf(batch) || 1;
    total.value = batch.reduce((sum, row) => sum + row.sent, 0);
    const done = batch.filter((row) => row.outcome).length;
    say(texts.sending, { done, count: batch.length });
  }

  /* The answer is a rendered result; where none came, the page has one of its own. */
  function settle(row, answer) {
    under_way.delete(row);
    const told = typeof answer?.html === "string";
    row.unanswered = !told || answer.running;
    row.outcome = told && answer.ok ? "stored" : "failed";
    row.sent = row.file.size;
    rows.delete(row.path);
    row.tr.remove();
    const item = told ? rendered(answer.html) : lost(row);
    if (row.item) row.item.replaceWith(item);
    else byId("wx-results").querySelector("ul").append(item);
    row.item = item;
    byId("wx-results").hidden = false;
    item.querySelectorAll(".wx-copy").forEach((button) => { button.hidden = false; });
    if (row.outcome === "failed") offer(row);
    next();
  }

  function rendered(html) {
    return new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
  }

  function lost(row) {
    const item = byId("wx-lost").content.cloneNode(true).firstElementChild;
    item.querySelector("strong").textContent = fill(texts.lost, { status: row.request.status || "–" });
    item.querySelector(".wx-name").textContent = row.path;
    return item;
  }

  function offer(row) {
    const retry = row.item.querySelector(".wx-retry");
    retry.hidden = false;
    retry.addEventListener("click", () => {
      retry.disabled = true;
      row.outcome = undefined;
      const again = newRow(row.path, row.file);
      Object.assign(row, { tr: again.tr, box: again.box, bar: again.bar });
      row.box.checked = true;
      rows.set(row.path, row);
      send([row]);
    });
  }

  /* What had arrived as a whole may be published all the same. */
  function put_back(row, unanswered = false) {
    under_way.delete(row);
    Object.assign(row, { sent: 0, to: undefined, unanswered });
    row.box.disabled = false;
    row.bar.hidden = true;
    row.bar.value = 0;
    note(row, "");
  }

  function end() {
    const stored = batch.filter((row) => row.outcome === "stored").length;
    const failed = batch.filter((row) => row.outcome === "failed").length;
    const left = batch.length - stored - failed;
    if (left) say(texts.cancelled, { stored, left });
    else say(texts.finished, { stored, failed });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (ticked().length) send(ticked());
  });
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
    if (under_way.size || waiting.length) event.preventDefault();
  });

  // --- from here on the page works with the script ----------------------------------------------

  byId("wx-folder").hidden = drop.hidden = false;
  form.after(byId("wx-results")); // below the button that was pressed
  input.required = false; // they move into the list
  submit.value = texts.send;
  show();
})();
