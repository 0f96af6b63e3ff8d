// The first visit with a cheap phone on a slow line: first paint, and when there is something to press. 400 kbit/s each way, 400 ms there
// and back, processor six times slower, empty cache, another phone each time. LIMIT: what the app's own worker fetches after the page has
// loaded is not slowed down. Reads { chromium, wallet, till, slow, samples, language } from standard input.
import { browser, phone, scripts, slower, told } from "./phones_browser.mjs";

const LINE = { offline: false, latency: 400, downloadThroughput: 400_000 / 8, uploadThroughput: 400_000 / 8 };

const FIRST_PAINT = () =>
  new Promise((done) => {
    new PerformanceObserver((list) => {
      for (const each of list.getEntriesByName("first-contentful-paint")) done(each.startTime);
    }).observe({ type: "paint", buffered: true });
  });

async function visit(from, address) {
  const one = await phone(from, address, { locale: told.language, go: false });
  const { context, page, devtools } = one;
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", LINE);
  await slower(one, told.slow);
  let bytes = 0;
  devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await page.goto(address, { waitUntil: "commit" });
  const usable = await page.evaluate(() => globalThis.usable);
  const fetched = await scripts(one);
  const fcp = await page.evaluate(FIRST_PAINT);
  await context.close();
  return { fcp, usable, bytes, scripts: fetched };
}

const found = { wallet: [], till: [] };
const from = await browser();
for (let sample = 0; sample < told.samples; sample += 1) {
  for (const app of Object.keys(found)) found[app].push(await visit(from, told[app]));
}
await from.close();
process.stdout.write(JSON.stringify(found));
process.exit(0);
