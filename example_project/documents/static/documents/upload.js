// Without this script the form is sent as it is, and the browser shows the answer.
const form = document.querySelector("#upload");
const button = form.querySelector("button");
const result = document.querySelector("#result");
const texts = form.dataset; // in the language of the page

async function upload(form) {
  const body = new FormData(form);
  const token = body.get("csrfmiddlewaretoken");
  body.delete("csrfmiddlewaretoken");
  const headers = { Accept: "application/json", "X-CSRFToken": token };
  const response = await fetch(form.action, { method: "POST", headers, body });
  const otherwise = { detail: `${texts.otherwise} ${response.status}` };
  const answer = await response.json().catch(() => otherwise);
  if (!response.ok) throw new Error(complaint(answer));
  return answer;
}

function complaint({ detail, errors = {} }) {
  return [detail, ...Object.values(errors).flat()].join(" ");
}

function show(kind, ...parts) {
  result.dataset.kind = kind;
  result.replaceChildren(...parts);
}

function link(url) {
  const element = document.createElement("a");
  element.href = element.textContent = url;
  return element;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  show("sending", texts.sending);
  try {
    const { url, key } = await upload(form);
    show("stored", `${texts.public} `, url ? link(url) : key);
  } catch (error) {
    show("failed", error.message);
  }
  button.disabled = false;
});
