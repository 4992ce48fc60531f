// Every text stands in the page twice; the style sheet hides the language that is not wanted.
const KEY = "language";
const OTHER = { zh: "en", en: "zh" };
const NAME = { zh: "中文", en: "English" };

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a browser that allows no storage
  }
}

function remember(language) {
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // it will be asked again
  }
}

function show(language, button) {
  document.documentElement.lang = language;
  button.textContent = NAME[OTHER[language]];
  button.lang = OTHER[language];
}

export function setUpLanguage() {
  const button = document.getElementById("language");
  const preferred = navigator.language.startsWith("zh") ? "zh" : "en";
  const stored = remembered();
  show(stored in OTHER ? stored : preferred, button);
  button.hidden = false;
  button.addEventListener("click", () => {
    const language = OTHER[document.documentElement.lang];
    show(language, button);
    remember(language);
  });
}

export function both(zh, en) {
  return Object.entries({ zh, en }).map(([language, text]) => {
    const span = document.createElement("span");
    span.lang = language;
    span.textContent = text;
    return span;
  });
}
