// Builds the pages on which tests look at every screen with invented content: `node rig.mjs OUT`. Never shipped.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { TARGET, drawn, sheet } from "./build.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const [out] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "look.css"), await sheet());
for (const app of ["wallet", "till"]) {
  await build({
    entryPoints: [join(HERE, app, "tests/rig.tsx")],
    absWorkingDir: HERE,
    outdir: out,
    entryNames: app,
    assetNames: "[name]",
    publicPath: "/",
    bundle: true,
    format: "esm",
    target: TARGET,
    plugins: [drawn(app)],
    loader: { ".wasm": "file" },
    jsx: "automatic",
    jsxImportSource: "preact",
    define: { WORD_FILES: '"{}"', VOICE_FILES: '"{}"' },
    logLevel: "warning",
  });
  writeFileSync(
    join(out, `${app}.html`),
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Amparo</title>
<link rel="stylesheet" href="look.css"><script type="module" src="${app}.js"></script><div id="app"></div>
`,
  );
}
