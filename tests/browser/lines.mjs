// How the programs that play phones talk with their test: a line of JSON each way. First the test says what to do; then each thing that is
// said is answered.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The next line. Ends the program when the test has ended. */
export async function next() {
  const { value, done } = await lines.next();
  if (done) process.exit(1);
  return JSON.parse(value);
}

/** Says a line; the answer to it. */
export async function say(content) {
  process.stdout.write(`${JSON.stringify(content)}\n`);
  return next();
}

/** Plays `main` to its end, and says why where it fails. */
export async function play(main) {
  try {
    await main();
  } catch (error) {
    await say({ failed: String(error.stack ?? error).slice(0, 2_000) });
  }
  process.exit(0);
}
