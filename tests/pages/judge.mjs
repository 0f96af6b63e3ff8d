// Opens pages in Chromium and reports, as JSON, what axe finds in light and dark, and whether a page is wider than a phone.
// Usage: node judge.mjs CHROMIUM PAGE.html...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, ...pages] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const found = [];
for (const page of pages) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [360, 1280]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
      const tab = await context.newPage();
      const requests = [];
      tab.on("request", (request) => requests.push(request.url()));
      await tab.goto(pathToFileURL(page).href);
      await tab.addScriptTag({ content: axe });
      const { violations } = await tab.evaluate(() => globalThis.axe.run());
      found.push({
        page,
        colorScheme,
        width,
        violations: violations.map(({ id, nodes }) => ({ id, targets: nodes.map(({ target }) => target.join(" ")) })),
        scrollWidth: await tab.evaluate(() => document.documentElement.scrollWidth),
        requests: requests.length,
      });
      await context.close();
    }
  }
}
await browser.close();
process.stdout.write(JSON.stringify(found));
