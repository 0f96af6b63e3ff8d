// What one sale is made of, for the browser's benches and for the test of tests/browser: a wallet and a till in a Chromium each, whose cameras
// see a file; the till's request and the wallet's code as frames; a sale with the customer's code before the camera. Needs in what standard
// input says: { chromium, wallet, till, code, shop_code, folder }.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { readToken } from "../web/cashu/src/nut00_token.ts";
import { UrReader } from "../web/cashu/src/nut16_ur.ts";
import { browser, frames, phone, press, sees, show, slower, timed, told, type } from "./phones_browser.mjs";

const web = createRequire(new URL("../web/kit/package.json", import.meta.url));
const { prepareZXingModule, readBarcodes } = web("zxing-wasm/reader");
prepareZXingModule({ overrides: { wasmBinary: readFileSync(web.resolve("zxing-wasm/reader/zxing_reader.wasm")) } });

// How many coins to the amount that is made of so many: powers of two.
export const SALES = { 1: 128, 2: 192, 4: 240, 8: 255 };
export const walletSees = join(told.folder, "wallet.mjpeg");
export const tillSees = join(told.folder, "till.mjpeg");
export const digits = (amount) => [...String(amount)];

/** The text of the code that these frames show, read by another reader than the till's page. */
async function read(scratch, seen) {
  const reader = new UrReader();
  for (const { svg } of seen) {
    const drawn = await scratch.evaluate(async (code) => {
      const picture = new Image();
      picture.src = `data:image/svg+xml,${encodeURIComponent(code.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600" '))}`;
      await picture.decode();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [600, 600];
      canvas.getContext("2d").drawImage(picture, 0, 0);
      return canvas.toDataURL("image/png").split(",")[1];
    }, svg);
    const [found] = await readBarcodes(Buffer.from(drawn, "base64"), { formats: ["QRCode"], maxNumberOfSymbols: 1 });
    if (!found?.text) continue;
    if (!found.text.toLowerCase().startsWith("ur:")) return found.text;
    reader.take(found.text);
    if (reader.content) return new TextDecoder().decode(reader.content);
  }
  throw new Error("the frames do not make a code");
}

/** Both phones ready: the aid is taken, the till is the shop's. */
export async function begin() {
  const browsers = [await browser(walletSees), await browser(tillSees)];
  const scratch = await (await browsers[0].newContext()).newPage();
  await show(scratch, walletSees, []);
  await show(scratch, tillSees, []);
  const wallet = await phone(browsers[0], told.wallet);
  const till = await phone(browsers[1], told.till);
  await press(wallet, "English");
  await press(wallet, "Begin");
  await press(wallet, "Add the office's code");
  await wallet.page.getByLabel("Code from the office").fill(told.code);
  await press(wallet, "Add");
  await press(wallet, "Take your aid");
  await wallet.page.locator(".choice", { hasText: "ready to take" }).first().click();
  await sees(wallet, "Checked on this phone");
  await press(wallet, "Take your aid");
  await wallet.page.getByRole("heading", { name: "Your aid", exact: true }).waitFor();
  await till.page.getByLabel("Or paste it").fill(told.shop_code);
  await press(till, "Begin");
  await sees(till, "Bodega Sol");
  const { mint } = await (await fetch(`${told.wallet}/config.json`)).json();
  const { keysets } = await (await fetch(`${mint}/v1/keysets`)).json();
  return { browsers, scratch, wallet, till, keysets: keysets.map(({ id }) => id) };
}

/** The till asks for an amount: the picture of its request. */
export async function request({ till }, amount) {
  await type(till, digits(amount));
  await press(till, "Charge");
  await sees(till, "Let the customer scan");
  const seen = (await frames(till, 100)).slice(0, 1);
  await press(till, "Cancel the sale");
  await sees(till, "Bodega Sol");
  return seen;
}

/** Goes on where waiting only protects privacy. */
export async function hurried(one, done) {
  const hurry = one.page.getByRole("button", { name: "Go on now all the same" });
  await hurry.or(done).first().waitFor();
  if (await hurry.count()) await hurry.click();
  await done.waitFor();
}

/** What the wallet's code looks like, with the processor slower: its frames, and how many coins are in it. */
export async function shown({ wallet, scratch, keysets }, rate, span) {
  await slower(wallet, rate);
  const seen = await frames(wallet, span);
  await slower(wallet, 1);
  const { proofs } = readToken(await read(scratch, seen), { keysets });
  return { seen, coins: proofs.length };
}

/** With a connection: a code of exactly this amount, locked to the shop; its frames and how many coins are in it. */
export async function code(rig, rate, span) {
  const { wallet } = rig;
  await press(wallet, "Pay");
  await wallet.page.getByRole("heading", { name: "Pay this?" }).waitFor();
  await press(wallet, "Pay");
  await hurried(wallet, wallet.page.getByRole("heading", { name: "Show this to the shop" }));
  const found = await shown(rig, rate, span);
  await press(wallet, "Later: it waits under Activity");
  return found;
}

/** With a connection: an amount set aside for the shop that asked. */
export async function setAside({ wallet, scratch }, amount, asked) {
  await show(scratch, walletSees, asked);
  await press(wallet, "Pay");
  await press(wallet, "Set more aside for this shop");
  await type(wallet, digits(amount));
  await press(wallet, "Set aside");
  const done = wallet.page.getByRole("button", { name: "Done" });
  await hurried(wallet, done);
  await done.click();
  // The camera is on again on the way back: it must not read the request once more.
  await show(scratch, walletSees, []);
  await press(wallet, "Back");
  await press(wallet, "Back");
}

/** One sale at the till, its code before the camera: milliseconds from the tap on Charge until Paid is painted. */
export async function sale({ till, scratch }, { seen, amount, rate }) {
  await show(scratch, tillSees, seen, Math.random());
  await slower(till, 1);
  await type(till, digits(amount));
  await slower(till, rate);
  const ms = await timed(till, "Charge", ".paid:not(.refused) h1");
  await slower(till, 1);
  await press(till, "New sale");
  await sees(till, "Bodega Sol");
  return ms;
}
