// What every drive uses: the facts it finds, a wallet of cashu-ts on our mint, aid that the practice office paid for, the last
// exchange with the mint for whoever looks for the cause of a failure.
import {
  Mint,
  MintOperationError,
  OutputData,
  Wallet,
  createRandomSecretKey,
  getPubKeyFromPrivKey,
} from '@cashu/cashu-ts';

const hex = (bytes) => Buffer.from(bytes).toString('hex');

/** What one drive found: sentences that are true or not, and things for the test beside. */
export class Facts {
  found = [];
  things = {};

  check(sentence, holds, detail = '') {
    this.found.push({
      sentence,
      holds: Boolean(holds),
      detail: holds ? '' : String(detail || lastExchange()).slice(0, 2000),
    });
  }

  equal(sentence, found, wanted) {
    this.check(sentence, found === wanted, `found ${found}, wanted ${wanted}; ${lastExchange()}`);
  }

  /** The mint refuses this in the specification's way, status 400 with a code and words, for one of these reasons: a number
   *  of the specification's table, or our own name for what has none. */
  async refused(sentence, work, ...reasons) {
    try {
      await work();
      this.check(sentence, false, `it was accepted: ${lastExchange()}`);
    } catch (error) {
      const answer = JSON.parse(/ -> 400 (\{.*\})$/s.exec(lastExchange())?.[1] ?? '{}');
      const clean = error instanceof MintOperationError && error.status === 400 && typeof answer.detail === 'string';
      const known = reasons.includes(answer.code) || reasons.includes(answer.error);
      this.check(
        sentence,
        clean && known,
        `${error.name} ${error.code} ${answer.error}: ${error.message}; ${lastExchange()}`,
      );
    }
  }

  /** The address gives a plain refusal: a client's error as JSON with words, and nothing of the inside. */
  async absent(sentence, method, url, body) {
    const answer = await fetch(url, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    const shown = JSON.parse(text);
    const plain = [400, 403, 404, 405].includes(answer.status) && typeof shown.detail === 'string' && 'code' in shown;
    this.check(sentence, plain && !/Traceback|File "|sqlite|Error:/.test(text), `${answer.status} ${text}`);
  }
}

const exchanges = [];
const plainFetch = globalThis.fetch;
globalThis.fetch = async (url, options = {}) => {
  const answer = await plainFetch(url, options);
  const text = await answer.clone().text();
  exchanges.push(`${options.method ?? 'GET'} ${url} ${options.body ?? ''} -> ${answer.status} ${text}`);
  return answer;
};

export const lastExchange = () => exchanges.at(-1) ?? 'no exchange';

/** A wallet on the mint; the same seed gives the same wallet again. */
export async function openWallet(town, { seed, url = town.mint, auth } = {}) {
  const wallet = new Wallet(new Mint(url, { authProvider: auth }), {
    unit: town.unit,
    bip39seed: seed,
    requireSigDleq: true,
    authProvider: auth,
  });
  await wallet.loadMint();
  return wallet;
}

export function newKey() {
  const secret = createRandomSecretKey();
  return { secret: hex(secret), pubkey: hex(getPubKeyFromPrivKey(secret)) };
}

/** A keyed quote for aid, not paid yet. */
export async function askAid(wallet, amount) {
  const key = newKey();
  const quote = await wallet.createMintQuote('benefit', { amount, pubkey: key.pubkey });
  return { quote, key, amount };
}

/** The practice office pays a quote. */
export async function payAid(town, asked) {
  const answer = await fetch(`${town.front}/pay`, {
    method: 'POST',
    body: JSON.stringify({ quote: asked.quote.quote, amount: asked.amount, unit: town.unit }),
  });
  if (answer.status !== 200) throw new Error(`the office cannot pay: ${await answer.text()}`);
}

/** Aid of an amount, from quote to tokens. */
export async function receiveAid(town, wallet, amount, outputType) {
  const asked = await askAid(wallet, amount);
  await payAid(town, asked);
  const quote = await wallet.checkMintQuote('benefit', asked.quote);
  return wallet.mintProofs('benefit', amount, quote, { privkey: asked.key.secret }, outputType);
}

export const sum = (proofs) => proofs.reduce((total, proof) => total + Number(proof.amount), 0);

/** A swap without anything that cashu-ts would check or sign beforehand. */
export function spendByHand(wallet, proofs, outputs = freshOutputs(wallet, proofs)) {
  return wallet.mint.swap({ inputs: proofs.map(asInput), outputs });
}

export const freshOutputs = (wallet, proofs) =>
  proofs.map((proof) => OutputData.createSingleRandomData(proof.amount, wallet.keysetId).blindedMessage);

function asInput({ id, amount, secret, C, witness }) {
  const written = typeof witness === 'object' ? JSON.stringify(witness) : witness;
  return { id, amount, secret, C, ...(written && { witness: written }) };
}
