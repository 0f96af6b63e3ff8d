// Lighthouse's figures for both apps, as it judges phones: performance and accessibility, each time with an empty Chromium. Reads
// { chromium, wallet, till, samples } from standard input.
import { readFileSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const told = JSON.parse(readFileSync(0, "utf8"));
const found = {};
for (const app of ["wallet", "till"]) {
  found[app] = [];
  for (let sample = 0; sample < told.samples; sample += 1) {
    const chrome = await launch({ chromePath: told.chromium, chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"], logLevel: "silent" });
    try {
      const { lhr } = await lighthouse(told[app], { port: chrome.port, output: "json", logLevel: "silent", onlyCategories: ["performance", "accessibility"] });
      const { performance, accessibility } = lhr.categories;
      const failed = Object.values(lhr.audits).filter(({ scoreDisplayMode }) => scoreDisplayMode === "error");
      // What Lighthouse could not judge has no score, which is not nought.
      if (performance.score === null || accessibility.score === null) {
        found[app].push({ failed: failed.map(({ id, errorMessage }) => `${id}: ${errorMessage}`) });
        continue;
      }
      found[app].push({
        performance: performance.score * 100,
        accessibility: accessibility.score * 100,
        faults: accessibility.auditRefs.map(({ id }) => id).filter((id) => lhr.audits[id].score === 0),
        fcp: lhr.audits["first-contentful-paint"].numericValue,
      });
    } finally {
      await chrome.kill();
    }
  }
}
process.stdout.write(JSON.stringify(found));
