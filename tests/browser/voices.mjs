// A phone that has no voice of its own: sound is turned on in Arabic, the loudspeaker is touched, and the same again with the plug pulled.
// Reads { chromium, address } from standard input; prints how long each played recording is, the loudest of them, and what was fetched.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const told = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({ executablePath: told.chromium, args: ["--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ locale: "ar", serviceWorkers: "allow" });
const found = { seconds: [], loud: 0, fetched: [], faults: [] };
await context.exposeFunction("played", (seconds, loud) => {
  found.seconds.push(seconds);
  found.loud = Math.max(found.loud, loud);
});
await context.addInitScript(() => {
  speechSynthesis.getVoices = () => [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...given) {
    const heard = this.buffer.getChannelData(0);
    globalThis.played(this.buffer.duration, heard.reduce((most, each) => Math.max(most, Math.abs(each)), 0));
    return start.apply(this, given);
  };
});
const page = await context.newPage();
page.setDefaultTimeout(20_000);
page.on("pageerror", (error) => found.faults.push(error.message));
page.on("request", (request) => {
  const path = new URL(request.url()).pathname;
  if (path.endsWith(".voice") && !found.fetched.includes(path)) found.fetched.push(path);
});

const heard = async (count) => {
  for (let tries = 0; found.seconds.length < count && tries < 200; tries += 1) await page.waitForTimeout(50);
};
await page.goto(told.address);
await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
await page.getByRole("button", { name: "الصوت مغلق" }).click();
await heard(1);
await page.getByRole("button", { name: "قراءة بصوت عالٍ" }).click();
await heard(2);
await context.setOffline(true);
await page.reload();
await page.getByRole("button", { name: "قراءة بصوت عالٍ" }).waitFor();
await heard(3);
await page.getByRole("button", { name: "قراءة بصوت عالٍ" }).click();
await heard(4);
await browser.close();
console.log(JSON.stringify(found));
