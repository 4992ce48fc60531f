/* Ask this site about what was sent: how far it is, and how it ended where no answer came. */
(() => {
  "use strict";

  const PAUSE = 1000; // milliseconds
  const LONGEST = 5000;
  const TOGETHER = 12000; // in which this site sees of all that were lost at once that they are

  const page = globalThis.wxUpload;
  const { form, texts, under_way } = page;
  let timer = 0;
  let asking = false;
  page.silent = 0; // questions in a row that had no answer

  page.watch = (pause = PAUSE) => {
    if (asking) return;
    clearTimeout(timer);
    timer = setTimeout(ask, pause);
  };

  /* What has not begun is cancelled for good, then `unsent` is done; what has begun is waited for. */
  page.lookUp = (row, unsent) => {
    Object.assign(row, { look_up: unsent, answered: false });
    row.bar.hidden = false;
    page.note(row, texts.looked_up);
    page.progress();
    page.watch(0);
  };

  async function ask() {
    const rows = [...under_way].filter((row) => row.look_up || row.arrived);
    if (!rows.length) return;
    asking = true;
    const lost = rows.filter((row) => row.look_up);
    const wait = !allKilled(lost);
    const attempts = rows.map((row) => ({ attempt: row.attempt, name: row.key, cancel: lost.includes(row), wait }));
    const asked = rows.map((row) => row.look_up); // it may be cancelled, or answered, meanwhile
    const found = await answerTo({ form_id: form.elements.form_id.value, attempts });
    asking = false;
    page.silent = found || !asked.some(Boolean) ? 0 : page.silent + 1;
    page.watch(Math.min(PAUSE * (page.silent || 1), LONGEST));
    if (!found) return page.progress();
    rows.forEach((row, i) => under_way.has(row) && row.look_up === asked[i] && learn(row, found[i]));
    if (page.busy()) page.next();
  }

  /* What was killed is looked up in the cloud by one call for all, if it comes to light soon. */
  const allKilled = (lost) => lost.every(({ killed }) => killed) || lost.some(({ killed }) => Date.now() - killed > TOGETHER);

  page.lostSentence = () => {
    const count = [...under_way].filter((row) => row.look_up && row.answered).length;
    return count ? page.fill(texts.interrupted, { count }) : "";
  };

  async function answerTo(body) {
    try {
      const answer = await page.ask(form.dataset.status, body);
      if (page.lockedOut(answer.status, answer.url, form.dataset.status)) return body.attempts.map(() => ({ state: "locked_out" }));
      return (await answer.json()).attempts;
    } catch {
      return null;
    }
  }

  function learn(row, { state, sent, ...answer }) {
    const unsent = row.look_up;
    row.answered = true;
    if (state === "killed") row.killed ??= Date.now();
    if (state === "running") return page.passedOn(row, sent);
    if (!unsent || !["cancelled", "ended", "locked_out"].includes(state)) return; // its own answer comes
    row.look_up = undefined;
    if (state === "ended") return page.settle(row, answer);
    if (state === "locked_out") return page.lose(row, { locked_out: true, unsure: true });
    unsent();
    return page.next();
  }
})();
