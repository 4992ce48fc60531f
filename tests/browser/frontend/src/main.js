import leaf from "./leaf.svg?no-inline";
import "./style.css";

const app = document.querySelector("#app");

async function show() {
  if (location.hash === "#menu") {
    const { menu } = await import("./menu.js");
    app.innerHTML = `<ul>${menu.map((tea) => `<li>${tea}</li>`).join("")}</ul>`;
  } else {
    app.innerHTML = `<h1>Tea</h1><img src="${leaf}" alt="A leaf"><a href="#menu">Menu</a>`;
  }
}

addEventListener("hashchange", show);
show();
