/* The upload page: choose, compare, then one request per file. Without its scripts the form sends
   all files in one request.

   Each script has one role; they share `wxUpload` and run in the order of the page. They are no
   modules: a browser asks for those with CORS, which the static files' own site may not answer, and
   their imports have no hashed names. */
(() => {
  "use strict";

  const form = document.getElementById("wx-upload");
  const byId = (id) => document.getElementById(id);
  const texts = JSON.parse(byId("wx-texts").textContent);
  const { csrfmiddlewaretoken, store, folder, clash } = form.elements;
  const said = byId("wx-said");

  const page = (globalThis.wxUpload = {
    form,
    texts,
    byId,
    said,
    rows: new Map(), // by path: what is in the list, and neither waits nor is being sent
    under_way: new Set(), // what is being sent
    failed: new Set(), // what may be tried again
    batch: new Set(), // what was sent together, for the progress of it
    waiting: [],
    cancelled: false, // the batch: what is under way still has an outcome
    submits: 0,
  });

  page.fill = globalThis.wxReadable.fill;
  page.say = (text, values = {}, more = "") => {
    const filled = `${page.fill(text, values)} ${more}`.trim();
    if (said.textContent !== filled) said.textContent = filled; // read aloud
  };

  page.busy = () => page.under_way.size > 0 || page.waiting.length > 0;
  page.sizeOf = (list) => list.reduce((sum, row) => sum + row.file.size, 0);

  page.wish = () => ({ clash: clash.value });
  page.place = () => ({ store: store.value, folder: folder.value });
  page.target = () => ({ ...page.place(), ...page.wish() });

  page.readable = (size) => globalThis.wxReadable.readable(size, texts.sizes);

  page.line = (tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  };

  /* A name may break where its parts meet, and elsewhere only where a part is longer than a line. */
  page.write = (element, name) => {
    const parts = name.match(/%?[^%/_-]*[/_-]*/g).filter(Boolean);
    element.replaceChildren(...parts.flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part])));
  };

  // --- what the scripts ask this site -----------------------------------------------------------

  function post(url, body) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfmiddlewaretoken.value };
    return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  }

  page.ask = async (url, body) => {
    const answer = await post(url, body);
    if (answer.status !== 403) return answer;
    await page.freshToken();
    return post(url, body);
  };

  /* Whether it was not this page that answered, but the login, or nobody lets this user in. */
  page.lockedOut = (status, address, asked) =>
    status === 403 || Boolean(address && new URL(address).pathname !== new URL(asked, location).pathname);

  /* After another login, in another tab, the token of this page is worth nothing. */
  page.freshToken = async () => {
    const html = await fetch(form.action).then((answer) => answer.text()).catch(() => "");
    const found = new DOMParser().parseFromString(html, "text/html").querySelector("#wx-upload [name=csrfmiddlewaretoken]");
    if (found) csrfmiddlewaretoken.value = found.value;
  };
})();
