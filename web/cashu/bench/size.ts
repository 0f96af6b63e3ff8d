// What the protocol costs a phone: gzipped bytes of bundles, and of each module in the last one. Run: node bench/size.ts
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const SOURCES = new URL("../src/", import.meta.url).pathname;
const VERIFYING = ["nut12_dleq.ts: checkProof", "nut10_secret.ts: readLock", "curve.ts: readPoint"];
const TAKING = ["nut00_token.ts: readToken, readRaw", "nut02_keyset.ts: checkKeyset", "nut16_ur.ts: UrReader", "spent_filter.ts: SpentFilter, filterItem"];
const PAYING = [
  "curve.ts: generatorTimes, hashToCurve, readPoint, showPoint",
  "nut00_blind.ts: blind, splitAmount",
  "nut00_token.ts: readToken, writeToken, withoutDleq",
  "nut02_keyset.ts: checkKeyset",
  "nut10_secret.ts: readLock, signLock",
  "nut12_dleq.ts: checkProof",
  "nut13_secrets.ts: derive",
  "nut16_ur.ts: UrReader, UrWriter",
  "nut20_quote.ts: signClaim",
  "nut26_request.ts: readAnyRequest",
  "nut28_p2bk.ts: signHidden",
  "outputs.ts: finish, messages",
  "recovery_code.ts: derivedKey, qrText, readCode, seedOf, writeCode",
  "spent_filter.ts: SpentFilter, filterItem",
  "wire.ts: readClaimQuote, readKeys, readKeysets, readMeltQuote, readRefusal, readRestored, readSignatures, readStates",
];

async function measure(name: string, parts: readonly string[]): Promise<void> {
  const contents = parts.map((part) => part.split(": ")).map(([file, names]) => `export { ${names} } from "./${file}";`);
  const stdin = { contents: contents.join("\n"), resolveDir: SOURCES, loader: "ts" as const };
  const result = await build({ stdin, bundle: true, minify: true, format: "esm", target: "es2022", write: false, metafile: true });
  const [output] = result.outputFiles;
  const inputs = Object.entries(Object.values(result.metafile.outputs)[0]?.inputs ?? {});
  const sizes = inputs.map(([path, { bytesInOutput }]) => [path.replace(/^.*(node_modules|src)\//, ""), bytesInOutput] as const).filter(([, size]) => size);
  sizes.sort(([, one], [, two]) => two - one);
  console.log(`${name}: ${output?.contents.length} bytes, ${gzipSync(output?.contents ?? "", { level: 9 }).length} gz`);
  console.log(`  ${sizes.map(([path, size]) => `${path} ${size}`).join(", ")}`);
}

await measure("verifying coins", VERIFYING);
await measure("a till", [...VERIFYING.filter((part) => !part.includes("readPoint")), ...TAKING, "nut18_request.ts: readPayment, checkPayment, writeRequest", "nut26_request.ts: writeRequestB", "curve.ts: readPoint"]);
await measure("a wallet", PAYING);
