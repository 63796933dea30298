import { defineConfig } from "vite";

// Three files with fixed names, which the Python package ships and serves; nothing is loaded from elsewhere.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/clockless/lab/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      output: { entryFileNames: "lab.js", assetFileNames: "lab.[ext]", inlineDynamicImports: true },
    },
  },
});
