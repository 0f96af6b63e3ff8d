// Two phones in one Chromium: a wallet and a till, each with a camera that sees the other's screen. Plays the newcomer's story and reports,
// as JSON, what each step showed. Reads what to do from standard input: { chromium, wallet, till, code, shop_code, voucher: { picture, amount },
// pictures, slow }.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { CAMERA } from "./camera.mjs";

const told = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({ executablePath: told.chromium, args: ["--no-sandbox", "--disable-gpu"] });
const said = [];
const faults = [];

async function phone(name, address) {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, locale: "en-GB", serviceWorkers: "allow" });
  await context.addInitScript(CAMERA);
  const page = await context.newPage();
  page.setDefaultTimeout(told.slow ? 60_000 : 30_000);
  page.on("pageerror", (error) => faults.push(`${name} script: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("ERR_") && !message.text().includes("status of")) faults.push(`${name} console: ${message.text()}`);
  });
  await page.goto(address, { waitUntil: "load" });
  return { name, context, page };
}

async function picture(one, name) {
  if (told.pictures) await one.page.screenshot({ path: join(told.pictures, `${one.name}-${name}.png`), fullPage: true });
}

const press = (one, name) => one.page.getByRole("button", { name, exact: true }).click();
const sees = (one, text) => one.page.getByText(text).first().waitFor();

const written = (one) => one.page.evaluate(() => document.querySelector("#app")?.innerText.slice(0, 400));

/** Let one phone look at the other's code until `done` says that it saw it. */
async function look(one, other, done) {
  const until = Date.now() + 30_000;
  while (Date.now() < until) {
    if (await done()) return;
    const code = other.page.locator("svg.code").first();
    if ((await code.count()) === 0) break;
    const bytes = (await code.screenshot({ type: "jpeg", quality: 85 }).catch(() => null))?.toString("base64");
    if (bytes) await one.page.evaluate((data) => globalThis.drawCamera(data), bytes).catch(() => undefined);
    await one.page.waitForTimeout(70);
  }
  if (!(await done())) throw new Error(`${one.name} does not see ${other.name}'s code; there is: ${await written(one)}`);
}

/** Holds paper before a phone's camera until `done` says that it saw it. */
async function hold(one, picture, done) {
  const until = Date.now() + 30_000;
  while (Date.now() < until && !(await done())) {
    await one.page.evaluate((data) => globalThis.drawCamera(data), picture);
    await one.page.waitForTimeout(70);
  }
  if (!(await done())) throw new Error(`${one.name} does not see the paper; there is: ${await written(one)}`);
}

const shows = (one, heading) => async () => (await one.page.getByRole("heading", { level: 1, name: heading, exact: true }).count()) > 0;

async function type(one, digits) {
  for (const digit of digits) await one.page.locator(".keypad").getByRole("button", { name: digit, exact: true }).click();
}

async function step(name, work) {
  const begun = Date.now();
  await work();
  said.push({ step: name, ms: Date.now() - begun });
}

async function main() {
  const wallet = await phone("wallet", told.wallet);
  const till = await phone("till", told.till);
  const both = [wallet, till];
  const offline = async (cut) => {
    for (const one of both) await one.context.setOffline(cut);
  };
  await step("the wallet is begun", async () => {
    await press(wallet, "English");
    await picture(wallet, "welcome");
    await press(wallet, "Begin");
    await press(wallet, "Add the office's code");
    await wallet.page.getByLabel("Code from the office").fill(told.code);
    await press(wallet, "Add");
    await sees(wallet, "New aid is ready for you.");
    await picture(wallet, "home-new-aid");
  });
  await step("the decision is checked on the phone", async () => {
    await press(wallet, "Take your aid");
    await wallet.page.locator(".choice", { hasText: "ready to take" }).first().click();
    await sees(wallet, "Checked on this phone");
    await picture(wallet, "paper");
  });
  await step("the aid is taken", async () => {
    await press(wallet, "Take your aid");
    await wallet.page.getByRole("heading", { name: "Your aid", exact: true }).waitFor();
    await press(wallet, "Show the balance");
    await picture(wallet, "home");
  });
  await step("the shop's till is begun", async () => {
    await till.page.getByLabel("Or paste it").fill(told.shop_code);
    await press(till, "Begin");
    await sees(till, "Bodega Sol");
    await picture(till, "amount");
  });
  const charge = async (digits) => {
    await type(till, digits);
    await press(till, "Charge");
    await sees(till, "Let the customer scan");
  };
  const scanRequest = async () => {
    await press(wallet, "Pay");
    await look(wallet, till, shows(wallet, "Pay this?"));
  };
  const pay = async () => {
    await press(wallet, "Pay");
    const hurry = wallet.page.getByRole("button", { name: "Go on now all the same" });
    const code = wallet.page.getByRole("heading", { name: "Show this to the shop" });
    await hurry.or(code).first().waitFor();
    if (await hurry.count()) await hurry.click();
    await code.waitFor();
  };
  const taken = async (name) => {
    await look(till, wallet, shows(till, "Paid"));
    await picture(till, name);
    await press(till, "New sale");
    await press(wallet, "The shop has it");
  };
  await step("paid with a connection, the shop first", async () => {
    await charge(["7", "3", "5"]);
    await picture(till, "scan");
    await scanRequest();
    await picture(wallet, "confirm");
    await pay();
    await picture(wallet, "code");
    await taken("paid");
  });
  await step("paid with a connection, the person first", async () => {
    await charge(["5", "1", "2"]);
    await press(wallet, "Type the amount");
    await type(wallet, ["5", "1", "2"]);
    await press(wallet, "Show the code");
    const hurry = wallet.page.getByRole("button", { name: "Go on now all the same" });
    const code = wallet.page.getByRole("heading", { name: "Show this to the shop" });
    await hurry.or(code).first().waitFor();
    if (await hurry.count()) await hurry.click();
    await code.waitFor();
    await taken("paid-plain");
  });
  await step("a paper voucher pays a part, and the phone the rest", async () => {
    await charge([...String(told.voucher.amount + 135)]);
    await hold(till, told.voucher.picture, shows(till, "Partly paid"));
    await picture(till, "partly");
    await scanRequest();
    await wallet.page.locator(".sum .amount").first().getByText("1.35").waitFor();
    await pay();
    await taken("paid-rest");
  });
  await step("an amount is set aside for this shop", async () => {
    await charge(["1", "0", "0"]);
    await scanRequest();
    await press(wallet, "Set more aside for this shop");
    await type(wallet, ["8", "00"]);
    await press(wallet, "Set aside");
    const hurry = wallet.page.getByRole("button", { name: "Go on now all the same" });
    const done = wallet.page.getByRole("button", { name: "Done" });
    await hurry.or(done).first().waitFor();
    if (await hurry.count()) await hurry.click();
    await done.click();
    await press(wallet, "Back");
    await press(till, "Cancel the sale");
    await sees(till, "Bodega Sol");
  });
  await step("both plugs are pulled, and it is paid again", async () => {
    await offline(true);
    for (const one of both) await one.page.evaluate(() => dispatchEvent(new Event("offline")));
    await sees(wallet, "No connection. You can still pay.");
    await sees(till, "No connection. You can go on selling.");
    await wallet.page.goto(told.wallet);
    await till.page.goto(told.till);
    await sees(till, "Bodega Sol");
    await picture(till, "amount-offline");
    await charge(["3", "2", "5"]);
    await scanRequest();
    await sees(wallet, "No connection needed.");
    await picture(wallet, "confirm-offline");
    await pay();
    await taken("paid-offline");
  });
  await step("a code is shown twice, and refused the second time", async () => {
    await charge(["3", "2", "5"]);
    await scanRequest();
    await pay();
    await look(till, wallet, shows(till, "Paid"));
    await press(till, "New sale");
    await charge(["3", "2", "5"]);
    await look(till, wallet, shows(till, "This code was collected here before."));
    await sees(till, "Do not hand over goods.");
    await picture(till, "refused");
    await press(till, "Scan again");
    await press(till, "Cancel the sale");
    await press(wallet, "The shop has it");
  });
  await step("with a connection again the sales are sent in and settled", async () => {
    await offline(false);
    for (const one of both) await one.page.evaluate(() => dispatchEvent(new Event("online")));
    await press(till, "More");
    await till.page.locator(".choice", { hasText: "Money" }).click();
    await press(till, "Send in what is stored");
    await sees(till, "is sent in.");
    await press(till, "Ask to be paid");
    await till.page.waitForTimeout(8_000);
    await till.page.goBack();
    await till.page.locator(".choice", { hasText: "Money" }).click();
    await till.page.locator("dl.facts div", { hasText: "Paid to your account" }).getByText(((1_897 + told.voucher.amount + 135) / 100).toFixed(2)).waitFor();
    await picture(till, "money");
  });
  await step("the wallet is closed with a PIN, and opens with it alone", async () => {
    const digits = async (pin) => {
      for (const digit of pin) await wallet.page.locator(".keypad").getByRole("button", { name: digit, exact: true }).click();
    };
    await wallet.page.goto(told.wallet);
    await press(wallet, "More");
    await wallet.page.locator(".choice", { hasText: "Settings" }).click();
    await press(wallet, "Choose a PIN");
    await digits("402917");
    await sees(wallet, "The same PIN again");
    await digits("402917");
    await sees(wallet, "This wallet opens with your PIN.");
    await wallet.page.goto(told.wallet);
    await sees(wallet, "Your PIN");
    await digits("111111");
    await sees(wallet, "That is not the PIN.");
    await picture(wallet, "locked");
    await press(wallet, "I forgot the PIN");
    await sees(wallet, "unless you have the recovery code on paper");
    await press(wallet, "Keep it");
    await digits("402917");
    await sees(wallet, "Your aid");
  });
}

try {
  await main();
} catch (error) {
  faults.push(String(error.stack ?? error).slice(0, 1500));
  for (const [place, context] of browser.contexts().entries()) {
    for (const page of context.pages()) if (told.pictures) await page.screenshot({ path: join(told.pictures, `failed-${place}.png`) }).catch(() => undefined);
  }
}
await browser.close();
process.stdout.write(JSON.stringify({ said, faults }));
