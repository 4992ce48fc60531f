/* Ask this site what would become of each file in the list. */
(() => {
  "use strict";

  const ASKED_AT_ONCE = 200;
  const SNIFFED = 512; // bytes, by which this site sees what a file is

  const page = globalThis.wxUpload;
  const { form, rows, texts } = page;
  let asked = 0; // the newest question; answers to older ones come too late

  page.forget = () => { asked++; };

  /* And once more with the MD5 of those that it decides for. */
  page.compare = async () => {
    const question = ++asked;
    const submits_before = page.submits;
    const list = [...rows.values()];
    page.show();
    if (!page.busy()) page.say(texts.looking, { count: list.length });
    let answered = await askAll(question, list);
    const unread = list.filter((row) => row.state === "unread");
    for (const row of unread) if (question === asked) await read(row);
    answered = (await askAll(question, unread.filter((row) => row.md5))) && answered;
    if (question !== asked) return;
    if (submits_before !== page.submits) return page.show(); // what became of that is said already
    page.summarise();
    if (!answered && !page.busy()) page.say(texts.uncompared);
  };

  async function read(row) {
    row.bar.hidden = false;
    row.reading ??= wxMd5(row.file, (part) => { row.bar.value = part; });
    try {
      row.md5 = await row.reading;
    } catch {
      page.judge(row, { ...row, state: "refused", label: texts.unreadable, blocked: true });
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

  /* Its first bytes in base64; none where the browser cannot read it. */
  async function head(row) {
    row.head ??= row.file.slice(0, SNIFFED).arrayBuffer().catch(() => new ArrayBuffer(0));
    return btoa(String.fromCharCode(...new Uint8Array(await row.head)));
  }

  async function ask(question, list) {
    const described = async (row) => ({ path: row.path, md5: row.md5, size: row.file.size, head: await head(row) });
    try {
      const files = await Promise.all(list.map(described));
      const answer = await page.ask(form.dataset.preview, { ...page.target(), files });
      const { files: judged, folder: wrong } = await answer.json();
      if (question !== asked) return true;
      list.forEach((row, i) => page.judge(row, judged[i]));
      page.tellFolder(wrong);
      return true;
    } catch {
      if (question === asked) list.forEach((row) => page.judge(row, { state: "unknown", label: texts.unknown, key: row.key }));
      return false;
    }
  }

  const { store, folder, clash } = form.elements;
  for (const field of [store, folder, clash]) field.addEventListener("change", () => rows.size && page.compare());
})();
