/* Texts with values in them, and sizes in the words of the server. */
(() => {
  "use strict";

  const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

  /* The server gives an example of each unit. */
  const readable = (size, sizes) => {
    const step = Math.min(Math.floor(Math.log2(size || 1) / 10), 4);
    const digits = { minimumFractionDigits: step ? 1 : 0, maximumFractionDigits: step ? 1 : 0 };
    const number = new Intl.NumberFormat(document.documentElement.lang || undefined, { ...digits, useGrouping: false });
    const example = sizes[step ? step + 1 : size === 1 ? 0 : 1];
    return example.replace(/\d+([.,]\d+)?/, number.format(size / 2 ** (10 * step)));
  };

  globalThis.wxReadable = { fill, readable };
})();
