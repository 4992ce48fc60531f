/* Choose files and folders, or drop them on the page. */
(() => {
  "use strict";

  const page = globalThis.wxUpload;
  const { byId, form } = page;

  const chosenIn = (field) => [...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

  for (const [button, field] of [["wx-choose", form.elements.file], ["wx-choose-folder", byId("wx-folder-input")]]) {
    byId(button).addEventListener("click", () => field.click());
    field.addEventListener("change", () => {
      page.add(chosenIn(field));
      field.value = ""; // so that the same file may be chosen again
    });
  }

  function entered(entry) {
    return new Promise((resolve, reject) => {
      if (entry.isFile) entry.file((file) => resolve([{ file, path: entry.fullPath.slice(1) }]), reject);
      else readFolder(entry.createReader(), [], resolve, reject);
    });
  }

  /* A reader gives a hundred entries at a time, and none at the end. */
  function readFolder(reader, found, resolve, reject) {
    reader.readEntries((entries) => {
      if (entries.length) readFolder(reader, [...found, ...entries], resolve, reject);
      else Promise.all(found.map(entered)).then((lists) => resolve(lists.flat()), reject);
    }, reject);
  }

  /* All items are asked at once: after the first await they are gone. */
  async function dropped(transfer) {
    const found = [...transfer.items].filter((item) => item.kind === "file").map((item) => {
      const entry = item.webkitGetAsEntry();
      const file = item.getAsFile();
      return entry ? entered(entry) : [{ file, path: file.name }];
    });
    return (await Promise.all(found)).flat();
  }

  const drop = byId("wx-drop");
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.add("wx-over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("wx-over");
  });
  document.addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("wx-over");
    const around = form.closest("details"); // on the page of a folder
    if (around) around.open = true;
    try {
      page.add(await dropped(event.dataTransfer));
    } catch {
      page.say(page.texts.unreadable);
    }
  });
})();
