// A member adds a passkey, signs in with password and passkey, then with the passkey alone: Chromium's own software key answers, and
// passkey.js carries. Reads { chromium, address, login, password } from standard input; prints what each step showed.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const told = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({ executablePath: told.chromium, args: ["--no-sandbox", "--disable-gpu"] });
const page = await (await browser.newContext()).newPage();
page.setDefaultTimeout(20_000);
const faults = [];
page.on("console", (message) => { if (message.type() === "error") faults.push(message.text()); });
page.on("pageerror", (error) => faults.push(error.message));
const devtools = await page.context().newCDPSession(page);
await devtools.send("WebAuthn.enable");
await devtools.send("WebAuthn.addVirtualAuthenticator", {
  options: {
    protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  },
});

const where = () => new URL(page.url()).pathname;
async function press(selector) {
  const loaded = page.waitForNavigation({ waitUntil: "load" });
  await page.locator(selector).click();
  await loaded;
}
async function signIn() {
  await page.goto(`${told.address}/sign-in`);
  await page.fill("#id_login", told.login);
  await page.fill("#id_password", told.password);
  await press("main form button");
}

const steps = {};
await signIn();
await page.goto(`${told.address}/account/passkeys`);
await page.fill("#id_label", "blue key");
await page.fill("#id_password", told.password);
await press("form[data-passkey] button");
steps.added = await page.locator("main table tbody tr").count();
steps.codes = await page.locator("main li code").count();
await press(".out form button");
await signIn();
steps.second = where();
await press("form[data-passkey] button");
steps.signedIn = where();
await press(".out form button");
await page.goto(`${told.address}/sign-in/passkey`);
await press("form[data-passkey] button");
steps.alone = where();
steps.faults = faults;
await browser.close();
console.log(JSON.stringify(steps));
