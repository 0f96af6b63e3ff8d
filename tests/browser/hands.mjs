// Several members of staff, each at a browser of their own with a passkey of their own, told line by line what to do: one JSON object
// a line on standard input, one a line back. Started by hands.py with { chromium, address } as the first line.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const told = JSON.parse((await lines.next()).value);
const browser = await chromium.launch({ executablePath: told.chromium, args: ["--no-sandbox", "--disable-gpu"] });
const pages = new Map();
const faults = [];
let expected = 200;

function watch(who, page) {
  const said = (words) => faults.push(`${who}, ${new URL(page.url()).pathname}: ${words}`);
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("status of 4")) said(message.text());
  });
  page.on("pageerror", (error) => said(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(told.address) && !request.url().startsWith("data:")) said(`foreign: ${request.url()}`);
  });
  page.on("response", (response) => {
    const document = response.request().isNavigationRequest();
    if (document && response.status() >= 400 && response.status() !== expected) said(`status ${response.status()}`);
  });
}

async function pageOf(who) {
  if (pages.has(who)) return pages.get(who);
  const context = await browser.newContext({ locale: "en", viewport: { width: 1280, height: 800 }, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  watch(who, page);
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  pages.set(who, page);
  return page;
}

// What is meant: a CSS selector, something by its role and words, or a field by its label.
function find(page, { css, role, name, label }) {
  if (css) return page.locator(css);
  return role ? page.getByRole(role, { name, exact: true }) : page.getByLabel(label, { exact: true }).first();
}

const deeds = {
  open: async (page, { path }) => { await page.goto(told.address + path, { waitUntil: "load" }); },
  async press(page, asked) {
    const loaded = page.waitForNavigation({ waitUntil: "load" });
    // When what is to be pressed is not there, that is the fault to tell, not the page that did not come.
    loaded.catch(() => {});
    await find(page, asked).first().click();
    await loaded;
  },
  fill: async (page, asked) => { await find(page, asked).fill(asked.value); },
  choose: async (page, asked) => { await find(page, asked).selectOption({ label: asked.value }); },
  tick: async (page, asked) => { await find(page, asked).check(); },
  attach: async (page, asked) => { await find(page, asked).setInputFiles(asked.files); },
  wait: async (page, asked) => { await find(page, asked).first().waitFor({ timeout: 60_000 }); },
  // As a reader sees it.
  texts: async (page, asked) => (await find(page, asked).allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim()),
  links: async (page, asked) => find(page, asked).evaluateAll((all) => all.map((each) => each.getAttribute("href"))),
  where: async (page) => new URL(page.url()).pathname,
  async save(page, asked) {
    const begun = page.waitForEvent("download");
    begun.catch(() => {});
    await find(page, asked).click();
    await (await begun).saveAs(asked.to);
  },
  picture: async (page, { to }) => { await page.screenshot({ path: to, fullPage: true }); },
  faults: async () => faults,
};

for await (const line of lines) {
  const asked = JSON.parse(line);
  let answer;
  try {
    expected = asked.status ?? 200;
    answer = { value: (await deeds[asked.deed](await pageOf(asked.who), asked)) ?? null };
  } catch (error) {
    const page = pages.get(asked.who);
    const words = page ? (await page.locator("main").allInnerTexts()).join(" ").slice(0, 1500) : "";
    answer = { error: `${error.message.split("\n")[0]}\non ${page?.url()}:\n${words}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
