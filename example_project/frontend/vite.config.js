import { resolve } from "node:path";
import { defineConfig } from "vite";

const page = (name) => resolve(import.meta.dirname, name);

export default defineConfig({
  base: "/app/", // the folder of the public site; "./" would break at /app without the last slash
  build: {
    target: "es2019", // phones that are some years old
    assetsInlineLimit: 0, // pictures stay files, with a hash in their name
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index.html", "teas.html", "404.html"].map(page) },
  },
});
