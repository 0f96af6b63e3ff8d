// A phone that keeps the app: its first visit, and a new release, each opened again after the app's server has stopped. Both releases are served
// from here, and nothing may be kept by the browser's own cache: what is there was kept by the app's worker. Reads { chromium, folder, locale,
// config, texts } from standard input (`folder`: a built app; `texts`: what is touched and seen, in the phone's language); prints what came to
// be kept of the files that are fetched when first used.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";

const told = JSON.parse(readFileSync(0, "utf8"));
const { texts } = told;
const list = JSON.parse(readFileSync(join(told.folder, "files.json"), "utf8"));
const NEXT = "2".repeat(list.release.length);

/** A release's bodies by their paths. In the second, every file that is fetched when first used has another name, and the home another title. */
function release(second) {
  const newName = (path) => path.replace(/-([^-]*)\./, (_whole, hash) => `-${"2".repeat(hash.length)}.`);
  const later = list.files.filter(({ when }) => when === "use").map(({ path }) => path);
  const bodies = new Map([["/config.json", { type: "application/json", body: JSON.stringify(told.config) }]]);
  for (const { path, type } of list.files) {
    let body = readFileSync(join(told.folder, path === "/" ? "index.html" : path));
    if (second && /\.(js|json)$/.test(path)) {
      body = later.reduce((text, each) => text.replaceAll(each, newName(each)), body.toString()).replaceAll(list.release, NEXT);
      body = body.replace(JSON.stringify(texts.home), JSON.stringify(`${texts.home} 2`));
    }
    bodies.set(second && later.includes(path) ? newName(path) : path, { type, body });
  }
  return bodies;
}

let bodies = release(false);
let missing = /^$/;
const server = createServer(({ url }, answer) => {
  const found = missing.test(url) ? undefined : bodies.get(url);
  answer.writeHead(found ? 200 : 404, { "content-type": found?.type ?? "text/plain", "cache-control": "no-store" }).end(found?.body);
});
const start = (port = 0) => new Promise((done) => server.listen(port, "127.0.0.1", done));
const stop = () =>
  new Promise((done) => {
    server.close(done);
    server.closeAllConnections();
  });
await start();
const { port } = server.address();

const browser = await chromium.launch({ executablePath: told.chromium, args: ["--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ locale: told.locale, serviceWorkers: "allow" });
const page = await context.newPage();
page.setDefaultTimeout(20_000);
const heading = (name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const choice = (title) => page.locator(".choice", { hasText: title }).click();

/** What a release's cache holds of the files that are fetched when first used, without their hashes. */
const kept = (name) =>
  page.evaluate(async (cache) => (await (await caches.open(cache)).keys()).map(({ url }) => new URL(url).pathname), `amparo-${name}`).then((paths) =>
    paths
      .filter((path) => /\.(wasm|voice)$|words-|zxing-|spare-/.test(path))
      .map((path) => path.replace(/-[^-]*\./, "."))
      .sort(),
  );
const keeps = async (name, path) => {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await kept(name)).includes(path)) return;
    await page.waitForTimeout(50);
  }
  throw new Error(`${path} is not kept; there is ${await kept(name)}`);
};

/** Looks for a new release; what becomes of its worker. */
const lookedFor = () =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    if (registration.waiting) return "waits already";
    const coming = await new Promise((done) => {
      registration.addEventListener("updatefound", () => done(registration.installing), { once: true });
      registration.update();
    });
    return new Promise((done) => {
      const look = () => ["installed", "redundant"].includes(coming.state) && done(coming.state);
      coming.addEventListener("statechange", look);
      look();
    });
  });

// The words cannot be had at first: the page waits for them.
missing = /words-/;
await page.goto(`http://127.0.0.1:${port}/`);
await page.waitForTimeout(1_000);
const waiting = await page.locator("#app").innerText();
missing = /^$/;
await heading(texts.welcome);
await keeps(list.release, `/words-${texts.language}.json`);
const first = await kept(list.release);
await stop();
await page.reload();
await heading(texts.welcome);
await page.getByRole("button", { name: "Français", exact: true }).click();
await page.getByText(texts.once).waitFor();
await heading(texts.welcome);

// The sound is on, and a reader of codes is there: both are kept, and come along.
await start(port);
await press(texts.silent);
await keeps(list.release, `/${texts.language}.voice`);
await keeps(list.release, "/zxing_reader.wasm");
await press(texts.begin);
await heading(texts.home);
bodies = release(true);
missing = /words-/;
const withoutWords = await lookedFor();
missing = /^$/;
const withWords = await lookedFor();
const second = await kept(NEXT);
await press(texts.more);
await choice(texts.settings);
await stop();
await press(texts.update);
await heading(`${texts.home} 2`);
await page.reload();
await heading(`${texts.home} 2`);
// Words that are not there: the app speaks those that are.
await page.evaluate(() => localStorage.setItem("amparo", JSON.stringify({ ...JSON.parse(localStorage.getItem("amparo")), language: "fr" })));
await page.reload();
await heading(`${texts.home} 2`);
const left = await page.evaluate(() => caches.keys());
await browser.close();
console.log(JSON.stringify({ waiting, first, withoutWords, withWords, second, caches: left.length }));
