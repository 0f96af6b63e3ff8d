// What people do with the two apps, by their screens: shared by the tests that play phones of phone.mjs.
import { join } from "node:path";
import { Phone } from "./phone.mjs";

export const SHOP = "Bodega Luna";
let made = 0;

/** A new phone for one of the two apps, with nothing on its disk. */
function phone(told, app) {
  made += 1;
  return new Phone({ program: told.chromium, folder: join(told.folder, `${app}-${made}`), address: told[app], name: `amparo-${app}` });
}

/** No request waits for its answer any more. */
const settled = async (one) => {
  const { journal } = await one.books();
  return journal.length === 0;
};

/** The phone shows its first screen, and no request waits for its answer any more. */
export async function opened(one) {
  await (one.name === "amparo-wallet" ? home(one) : counter(one));
  await one.until(() => settled(one));
}

/** The page is loaded anew. */
export async function again(one) {
  const load = async () => one.page.goto(one.address, { waitUntil: "load" });
  // A way back that the app had just begun breaks the first one off.
  await load().catch((error) => (String(error).includes("ERR_ABORTED") ? load() : Promise.reject(error)));
  await opened(one);
}

// --- the wallet --------------------------------------------------------------------------------------------------------------------------

const HURRY = "Go on now all the same";
export const hurried = (one) => ({ meanwhile: async () => one.tap(HURRY) });
export const showsCode = (one) => async () => (await one.heading("Show this to the shop").count()) > 0;
export const isHome = (one) => async () => (await one.heading("Your aid").count()) > 0;

/** The first screen is there; after a power-off the browser may have forgotten the language. */
async function home(one) {
  const welcome = one.page.getByRole("button", { name: "English", exact: true });
  await welcome.or(one.heading("Your aid")).first().waitFor();
  if (await welcome.count()) {
    await welcome.click();
    await one.press("Begin");
  }
  await one.heading("Your aid").waitFor();
}

/** A new phone of a household, whose aid waits. */
export async function enrolled(told, household) {
  const one = phone(told, "wallet");
  await one.on();
  await home(one);
  await one.press("Add the office's code");
  await one.page.getByLabel("Code from the office").fill(household.code);
  await one.press("Add");
  await one.sees("New aid is ready for you.");
  return one;
}

/** To the paper with the aid; one touch takes it. */
export async function toClaim(one) {
  await one.press("Take your aid");
  await one.page.locator(".choice", { hasText: "ready to take" }).first().click();
  await one.sees("Checked on this phone");
}

/** A new phone of a household that has taken its aid. */
export async function claimed(told, household) {
  const one = await enrolled(told, household);
  await toClaim(one);
  await one.touch("Take your aid");
  await one.until(isHome(one));
  return one;
}

/** To what a request asks for; one touch pays. */
export async function toConfirm(one, request) {
  await one.press("Pay");
  await one.press("Or paste the shop's code");
  await one.page.getByLabel("Or paste the shop's code").fill(request);
  await one.press("Use this code");
  await one.heading("Pay this?").waitFor();
}

/** To what a code brings; one touch adds it. */
export async function toAdd(one, code) {
  await one.press("Receive");
  await one.press("Or paste a code");
  await one.page.getByLabel("Or paste a code").fill(code);
  await one.press("Use this code");
  await one.page.getByRole("button", { name: "Add to your aid", exact: true }).waitFor();
}

// --- the till ----------------------------------------------------------------------------------------------------------------------------

async function counter(one) {
  await one.page.locator(".bar").filter({ hasText: SHOP }).waitFor();
}

/** A new till of the shop. `camera`: the script that stands for its camera. */
export async function enrolledTill(told, { camera } = {}) {
  const one = phone(told, "till");
  one.camera = camera;
  await one.on();
  await one.page.getByLabel("Or paste it").fill(told.shop_code);
  await one.press("Begin");
  await one.heading(SHOP).waitFor();
  return one;
}

/** Asks for an amount: the request is shown. */
export async function charge(one, amount) {
  await one.type(amount);
  await one.press("Charge");
  await one.sees("Let the customer scan");
}

/** Types a code; one touch takes it. */
export async function toTake(one, code) {
  const field = one.page.getByLabel("The customer's code");
  // Where no camera is found, the field is there by itself.
  await one.until(async () => (await field.count()) > 0, { meanwhile: async () => one.tap("Without the camera") });
  await field.fill(code);
}

export const isPaid = (one) => async () => (await one.heading("Paid").count()) > 0;

/** Closes the sale that is open; it is paid. */
export async function closeSale(one) {
  await one.heading("Paid").waitFor();
  await one.press("New sale");
  await one.heading(SHOP).waitFor();
}
