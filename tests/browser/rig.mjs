// Every screen of a phone app with invented content, in each language, colour scheme and size: reports, as JSON, what is wrong; pictures go to
// a folder. Reads what to do from standard input: { chromium, rig, app, tables, sizes, schemes, languages, pictures, screens }.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";

const told = JSON.parse(readFileSync(0, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
const server = createServer((request, response) => {
  const name = new URL(request.url, "http://rig").pathname.slice(1);
  try {
    const data = readFileSync(join(told.rig, name));
    response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream" }).end(data);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const address = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath: told.chromium, args: ["--no-sandbox", "--disable-gpu"] });
const page = await (await browser.newContext({ deviceScaleFactor: told.pictures ? 2 : 1 })).newPage();
const found = [];
let errors = [];
page.on("pageerror", (error) => errors.push(`script: ${error.message}`));
page.on("request", (request) => {
  if (!request.url().startsWith(address)) errors.push(`foreign: ${request.url()}`);
});
await page.goto(`${address}/${told.app}.html`);
await page.addScriptTag({ content: axe });
const screens = told.screens ?? (await page.evaluate(() => globalThis.screens));

for (const language of told.languages) {
  for (const screen of screens) {
    errors = [];
    await page.setViewportSize({ width: 360, height: 740 });
    await page.evaluate(([name, chosen, table]) => globalThis.show(name, chosen, table), [screen, language, told.tables[language] ?? {}]);
    await page.waitForTimeout(60);
    for (const { width, text } of told.sizes) {
      await page.setViewportSize({ width, height: 740 });
      await page.evaluate((percent) => { document.documentElement.style.fontSize = percent ? `${18 * percent / 100}px` : ""; }, text === 100 ? 0 : text);
      const seen = await page.evaluate(() => ({
        width: document.documentElement.scrollWidth,
        headings: document.querySelectorAll("h1").length,
        empty: document.querySelectorAll("svg path:not([d])").length,
        small: [...document.querySelectorAll("button, a, input, textarea, select")]
          .filter((each) => each.getBoundingClientRect().height > 0 && each.getBoundingClientRect().height < 24)
          .map((each) => each.textContent.trim().slice(0, 30)),
        wide: [...document.querySelectorAll("#app *")]
          .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 || each.getBoundingClientRect().left < -1)
          .slice(-2).map((each) => `<${each.tagName.toLowerCase()} class="${each.getAttribute("class") ?? ""}"> ${each.textContent.trim().slice(0, 30)}`),
        direction: getComputedStyle(document.documentElement).direction,
      }));
      if (seen.width > width) errors.push(`${width} px, text ${text} %: wider than the screen: ${seen.width}: ${seen.wide.join(" | ")}`);
      if (seen.headings !== 1) errors.push(`${seen.headings} h1`);
      if (seen.empty) errors.push(`${seen.empty} glyphs without a line`);
      if (seen.small.length) errors.push(`too small to touch: ${seen.small.join(" | ")}`);
      if (seen.direction !== (language === "ar" ? "rtl" : "ltr")) errors.push(`written ${seen.direction}`);
    }
    await page.evaluate(() => { document.documentElement.style.fontSize = ""; });
    await page.setViewportSize({ width: 360, height: 740 });
    for (const scheme of told.schemes) {
      await page.emulateMedia({ colorScheme: scheme });
      const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
      for (const { id, nodes } of violations) errors.push(`${scheme} axe ${id}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 3).join(" | ")}`);
      if (told.pictures) await page.screenshot({ path: join(told.pictures, `${told.app}-${screen}-${language}-${scheme}.png`), fullPage: true });
    }
    found.push({ screen, language, faults: [...new Set(errors)] });
  }
}
await browser.close();
server.close();
process.stdout.write(JSON.stringify(found));
