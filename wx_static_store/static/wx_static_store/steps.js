/* A long action in small steps: this site does the first of the rows that are left and says which
   ones those were, until none is left or somebody stops it. Whoever closes the page stops it, too.
   Where workers do them, it looks each second what became of those that they have. Where they take
   no more, a second button sends the rest from this site.
   Without this script the button does one step, and a page shows what is left. */
(() => {
  "use strict";

  const form = document.getElementById("wx-steps");
  const byId = (id) => document.getElementById(id);
  const [go, stop, said, error, total] = ["wx-go", "wx-stop", "wx-said", "wx-error", "wx-total"].map(byId);
  const [fromHere, fromPage] = ["wx-from-here", "wx-from-page"].map(byId);
  if (!form || !go) return;
  const { rows, handed, late, counts } = form.elements;
  const texts = form.dataset;
  const LOOK = 1000; // milliseconds
  let running = false;
  let stopped = false;
  let stuck = Boolean(fromHere && !fromHere.hidden);
  let news = said.textContent;
  let wake = () => {};

  const left = () => rows.value.split(",").filter(Boolean);
  const state = (id) => byId(`wx-row-${id}`)?.querySelector(".wx-state");

  async function ask() {
    const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body: new FormData(form) });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json(); // the login's page is none
  }

  /* Returns why it goes no further; "" if it may. */
  async function step() {
    const few = "byWorkers" in texts ? 0 : Number(texts.few);
    const begun = left().slice(0, few).map((id) => [state(id), state(id).textContent]);
    begun.forEach(([cell]) => { cell.textContent = texts.underWay; });
    let why = texts.lost;
    try {
      const answer = await ask();
      answer.lines.forEach(show);
      rows.value = answer.rows;
      handed.value = answer.handed;
      late.value = answer.late;
      counts.value = answer.counts;
      stuck = answer.stuck;
      said.textContent = news = answer.said;
      why = answer.error;
    } catch {
      // Nobody knows what became of these: they stay, and this site sends nothing twice.
    }
    begun.forEach(([cell, text]) => { if (cell.isConnected) cell.textContent = text; });
    total.value = total.max - left().length;
    return why;
  }

  function show({ id, html }) {
    const page = new DOMParser().parseFromString(`<table>${html}</table>`, "text/html");
    byId(`wx-row-${id}`)?.replaceWith(page.querySelector("tr"));
  }

  /* Takes what workers did not send, to send it from this site. */
  function takeBack() {
    fromPage.value = "1";
    rows.value = [late.value, rows.value].filter(Boolean).join(",");
    late.value = handed.value = "";
    delete texts.byWorkers;
    stuck = false;
  }

  function update() {
    go.hidden = running || !left().length;
    stop.hidden = !running;
    if (fromHere) fromHere.hidden = running || !stuck;
    stop.disabled = stopped;
    total.hidden = false;
    byId("wx-leave").hidden = !left().length;
  }

  const pause = () => new Promise((resolve) => {
    wake = resolve;
    setTimeout(resolve, LOOK);
  });

  async function run() {
    running = true;
    stopped = false;
    error.hidden = true;
    update();
    let why = "";
    while (left().length && !why && !stopped) {
      why = await step();
      if (handed.value && !why && !stopped) await pause();
    }
    running = false;
    if (stopped && left().length) said.textContent = `${texts.stopped} ${news}`;
    error.textContent = why;
    error.hidden = !why;
    go.textContent = texts.goOn;
    if (document.activeElement === stop) said.focus(); // the button cannot be pressed any more
    update();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (fromHere && event.submitter === fromHere) takeBack();
    if (!running) run();
    if ([go, fromHere].includes(document.activeElement) || document.activeElement === document.body) stop.focus();
  });
  stop.addEventListener("click", () => {
    stopped = true;
    said.focus();
    said.textContent = texts.stopping;
    update();
    wake();
  });
  if ("begin" in texts) run();
})();
