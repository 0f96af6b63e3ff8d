// Opens every screen in every variant with one Chromium and reports, as JSON, what is wrong with each; pictures go to a folder.
// Reads what to do from standard input: { chromium, address, screens, variants, pictures }.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const told = JSON.parse(readFileSync(0, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: told.chromium, args: ["--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext();
const page = await context.newPage();
page.setDefaultTimeout(20_000);
let faults = [];
page.on("console", (message) => {
  if (message.type() === "error" && !message.text().includes("status of 4")) faults.push(`console: ${message.text()}`);
});
page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
// An open stream of events is cut when the page is left.
page.on("requestfailed", (request) => {
  if (!request.url().endsWith("/events")) faults.push(`not loaded: ${request.url()}`);
});
page.on("request", (request) => {
  if (!request.url().startsWith(told.address) && !request.url().startsWith("data:")) faults.push(`foreign: ${request.url()}`);
});

async function open(screen, language) {
  await context.clearCookies();
  const cookies = [{ name: "amparo_language", value: language, url: told.address }];
  if (screen.session) cookies.push({ name: "sessionid", value: screen.session, url: told.address });
  await context.addCookies(cookies);
  let answer = await page.goto(told.address + screen.path, { waitUntil: "load" });
  for (const [selector, value] of Object.entries(screen.fill)) {
    const field = page.locator(selector).first();
    const kind = await field.getAttribute("type");
    // What the server wrote into the form may be old by the time it comes back.
    if (kind === "hidden") await field.evaluate((each, now) => { each.value = now; }, value);
    else if (kind === "checkbox" || kind === "radio") await field.check();
    else if ((await field.evaluate((each) => each.tagName)) === "SELECT") await field.selectOption(value);
    else await field.fill(value);
  }
  if (screen.submit) {
    // The server's refusals are screens too; the browser would not let them happen.
    await page.evaluate(() => { for (const form of document.forms) form.noValidate = true; });
    const loaded = page.waitForNavigation({ waitUntil: "load" });
    await page.locator(screen.submit).first().click();
    answer = await loaded;
  }
  return answer;
}

// What does not depend on the colours.
async function shape(screen, variant, answer) {
  if (answer && answer.status() !== screen.status) faults.push(`status ${answer.status()} instead of ${screen.status}`);
  const seen = await page.evaluate(() => ({
    headings: document.querySelectorAll("h1").length,
    width: document.documentElement.scrollWidth,
    language: document.documentElement.lang,
    direction: getComputedStyle(document.documentElement).direction,
  }));
  if (seen.headings !== 1) faults.push(`${seen.headings} h1`);
  if (seen.width > variant.width) faults.push(`wider than the screen: ${seen.width} px`);
  if (seen.language !== variant.language) faults.push(`speaks ${seen.language}`);
  if (seen.direction !== (variant.language === "ar" ? "rtl" : "ltr")) faults.push(`written ${seen.direction}`);
}

// All of axe's rules in the first scheme, those about colours in the others.
async function look(screen, variant, scheme, first) {
  await page.emulateMedia({ colorScheme: scheme });
  const options = { resultTypes: ["violations"] };
  if (!first) options.runOnly = ["color-contrast", "link-in-text-block"];
  const { violations } = await page.evaluate((how) => globalThis.axe.run(how), options);
  for (const { id, nodes } of violations) {
    faults.push(`axe ${id}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 4).join(" | ")}`);
  }
  if (told.pictures) {
    const name = `${screen.name}-${variant.language}-${scheme}-${variant.width}.png`.replaceAll(" ", "-");
    await page.screenshot({ path: join(told.pictures, name), fullPage: true });
  }
}

async function large(variant) {
  await page.setViewportSize({ width: 320, height: 800 });
  await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > 320) {
    const wide = await page.evaluate(() => [...document.querySelectorAll("main *, header *, footer *")]
      .filter((each) => !each.closest(".scroll") && (each.getBoundingClientRect().right > 321 || each.getBoundingClientRect().left < -1))
      .slice(-3).map((each) => `<${each.tagName.toLowerCase()} class="${each.className}"> ${each.textContent.trim().slice(0, 40)}`));
    faults.push(`wider than 320 px with text twice as large: ${width} px: ${wide.join(" | ")}`);
  }
  await page.setViewportSize({ width: variant.width, height: 800 });
}

async function judge(screen, variant) {
  faults = [];
  const answer = await open(screen, variant.language);
  await shape(screen, variant, answer);
  await page.evaluate(axe);
  for (const [number, scheme] of variant.schemes.entries()) await look(screen, variant, scheme, number === 0);
  if (variant.large) await large(variant);
  return faults;
}

const found = [];
for (const variant of told.variants) {
  await page.setViewportSize({ width: variant.width, height: 800 });
  for (const screen of told.screens) {
    await page.emulateMedia({ colorScheme: variant.schemes[0] });
    let seen;
    try {
      seen = await judge(screen, variant);
    } catch (error) {
      seen = [`cannot be opened: ${error.message.split("\n")[0]}`];
    }
    found.push({ screen: screen.name, variant: `${variant.language} ${variant.width}`, faults: seen });
  }
}
await browser.close();
process.stdout.write(JSON.stringify(found));
