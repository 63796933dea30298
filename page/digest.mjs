// Notes beside the built files which sources they were built from; a test compares, so that they cannot drift apart.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const files = ["digest.mjs", "index.html", "package.json", "tsconfig.json", "vite.config.ts"];
files.push(...readdirSync("src").map((name) => `src/${name}`));
const hash = createHash("sha256");
for (const name of files.sort()) {
  hash.update(name + "\0");
  hash.update(readFileSync(name));
  hash.update("\0");
}
const folder = "../src/clockless/lab/static";
const licence = readFileSync("node_modules/uplot/LICENSE", "utf8");
writeFileSync(`${folder}/LICENSES.txt`, `lab.js contains uPlot (github.com/leeoniya/uPlot):\n\n${licence}`);
writeFileSync(`${folder}/sources.txt`, hash.digest("hex") + "\n");
