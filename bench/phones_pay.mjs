// A wallet and a till in a Chromium each, whose cameras see what the other shows: how long a sale takes without a connection, for codes
// of 1, 2, 4 and 8 coins, at full speed and with the processor six times slower; how often each side taps; how soon a page that is opened
// anew without a connection can be pressed. Reads { chromium, wallet, till, code, shop_code, folder, rounds, slow } from standard input.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { readToken } from "../web/cashu/src/nut00_token.ts";
import { UrReader } from "../web/cashu/src/nut16_ur.ts";
import { browser, frames, offline, phone, press, reload, scripts, sees, show, slower, taps, timed, told, type } from "./phones_browser.mjs";

const web = createRequire(new URL("../web/kit/package.json", import.meta.url));
const { prepareZXingModule, readBarcodes } = web("zxing-wasm/reader");
prepareZXingModule({ overrides: { wasmBinary: readFileSync(web.resolve("zxing-wasm/reader/zxing_reader.wasm")) } });

// How many coins to the amount that is made of so many: powers of two.
const SALES = { 1: 128, 2: 192, 4: 240, 8: 255 };
const RATES = [1, told.slow];
const walletSees = join(told.folder, "wallet.mjpeg");
const tillSees = join(told.folder, "till.mjpeg");
const digits = (amount) => [...String(amount)];

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

async function begin() {
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
async function request({ till }, amount) {
  await type(till, digits(amount));
  await press(till, "Charge");
  await sees(till, "Let the customer scan");
  const seen = (await frames(till, 100)).slice(0, 1);
  await press(till, "Cancel the sale");
  await sees(till, "Bodega Sol");
  return seen;
}

/** Goes on where waiting only protects privacy. */
async function hurried(one, done) {
  const hurry = one.page.getByRole("button", { name: "Go on now all the same" });
  await hurry.or(done).first().waitFor();
  if (await hurry.count()) await hurry.click();
  await done.waitFor();
}

/** With a connection: a code of exactly this amount, locked to the shop; its frames and how many coins are in it. */
async function code(rig, rate, span) {
  const { wallet, scratch } = rig;
  await press(wallet, "Pay");
  await wallet.page.getByRole("heading", { name: "Pay this?" }).waitFor();
  await press(wallet, "Pay");
  await hurried(wallet, wallet.page.getByRole("heading", { name: "Show this to the shop" }));
  await slower(wallet, rate);
  const seen = await frames(wallet, span);
  await slower(wallet, 1);
  await press(wallet, "Later: it waits under Entries");
  const { proofs } = readToken(await read(scratch, seen), { keysets: rig.keysets });
  return { seen, coins: proofs.length };
}

async function setAside({ wallet, scratch }, amount, asked) {
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
async function sale({ till, scratch }, { seen, amount, rate }) {
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

async function main() {
  const rig = await begin();
  const { wallet, till, scratch } = rig;
  const asked = {};
  const codes = [];
  for (const [coins, amount] of Object.entries(SALES)) {
    asked[coins] = await request(rig, amount);
    await show(scratch, walletSees, asked[coins]);
    for (const rate of RATES) for (let round = 0; round < told.rounds; round += 1) codes.push({ amount, rate, ...(await code(rig, rate, 1_500 + 600 * Number(coins))) });
  }
  await setAside(rig, 2_000, asked[1]);
  await show(scratch, walletSees, asked[1]);
  for (const one of [wallet, till]) await offline(one, true);
  await sees(wallet, "No connection. You can still pay.");
  await sees(till, "No connection. You can go on selling.");
  const found = { sales: [], wallet: [], reload: [], scripts: {}, taps: {} };
  for (const each of codes) found.sales.push({ coins: each.coins, rate: each.rate, frames: each.seen.length, ms: await sale(rig, each) });
  for (const rate of RATES) {
    for (let round = 0; round < told.rounds; round += 1) {
      await slower(wallet, rate);
      const before = await taps(wallet);
      const read = await timed(wallet, "Pay", "h1=Pay this?");
      const shown = await timed(wallet, "Pay", "svg.code");
      found.taps.shop_first = (await taps(wallet)) - before;
      found.wallet.push({ rate, read, shown });
      await slower(wallet, 1);
      await press(wallet, "The shop has it");
      await wallet.page.getByRole("heading", { name: "Your aid", exact: true }).waitFor();
    }
  }
  for (const rate of RATES) {
    for (let round = 0; round < told.rounds; round += 1) {
      for (const [app, one] of Object.entries({ wallet, till })) {
        await slower(one, rate);
        found.reload.push({ app, rate, ms: await reload(one) });
        await slower(one, 1);
        found.scripts[app] = await scripts(one);
      }
    }
  }
  const first = await taps(till);
  await type(till, digits(735));
  await press(till, "Charge");
  await sees(till, "Let the customer scan");
  found.taps.shop = (await taps(till)) - first;
  await show(scratch, walletSees, []);
  const person = await taps(wallet);
  await press(wallet, "Type the amount");
  await type(wallet, digits(1024));
  await press(wallet, "Show the code");
  await wallet.page.locator("svg.code").or(wallet.page.getByRole("button", { name: "Go on now all the same" })).first().waitFor();
  found.taps.person_first = (await taps(wallet)) - person;
  for (const each of rig.browsers) await each.close();
  return found;
}

try {
  process.stdout.write(JSON.stringify(await main()));
} catch (error) {
  process.stderr.write(String(error.stack ?? error));
  process.exit(1);
}
process.exit(0);
