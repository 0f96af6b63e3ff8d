// Two phones in airplane mode, a Chromium each, joined by their cameras alone: each camera sees a file (Chromium's own pretended camera) that is
// made of what the other phone showed. Sales of 1, 2, 4 and 8 coins, both processors slowed down; then the till is connected and sends in what
// it stored. Parts as in bench/phones_sale.mjs; told besides: what is set aside and the sales (minor units),
// and how much slower the processors are.
import { offline, press, sees, show, slower, told } from "../../bench/phones_browser.mjs";
import { begin, request, sale, setAside, shown, tillSees, walletSees } from "../../bench/phones_sale.mjs";

// For so long the wallet's screen is looked at: all frames of eight coins, twice.
const SPAN_MS = 6_000;

/** Without a connection: the wallet's camera sees the request, and the wallet shows the code. */
async function answer(rig, asked, span) {
  const { wallet, scratch } = rig;
  await show(scratch, walletSees, asked);
  await slower(wallet, told.slow);
  await press(wallet, "Pay");
  await wallet.page.getByRole("heading", { name: "Pay this?" }).waitFor();
  await sees(wallet, "No connection needed.");
  await press(wallet, "Pay");
  await wallet.page.getByRole("heading", { name: "Show this to the shop" }).waitFor();
  const found = await shown(rig, told.slow, span);
  await press(wallet, "The shop has it");
  await wallet.page.getByRole("heading", { name: "Your aid", exact: true }).waitFor();
  return found;
}

async function main(rig) {
  const { wallet, till, scratch } = rig;
  const first = await request(rig, 100);
  await setAside(rig, told.aside, first);
  for (const one of [wallet, till]) await offline(one, true);
  await sees(wallet, "No connection. You can still pay.");
  await sees(till, "No connection. You can go on selling.");
  const sales = [];
  for (const amount of told.sales) {
    // The till's camera is on while it asks: it must not see the code of the sale before.
    await show(scratch, tillSees, []);
    const code = await answer(rig, await request(rig, amount), SPAN_MS);
    await sale(rig, { seen: code.seen, amount, rate: told.slow });
    sales.push({ amount, coins: code.coins, frames: code.seen.length });
  }
  await show(scratch, walletSees, []);
  await offline(till, false);
  await press(till, "More");
  await till.page.locator(".choice", { hasText: "Money" }).click();
  await press(till, "Send in what is stored");
  await sees(till, "is sent in.");
  for (const each of rig.browsers) await each.close();
  return sales;
}

const rig = await begin();
try {
  process.stdout.write(JSON.stringify(await main(rig)));
} catch (error) {
  const shows = async ({ page }) => page.evaluate(() => document.querySelector("#app")?.innerText.slice(0, 300));
  process.stderr.write(`${error.stack ?? error}\nwallet: ${await shows(rig.wallet)}\ntill: ${await shows(rig.till)}`);
  process.exit(1);
}
process.exit(0);
