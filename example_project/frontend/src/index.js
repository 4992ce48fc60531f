import * as bell from "./bell.js";
import { both, setUpLanguage } from "./language.js";
import { teas } from "./teas.js";
import { Timer, clock } from "./timer.js";

const EMPTY = 72; // how far the tea stands below the brim of an empty cup
const NUMBER = [["第一泡", "1st"], ["第二泡", "2nd"], ["第三泡", "3rd"]];
const at = (id) => document.getElementById(id);

let tea = teas.find(({ id }) => `#${id}` === location.hash) || teas[0];
let infusion = 0;

const timer = new Timer(show, bell.ring);

function show({ left, total, running, done }) {
  const share = total ? 1 - left / total : 0;
  at("clock").textContent = clock(left);
  at("ring").style.strokeDashoffset = 100 - 100 * share;
  at("tea").style.transform = `translateY(${EMPTY * (1 - share)}px)`;
  document.body.classList.toggle("running", running);
  document.body.classList.toggle("done", done && total > 0);
  say(at("start"), ...(running ? ["暂停", "Pause"] : left < total && !done ? ["继续", "Go on"] : ["开始", "Start"]));
  say(at("status"), ...status(left, total, running, done));
}

function status(left, total, running, done) {
  if (done && total) return ["茶好了，请慢用。", "Your tea is ready. Enjoy it."];
  if (running) return [`${tea.zh}正在舒展……`, `${tea.en} is unfolding…`];
  if (left < total) return ["停一停也好。", "A pause does no harm."];
  return [`${tea.zh}，${tea.water} °C 的水，准备好了吗？`, `${tea.en}, water of ${tea.water} °C: ready?`];
}

// Screen readers read a status aloud, so only what has changed is put there.
function say(element, zh, en) {
  if (element.dataset.said === en) return;
  element.dataset.said = en;
  element.replaceChildren(...both(zh, en));
}

function prepare() {
  document.body.style.setProperty("--tea", tea.colour);
  at("water").textContent = `${tea.water} °C`;
  at("grams").textContent = `${tea.grams} g`;
  press(at("teas"), teas.indexOf(tea));
  press(at("infusions"), infusion);
  timer.set(tea.seconds[infusion]);
}

function press(group, chosen) {
  [...group.children].forEach((button, index) => {
    button.setAttribute("aria-pressed", index === chosen);
  });
}

function addButton(group, texts, colour, choose) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...texts);
  button.style.setProperty("--tea", colour);
  button.addEventListener("click", () => {
    choose();
    prepare();
  });
  group.append(button);
}

teas.forEach((it) => addButton(at("teas"), both(it.zh, it.en), it.colour, () => {
  [tea, infusion] = [it, 0];
}));
NUMBER.forEach(([zh, en], index) => addButton(at("infusions"), both(zh, en), "", () => {
  infusion = index;
}));

at("start").addEventListener("click", () => {
  bell.open();
  if (timer.running) return timer.stop();
  if (timer.done) timer.set(tea.seconds[infusion]);
  timer.start();
});
at("reset").addEventListener("click", prepare);
document.addEventListener("visibilitychange", () => timer.running && timer.tick());

setUpLanguage();
prepare();
at("start").disabled = at("reset").disabled = false;
