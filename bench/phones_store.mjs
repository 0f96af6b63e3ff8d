// Drives phones_inside.mjs in Debian's Chromium, on a server of this process. Reads { chromium, slow, samples, sales } from standard input.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { answer, browser, phone, slower, told } from "./phones_browser.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const WEB = join(HERE, "../web");
const { build } = createRequire(join(WEB, "package.json"))("esbuild");
const PAGE = '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="/inside.js"></script>';
// So many sales are timed at each end, with the processor slower and at full speed.
const TIMED = 10;
const HOURS = 72;

async function bundle() {
  const built = await build({
    entryPoints: [join(HERE, "phones_inside.mjs")],
    absWorkingDir: WEB,
    nodePaths: [join(WEB, "node_modules")],
    bundle: true,
    format: "esm",
    target: ["es2022"],
    write: false,
    logLevel: "warning",
  });
  return built.outputFiles[0].text;
}

async function serve(script) {
  const server = createServer((request, answer) => {
    const isScript = request.url === "/inside.js";
    answer.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
    answer.end(isScript ? script : PAGE);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { address: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

const ask = (one, name, ...given) => one.page.evaluate(([deed, rest]) => globalThis.bench[deed](...rest), [name, given]);

async function sell(one, { count, step, rate }) {
  await ask(one, "prepare", count);
  await slower(one, rate);
  const spent = await ask(one, "sell", step);
  await slower(one, 1);
  return spent;
}

async function main() {
  const server = await serve(await bundle());
  const from = await browser();
  const one = await phone(from, server.address);
  one.page.setDefaultTimeout(600_000);
  const found = { empty: await ask(one, "open") };
  await slower(one, told.slow);
  found.verify = await ask(one, "verify", told.samples);
  await slower(one, 1);
  found.verify_fast = await ask(one, "verify", told.samples);
  const step = Math.floor((HOURS * 3_600) / told.sales);
  found.first = await sell(one, { count: TIMED, step, rate: 1 });
  found.first_slow = await sell(one, { count: TIMED, step, rate: told.slow });
  await sell(one, { count: told.sales - 4 * TIMED, step, rate: 1 });
  found.last_slow = await sell(one, { count: TIMED, step, rate: told.slow });
  found.last = await sell(one, { count: TIMED, step, rate: 1 });
  found.stored = await ask(one, "stored");
  found.open = [];
  found.open_slow = [];
  for (const [rate, list] of [[1, found.open], [told.slow, found.open_slow]]) {
    for (let sample = 0; sample < told.samples; sample += 1) {
      await one.page.reload({ waitUntil: "load" });
      await ask(one, "goOn", found.stored.now);
      await slower(one, rate);
      list.push(await ask(one, "open"));
      await slower(one, 1);
    }
  }
  const again = await ask(one, "stored");
  if (again.sales !== told.sales) throw new Error(`${again.sales} sales are there after opening anew`);
  await from.close();
  server.close();
  return found;
}

await answer(main);
