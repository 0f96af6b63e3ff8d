// Builds the phone apps: `node build.mjs OUT WORDS`. For each app in OUT/APP: hashed scripts and sheets, the page, the worker, the words of
// five languages and their recordings (from WORDS/APP/LANGUAGE.json and .voice), each also packed with gzip and brotli, and files.json, which names
// every file with its SHA-256. In a script a text is its place in the words. The same sources give the same bytes: nothing here knows a time or
// a place.

import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const HERE = dirname(fileURLToPath(import.meta.url));
const LANGUAGES = ["en", "es", "fr", "ar", "pt"];
const TYPES = { js: "text/javascript", css: "text/css", json: "application/json", html: "text/html", voice: "application/octet-stream", svg: "image/svg+xml", wasm: "application/wasm", webmanifest: "application/manifest+json" };
// Chromium of 2022: the browser of cheap phones renews itself through the shop, on Android 8 and later.
export const TARGET = ["es2022", "chrome103"];
// What stands in for a browser that has none of its own.
const SPARE = ["kit/src/zxing.ts", "log/src/ed25519_spare.ts"];
const NAMES = { wallet: "Amparo", till: "Amparo · Caja" };
const NO_SCRIPT = "Amparo necesita JavaScript. · Amparo needs JavaScript. · Amparo a besoin de JavaScript. · Amparo precisa de JavaScript. · يحتاج أمبارو إلى JavaScript.";

