// Fetches the part of the page that has data-refresh again and again, until one comes without it.
"use strict";

(() => {
  const PAUSE = 2000; // milliseconds
  const SHARE = 10; // of the time at most a tenth is spent fetching
  const LONGEST = 60000;

  // What the reader had opened stays open, and the keyboard stays where it was.
  function replace(part, fresh) {
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    part.querySelectorAll("details[id]").forEach((one) => {
      const same = fresh.querySelector(`#${one.id}`);
      if (same) {
        same.open = one.open;
      }
    });
    announce(part, fresh);
    part.replaceWith(fresh);
    if (focused) {
      document.getElementById(focused)?.focus({ preventScroll: true });
    }
  }

  // A screen reader says how the whole stands when that changes, and not each square.
  function announce(part, fresh) {
    const [before, now] = [part, fresh].map((one) => one.querySelector("#wx-said")?.textContent.trim());
    const news = document.getElementById("wx-news");
    if (news && now && now !== before) {
      news.textContent = now;
    }
  }

  async function fetched(part) {
    const answer = await fetch(part.dataset.refresh, { redirect: "manual" });
    if (answer.status >= 500) {
      throw new Error(answer.status);
    }
    if (!answer.ok) {
      return null; // logged out, say: a reload shows what is wrong
    }
    const text = await answer.text();
    return new DOMParser().parseFromString(text, "text/html").getElementById(part.id);
  }

  function wait(milliseconds) {
    return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
  }

  function visible() {
    return new Promise((resolve) => {
      const look = () => {
        if (!document.hidden) {
          document.removeEventListener("visibilitychange", look);
          resolve();
        }
      };
      document.addEventListener("visibilitychange", look);
      look();
    });
  }

  async function refresh(id) {
    let pause = PAUSE;
    for (;;) {
      await wait(pause);
      await visible();
      const part = document.getElementById(id);
      if (!part?.dataset.refresh) {
        return;
      }
      const begun = performance.now();
      try {
        const fresh = await fetched(part);
        if (!fresh) {
          return;
        }
        replace(part, fresh);
        pause = Math.max(PAUSE, (performance.now() - begun) * SHARE);
      } catch {
        pause = Math.min(pause * 2, LONGEST); // the server is away: ask less often
      }
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-refresh][id]").forEach((part) => refresh(part.id));
  });
})();
