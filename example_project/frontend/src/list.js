import { both, setUpLanguage } from "./language.js";
import { teas } from "./teas.js";
import { clock } from "./timer.js";

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function card(tea) {
  const times = tea.seconds.map((seconds) => clock(seconds * 1000)).join(" · ");
  const link = element(
    "a",
    "card",
    element("span", "swatch"),
    element("h2", "", ...both(tea.zh, tea.en)),
    element("p", "", ...both(tea.noteZh, tea.noteEn)),
    element("span", "measure", `${tea.water} °C · ${tea.grams} g`, element("br", ""), times),
  );
  link.href = `./index.html#${tea.id}`;
  link.style.setProperty("--tea", tea.colour);
  return element("li", "", link);
}

document.getElementById("list").append(...teas.map(card));
setUpLanguage();