// The sentence beside an error's code is for developers (docs/errors.md); screens build theirs from the code. What is shipped goes without.
const SENTENCE = /\b((?:fail|renamed)\((?:[A-Z]+|code|"[^"]*")|(?:malformed|refuse|notPayable|notReadable|isFalse|differs|bad|badAnswer|RemoteError)\()(, )?(?:"[A-Za-z][^"\\]*"|`(?:[^`\\$]|\$\{[^{}`]*\})*`)(,?\s*\))?/g;
const unsaid = (_whole, head, comma = "", end) => (end ? `${head})` : `${head}${comma}""`);

// A text that a screen says, and every place where one must stand. One that is written in another way would stay English in all languages.
const LITERAL = String.raw`\s*("(?:[^"\\\n]|\\.)*")\s*,?\s*`;
const SAID = new RegExp(String.raw`(?<![\w$.])(?:_\(${LITERAL}\)|ngettext\(${LITERAL}${LITERAL}(?=[\w$.(]))`, "g");
const CALL = /(?<![\w$.]|function )(?:_|ngettext)\s*\(/g;

/** A source in which each text is its place in `places`; a plural's second one falls away. Throws for a text that has none. */
export function numbered(source, path, places) {
  const place = (...texts) => {
    const found = places.get(JSON.stringify(texts.map((text) => JSON.parse(text))));
    if (found === undefined) throw new Error(`${path}: not among the words of the app: ${texts.join(", ")}`);
    return found;
  };
  let seen = 0;
  const made = source.replaceAll(SAID, (_whole, text, one, many) => {
    seen += 1;
    return text ? `_(${place(text)})` : `ngettext(${place(one, many)},0,`;
  });
  const calls = source.match(CALL)?.length ?? 0;
  if (seen !== calls) throw new Error(`${path}: ${calls} texts are said and ${seen} are understood; write each as one literal in double quotes`);
  return made;
}

/** What our sources are shipped without: sentences for developers, and the texts themselves. `english`: the words in their order. */
const terse = (english) => {
  const places = new Map(english.map((text, place) => [JSON.stringify([text].flat()), place]));
  return {
    name: "terse",
    setup: ({ onLoad }) =>
      onLoad({ filter: /[\\/]src[\\/].*\.tsx?$/ }, ({ path }) => {
        if (path.includes("node_modules")) return undefined;
        const source = readFileSync(path, "utf8");
        const loader = extname(path).slice(1);
        return { contents: numbered(loader === "ts" ? source.replaceAll(SENTENCE, unsaid) : source, relative(HERE, path), places), loader };
      }),
  };
};

// zxing-wasm makes tables of every kind of code by calls at the top of a file, of which a bundler cannot know that they do nothing else.
const TABLES = /= (?=e\.(?:map|filter)\()/g;
const untabled = {
  name: "untabled",
  setup: ({ onLoad }) =>
    onLoad({ filter: /zxing-wasm[\\/]dist[\\/]es[\\/]share\.js$/ }, ({ path }) => ({ contents: readFileSync(path, "utf8").replaceAll(TABLES, "= /* @__PURE__ */ "), loader: "js" })),
};
// A glyph is a line of its own there, and whoever draws one says its name.
const GLYPH = /^ {2}"?([a-z-]+)"?: "M.*\n/gm;

/** Of the glyphs those that an app or what all apps share names; `rig.mjs` draws every screen with no others. */
export const drawn = (app) => ({
  name: "drawn",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]kit[\\/]src[\\/]icons\.ts$/ }, ({ path }) => {
      const sources = [app, "kit"].flatMap((each) => globSync(join(HERE, each, "src/**/*.{ts,tsx}"))).filter((each) => each !== path);
      const said = sources.map((each) => readFileSync(each, "utf8")).join("\n");
      return { contents: readFileSync(path, "utf8").replaceAll(GLYPH, (line, name) => (said.includes(`"${name}"`) ? line : "")), loader: "ts" };
    }),
});

// Libraries ask where they run. Not in these: the pages are no worker.
const NOWHERE = { "globalThis.WorkerGlobalScope": "undefined", "globalThis.process": "undefined", Bun: "undefined" };

// Its release stands in what esbuild hashes, so that a script that it packs in another way gets another name.
const PACKER = JSON.parse(readFileSync(join(HERE, "node_modules/terser/package.json"), "utf8")).version;

/** A script in fewer bytes than esbuild alone makes of it: about a twentieth less once it is packed. */
async function shorter(script) {
  const made = await minify(script, { module: true, ecma: 2020, compress: { passes: 3 }, format: { comments: false } });
  return made.code;
}

const hash = (data, length = 64) => createHash("sha256").update(data).digest("hex").slice(0, length);

function tokens() {
  const { colour, space, radius, size, scale } = JSON.parse(readFileSync(join(HERE, "kit/design/tokens.json"), "utf8"));
  const both = (mode) => Object.entries(colour).map(([name, pair]) => `--${name}:${pair[mode]}`);
  const plain = [
    ...Object.entries(space).map(([name, value]) => `--s${name}:${value}`),
    ...Object.entries(size).map(([name, value]) => `--${name}:${value}`),
    ...Object.entries(scale).map(([name, value]) => `--scale-${name}:${value}`),
    `--radius:${radius.phone}`,
  ];
  return `:root{color-scheme:light dark;${[...both(0), ...plain].join(";")}}\n@media (prefers-color-scheme:dark){:root{${both(1).join(";")}}}\n`;
}

export async function sheet() {
  const contents = tokens() + readFileSync(join(HERE, "kit/design/style.css"), "utf8");
  const built = await build({ stdin: { contents, loader: "css" }, minify: true, write: false, target: TARGET });
  return built.outputFiles[0].contents;
}

function page(app, script, style, ahead) {
  return `<!doctype html>
<html lang="es" dir="ltr">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover">
<title>${NAMES[app]}</title>
<meta name="theme-color" content="#0b5d4b">
<meta name="description" content="${app === "wallet" ? "La ayuda, en su teléfono." : "La caja de la tienda."}">
<link rel="icon" href="/mark.svg"><link rel="manifest" href="/app.webmanifest">
<link rel="stylesheet" href="${style}">
${ahead.map((each) => `<link rel="modulepreload" href="${each}">\n`).join("")}<script type="module" src="${script}"></script>
<div id="app"><main><p class="wait">Amparo</p></main></div>
<noscript><p>${NO_SCRIPT}</p></noscript>
`;
}

function manifest(app) {
  return JSON.stringify({
    name: NAMES[app],
    short_name: NAMES[app],
    start_url: "/",
    scope: "/",
    display: "standalone",
    background_color: "#ffffff",
    theme_color: "#0b5d4b",
    icons: [{ src: "/mark.svg", sizes: "any", type: "image/svg+xml", purpose: "any maskable" }],
  });
}

/** The files that the page loads before anything is touched: what its script needs at once. */
function needed(outputs, entry) {
  const found = new Set();
  const follow = (path) => {
    if (found.has(path)) return;
    found.add(path);
    for (const each of outputs[path].imports) if (each.kind === "import-statement") follow(each.path);
  };
  follow(entry);
  return found;
}

async function one(app, out, words) {
  const files = new Map();
  const put = (path, data) => files.set(path, Buffer.from(data));
  const [wordFiles, voiceFiles] = [{}, {}];
  for (const each of LANGUAGES) {
    const [said, read] = ["json", "voice"].map((kind) => readFileSync(join(words, app, `${each}.${kind}`)));
    wordFiles[each] = `/words-${each}-${hash(said, 8)}.json`;
    put(wordFiles[each], said);
    voiceFiles[each] = `/${each}-${hash(read, 8)}.voice`;
    put(voiceFiles[each], read);
  }
  const english = JSON.parse(readFileSync(join(words, app, "en.json"), "utf8"));
  const built = await build({
    entryPoints: { app: join(HERE, app, "src/main.tsx") },
    absWorkingDir: HERE,
    outdir: join(HERE, "out"),
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    write: false,
    metafile: true,
    target: TARGET,
    charset: "utf8",
    legalComments: "none",
    loader: { ".wasm": "file" },
    publicPath: "/",
    entryNames: "[name]-[hash]",
    // By its name the worker finds what an earlier release called otherwise.
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    jsx: "automatic",
    jsxImportSource: "preact",
    plugins: [drawn(app), terse(english), untabled],
    banner: { js: `/*${PACKER}*/` },
    define: { ...NOWHERE, WORD_FILES: JSON.stringify(JSON.stringify(wordFiles)), VOICE_FILES: JSON.stringify(JSON.stringify(voiceFiles)) },
    logLevel: "warning",
  });
  for (const each of built.outputFiles) put(`/${relative(join(HERE, "out"), each.path)}`, each.path.endsWith(".js") ? await shorter(each.text) : each.contents);
  const outputs = built.metafile.outputs;
  const entry = Object.keys(outputs).find((path) => outputs[path].entryPoint?.endsWith("main.tsx"));
  const atOnce = [...needed(outputs, entry)].map((path) => path.replace(/^out/, ""));
  const script = entry.replace(/^out/, "");
  const css = await sheet();
  const style = `/look-${hash(css, 8)}.css`;
  put(style, css);
  put("/mark.svg", readFileSync(join(HERE, "kit/static/mark.svg")));
  put("/app.webmanifest", manifest(app));
  put("/", page(app, script, style, atOnce.filter((each) => each !== script)));
  // Scripts that are loaded late are kept at once too, so that the app is whole without a connection; what a phone has of its own (a reader
  // of codes, Ed25519), the words of other languages and the recordings only where they are needed.
  const spare = Object.keys(outputs).filter((path) => SPARE.some((each) => outputs[path].entryPoint?.endsWith(each)));
  const late = (path) => path.endsWith(".wasm") || path.startsWith("/words-") || path.endsWith(".voice") || spare.includes(`out${path}`);
  const first = [...files.keys()].filter((path) => !late(path)).sort();
  const later = [...files.keys()].filter((path) => !first.includes(path)).sort();
  const release = hash([...files].sort(([one], [two]) => (one < two ? -1 : 1)).map(([path, data]) => `${path} ${hash(data)}\n`).join(""), 16);
  const worker = await build({
    entryPoints: [join(HERE, "kit/src/worker.ts")],
    bundle: true,
    format: "iife",
    minify: true,
    write: false,
    target: TARGET,
    define: { RELEASE: JSON.stringify(release), FIRST: JSON.stringify(first), LATER: JSON.stringify(later) },
  });
  put("/worker.js", await shorter(worker.outputFiles[0].text));
  const folder = join(out, app);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const list = [];
  for (const path of [...files.keys()].sort()) {
    const data = files.get(path);
    const name = path === "/" ? "index.html" : path.slice(1);
    const packed = name.endsWith(".voice") || (name.endsWith(".svg") && data.length < 600) ? {} : { gz: gzipSync(data, { level: 9 }), br: brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }) };
    writeFileSync(join(folder, name), data);
    for (const [kind, bytes] of Object.entries(packed)) writeFileSync(join(folder, `${name}.${kind}`), bytes);
    const when = atOnce.includes(path) || [style, "/"].includes(path) ? "screen" : first.includes(path) || path === "/worker.js" ? "visit" : "use";
    list.push({ path, sha256: hash(data), bytes: data.length, gz: packed.gz?.length ?? data.length, br: packed.br?.length ?? data.length, type: TYPES[name.split(".").at(-1)], when });
  }
  writeFileSync(join(folder, "files.json"), `${JSON.stringify({ app, release, files: list }, null, 1)}\n`);
  return { app, release, files: list };
}

async function main() {
  const [out, words] = process.argv.slice(2);
  if (!out || !words) throw new Error("node build.mjs OUT WORDS");
  for (const app of ["wallet", "till"]) {
    const { release, files } = await one(app, out, words);
    const sum = (...when) => files.filter((each) => when.includes(each.when) && each.path.endsWith(".js")).reduce((total, each) => total + each.gz, 0);
    console.log(JSON.stringify({ app, release, js_first_screen_gz: sum("screen"), js_all_gz: sum("screen", "visit", "use"), files: files.length }));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
