// The till's receipt strips as its printer gets them: each screen that has one, printed by Chromium. Told: { chromium, rig, tables, screens };
// answers one { screen, language, pdf (base64) } for each screen and language.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const told = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({ executablePath: told.chromium, args: ["--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"] });
const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
await page.goto(pathToFileURL(`${told.rig}/till.html`).href);
const found = [];
for (const [language, table] of Object.entries(told.tables)) {
  for (const screen of told.screens) {
    await page.evaluate((given) => globalThis.show(...given), [screen, language, table]);
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    found.push({ screen, language, pdf: pdf.toString("base64") });
  }
}
await browser.close();
process.stdout.write(JSON.stringify(found));
