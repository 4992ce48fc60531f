/* While a form is sent: how much of its files this site has published. The form is sent as ever; the
   old page lives until the answer comes. Inputs are looked for by then: rows may be added. */
(() => {
  "use strict";

  if (globalThis.wxFormProgress) return; // a page may show the media of two forms
  globalThis.wxFormProgress = true;

  const PAUSE = 1000; // milliseconds

  const { fill, readable } = globalThis.wxReadable;
  let bars = [];
  let timer = 0;
  let sent_twice = false; // the first of two submits ends as if it were stopped

  function show(input) {
    const { address, sizes, ...texts } = JSON.parse(input.dataset.wxProgress);
    const [file] = input.files;
    const id = newId();
    const box = element("span", { className: "wx-form-progress" });
    const progress = element("progress", { ariaLabel: file.name, max: file.size || 1 });
    const said = element("span", { role: "status" });
    box.append(progress, said, element("input", { type: "hidden", name: `${input.name}-wx-progress`, value: id }));
    input.after(box);

    const size = readable(file.size, sizes);
    said.textContent = fill(texts.sending, { size });
    const move = (sent) => {
      progress.value = sent;
      said.textContent = fill(texts.sent, { sent: readable(sent, sizes), size });
    };
    return { id, address, box, move, file, noted: 0 };
  }

  const element = (tag, properties) => Object.assign(document.createElement(tag), properties);

  /* Not by randomUUID(), which a page without TLS has not. */
  function newId() {
    const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
    return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function watch() {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  }

  async function ask() {
    const asked = bars;
    const ids = asked.map(({ id }) => `id=${id}`).join("&");
    try {
      const answer = await fetch(`${asked[0].address}?${ids}`);
      if (answer.redirected) return; // to the login: this user may not ask
      const { sent } = await answer.json();
      if (asked === bars) learn(sent);
    } catch {
      // The save goes on all the same.
    }
    if (asked === bars) watch();
  }

  /* Files of a form are published in turn: where another one moves, the one before has ended. */
  function learn(sent) {
    const moved = bars.filter((bar, i) => sent[i] && sent[i] !== bar.noted);
    if (moved.length) bars.filter((bar) => bar.noted && !moved.includes(bar)).forEach((bar) => bar.move(bar.file.size));
    for (const bar of moved) {
      bar.noted = sent[bars.indexOf(bar)];
      bar.move(bar.noted);
    }
  }

  function clear() {
    clearTimeout(timer);
    bars.forEach(({ box }) => box.remove());
    bars = [];
  }

  // Of the window: whatever may prevent the submit was asked before.
  addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    sent_twice = bars.length > 0;
    clear();
    const inputs = [...event.target.elements].filter((one) => one.dataset.wxProgress && one.files?.length && !one.disabled);
    bars = inputs.map(show);
    if (bars.length) watch();
  });
  addEventListener("pageshow", clear); // brought back by the browser
  globalThis.navigation?.addEventListener("navigateerror", () => {
    if (!sent_twice) clear(); // stopped by the user
    sent_twice = false;
  });
})();
