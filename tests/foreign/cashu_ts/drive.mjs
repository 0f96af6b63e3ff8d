// One drive of cashu-ts on a running mint: `node drive.mjs NAME TOWN`, TOWN being JSON with mint, front, unit, keyset and shop.
// Prints what it found as JSON; test_cashu_ts.py judges it.
import * as locks from './locks.mjs';
import * as more from './more.mjs';
import * as tokens from './tokens.mjs';
import { Facts, lastExchange } from './tools.mjs';

const [name, town] = process.argv.slice(2);
const facts = new Facts();
try {
  await { ...tokens, ...locks, ...more }[name](facts, JSON.parse(town));
} catch (error) {
  facts.check('the drive comes to its end', false, `${error.stack}; ${lastExchange()}`);
}
// Sockets of the wallet would keep the program alive.
process.stdout.write(JSON.stringify({ found: facts.found, things: facts.things }) + '\n', () => process.exit(0));
