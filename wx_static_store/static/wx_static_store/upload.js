/* From here on the upload page works with its scripts. */
(() => {
  "use strict";

  const { byId, form, show, texts } = globalThis.wxUpload;

  byId("wx-folder").hidden = byId("wx-drop").hidden = false;
  form.after(byId("wx-results")); // below the button that was pressed
  form.elements.file.required = false; // they move into the list
  form.querySelector("[type=submit]").value = texts.send;
  show();
})();
