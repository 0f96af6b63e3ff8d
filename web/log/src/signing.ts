// ES256 keys and compact JWS, as the log's readers see them. Lives with the rules, because receipts are signed so too.
export { generatePair, publicJwk, readKey, signCompact, SigningKey, signingKey, thumbprint, verifyCompact, VerifyingKey } from "@amparo/rules/signing.ts";
export type { PublicJwk } from "@amparo/rules/signing.ts";
