/* The crypto of a batch: NUT-00's verification, NUT-00's and NUT-12's signing, on flat arrays.
 *
 * No dependency but libc: libsecp256k1's public functions come in as pointers (`struct api`), and no Python header is
 * needed, so the caller runs this without Python's lock. Whatever meets a private key or a nonce is constant-time in it:
 * k*P by secp256k1_ecdh with a hash function that copies the point, k*G by secp256k1_ec_pubkey_create, nonce + e*k by the
 * seckey tweaks, comparisons without an early end, no table look-up by a secret. Nonces and temporary secrets are wiped.
 * Nothing is kept between calls; any number of threads may call at once.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SECRET 32
#define COMPRESSED 33
#define UNCOMPRESSED 65
#define SIGNATURE (COMPRESSED + 2 * SECRET)
#define FLAG_UNCOMPRESSED 2 /* SECP256K1_EC_UNCOMPRESSED */

#ifndef SOURCE_HASH
#error "SOURCE_HASH must be the SHA-256 of this file"
#endif
/* Read by batch.py: a library made from another source is not used. */
const char amparo_batch_source[] = SOURCE_HASH;

typedef struct {
    unsigned char data[64]; /* secp256k1_pubkey */
} point;

typedef int (*hash_function)(unsigned char *, const unsigned char *, const unsigned char *, void *);

struct api {
    const void *context;
    int (*parse)(const void *, point *, const unsigned char *, size_t);
    int (*serialize)(const void *, unsigned char *, size_t *, const point *, unsigned int);
    int (*create)(const void *, point *, const unsigned char *);
    int (*ecdh)(const void *, unsigned char *, const point *, const unsigned char *, hash_function, void *);
    int (*tweak_mul)(const void *, unsigned char *, const unsigned char *);
    int (*tweak_add)(const void *, unsigned char *, const unsigned char *);
};

/* A private key beside its public point, as keymemory.py lays it out. */
struct key {
    unsigned char secret[SECRET];
    unsigned char public[UNCOMPRESSED];
};

/* --- SHA-256 (FIPS 180-4) and HMAC (RFC 2104) ------------------------------------------------------------------------ */

struct sha256 {
    uint32_t state[8];
    uint64_t length;
    unsigned char block[64];
};

static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t START[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static void *(*const volatile wiping_memset)(void *, int, size_t) = memset;

static void wipe(void *memory, size_t length) { wiping_memset(memory, 0, length); }

#if defined(__GNUC__)
#define SEPARATE __attribute__((noinline))
#else
#define SEPARATE
#endif

/* Wipes what functions that were called and have returned left on the stack. Call it from where they were called. */
static SEPARATE void wipe_below(void) {
    unsigned char used[1024];
    wipe(used, sizeof used);
}

static uint32_t rotate(uint32_t word, int by) { return (word >> by) | (word << (32 - by)); }

static uint32_t load(const unsigned char *from) {
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | (uint32_t)from[3];
}

static void store(unsigned char *to, uint32_t word) {
    to[0] = (unsigned char)(word >> 24);
    to[1] = (unsigned char)(word >> 16);
    to[2] = (unsigned char)(word >> 8);
    to[3] = (unsigned char)word;
}

#define STEP(a, b, c, d, e, f, g, h, j) \
    do { \
        uint32_t one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) + ROUND[i + j] + w[j]; \
        uint32_t two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b))); \
        d += one; \
        h = one + two; \
    } while (0)

#define EIGHT_STEPS(j) \
    STEP(a, b, c, d, e, f, g, h, j); \
    STEP(h, a, b, c, d, e, f, g, j + 1); \
    STEP(g, h, a, b, c, d, e, f, j + 2); \
    STEP(f, g, h, a, b, c, d, e, j + 3); \
    STEP(e, f, g, h, a, b, c, d, j + 4); \
    STEP(d, e, f, g, h, a, b, c, j + 5); \
    STEP(c, d, e, f, g, h, a, b, j + 6); \
    STEP(b, c, d, e, f, g, h, a, j + 7)

#define EXTEND(j) \
    (w[j] += (rotate(w[(j + 14) & 15], 17) ^ rotate(w[(j + 14) & 15], 19) ^ w[(j + 14) & 15] >> 10) + w[(j + 9) & 15] + \
             (rotate(w[(j + 1) & 15], 7) ^ rotate(w[(j + 1) & 15], 18) ^ w[(j + 1) & 15] >> 3))

#define EXTEND_FOUR(j) (EXTEND(j), EXTEND(j + 1), EXTEND(j + 2), EXTEND(j + 3))

static SEPARATE void compress(struct sha256 *hash, const unsigned char *block) {
    uint32_t *const state = hash->state, w[16];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    int i;
    for (i = 0; i < 16; i++) w[i] = load(block + 4 * i);
    for (i = 0; i < 64; i += 16) {
        if (i) EXTEND_FOUR(0), EXTEND_FOUR(4), EXTEND_FOUR(8), EXTEND_FOUR(12);
        EIGHT_STEPS(0);
        EIGHT_STEPS(8);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha256_start(struct sha256 *hash) {
    memcpy(hash->state, START, sizeof START);
    hash->length = 0;
}

static void sha256_add(struct sha256 *hash, const unsigned char *data, size_t length) {
    size_t filled = (size_t)(hash->length & 63);
    hash->length += length;
    while (length) {
        size_t taken = 64 - filled < length ? 64 - filled : length;
        if (taken == 64) {
            compress(hash, data);
        } else {
            memcpy(hash->block + filled, data, taken);
            if (filled + taken == 64) compress(hash, hash->block);
        }
        filled = (filled + taken) & 63;
        data += taken;
        length -= taken;
    }
}

static void sha256_end(struct sha256 *hash, unsigned char out[32]) {
    uint64_t bits = hash->length * 8;
    size_t filled = (size_t)(hash->length & 63);
    int i;
    hash->block[filled++] = 0x80;
    if (filled > 56) {
        memset(hash->block + filled, 0, 64 - filled);
        compress(hash, hash->block);
        filled = 0;
    }
    memset(hash->block + filled, 0, 56 - filled);
    store(hash->block + 56, (uint32_t)(bits >> 32));
    store(hash->block + 60, (uint32_t)bits);
    compress(hash, hash->block);
    for (i = 0; i < 8; i++) store(out + 4 * i, hash->state[i]);
}

/* HMAC-SHA256 under a key of 32 bytes. */
static void hmac_sha256(unsigned char out[32], const unsigned char key[SECRET], const unsigned char *data, size_t length) {
    struct sha256 hash;
    unsigned char pad[64], inner[32];
    size_t i;
    memset(pad, 0x36, sizeof pad);
    for (i = 0; i < SECRET; i++) pad[i] ^= key[i];
    sha256_start(&hash);
    sha256_add(&hash, pad, sizeof pad);
    sha256_add(&hash, data, length);
    sha256_end(&hash, inner);
    for (i = 0; i < sizeof pad; i++) pad[i] ^= 0x36 ^ 0x5c;
    sha256_start(&hash);
    sha256_add(&hash, pad, sizeof pad);
    sha256_add(&hash, inner, sizeof inner);
    sha256_end(&hash, out);
    wipe(&hash, sizeof hash);
    wipe(pad, sizeof pad);
    wipe(inner, sizeof inner);
    wipe_below();
}

/* --- points ---------------------------------------------------------------------------------------------------------- */

/* The "hash function" of secp256k1_ecdh: the point itself, uncompressed. */
static int copy_point(unsigned char *out, const unsigned char *x, const unsigned char *y, void *unused) {
    (void)unused;
    out[0] = 4;
    memcpy(out + 1, x, 32);
    memcpy(out + 33, y, 32);
    return 1;
}

/* out = scalar * base, uncompressed, in constant time in the scalar. */
static int multiply(const struct api *api, unsigned char out[UNCOMPRESSED], const point *base, const unsigned char *scalar) {
    return api->ecdh(api->context, out, base, scalar, copy_point, NULL);
}

static void compressed(unsigned char out[COMPRESSED], const unsigned char point_bytes[UNCOMPRESSED]) {
    out[0] = 2 | (point_bytes[UNCOMPRESSED - 1] & 1);
    memcpy(out + 1, point_bytes + 1, 32);
}

static int uncompressed(const struct api *api, unsigned char out[UNCOMPRESSED], const point *from) {
    size_t length = UNCOMPRESSED;
    return api->serialize(api->context, out, &length, from, FLAG_UNCOMPRESSED);
}

/* Whether two compressed points are equal, without telling through time where they differ. */
static int equal(const unsigned char *one, const unsigned char *two) {
    volatile unsigned char different = 0;
    int i;
    for (i = 0; i < COMPRESSED; i++) different |= one[i] ^ two[i];
    return different == 0;
}

/* NUT-00: the point of a message, and its compressed bytes. */
static int hash_to_curve(
    const struct api *api, point *found, unsigned char bytes[COMPRESSED], const unsigned char *message, size_t length) {
    static const unsigned char domain[28] = "Secp256k1_HashToCurve_Cashu_";
    struct sha256 hash;
    unsigned char tried[36];
    uint32_t counter;
    sha256_start(&hash);
    sha256_add(&hash, domain, sizeof domain);
    sha256_add(&hash, message, length);
    sha256_end(&hash, tried);
    bytes[0] = 2;
    for (counter = 0; counter < 65536; counter++) {
        tried[32] = (unsigned char)counter;
        tried[33] = (unsigned char)(counter >> 8);
        tried[34] = tried[35] = 0;
        sha256_start(&hash);
        sha256_add(&hash, tried, sizeof tried);
        sha256_end(&hash, bytes + 1);
        if (api->parse(api->context, found, bytes, COMPRESSED)) return 1;
    }
    return 0;
}

/* --- NUT-12 ---------------------------------------------------------------------------------------------------------- */

static void add_hex(struct sha256 *hash, const unsigned char point_bytes[UNCOMPRESSED]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char text[2 * UNCOMPRESSED];
    int i;
    for (i = 0; i < UNCOMPRESSED; i++) {
        text[2 * i] = (unsigned char)digits[point_bytes[i] >> 4];
        text[2 * i + 1] = (unsigned char)digits[point_bytes[i] & 15];
    }
    sha256_add(hash, text, sizeof text);
}

/* One try at the proof e | s with the nonce of this counter. */
static int prove_with(const struct api *api, unsigned char *out, const struct key *key, const point *blinded,
    const unsigned char message[], size_t length, unsigned char nonce[SECRET]) {
    const unsigned char *signed_bytes = message + length - 1 - UNCOMPRESSED;
    unsigned char one[UNCOMPRESSED], two[UNCOMPRESSED];
    unsigned char *e = out, *s = out + SECRET;
    struct sha256 hash;
    point product;
    hmac_sha256(nonce, key->secret, message, length);
    if (!api->create(api->context, &product, nonce) || !uncompressed(api, one, &product)) return 0;
    if (!multiply(api, two, blinded, nonce)) return 0;
    sha256_start(&hash);
    add_hex(&hash, one);
    add_hex(&hash, two);
    add_hex(&hash, key->public);
    add_hex(&hash, signed_bytes);
    sha256_end(&hash, e);
    memcpy(s, key->secret, SECRET);
    return api->tweak_mul(api->context, s, e) && api->tweak_add(api->context, s, nonce);
}

/* The proof that `signed_bytes` was made from `blinded` with the key. The nonce follows from the key and the points. */
static int prove(const struct api *api, unsigned char out[2 * SECRET], const struct key *key, const point *blinded,
    const unsigned char signed_bytes[UNCOMPRESSED]) {
    static const unsigned char domain[15] = "Cashu_DLEQ_R_v1";
    unsigned char message[sizeof domain + 3 * UNCOMPRESSED + 1];
    unsigned char nonce[SECRET];
    int counter, done = 0;
    memcpy(message, domain, sizeof domain);
    memcpy(message + sizeof domain, key->public, UNCOMPRESSED);
    if (!uncompressed(api, message + sizeof domain + UNCOMPRESSED, blinded)) return 0;
    memcpy(message + sizeof domain + 2 * UNCOMPRESSED, signed_bytes, UNCOMPRESSED);
    for (counter = 0; counter < 256 && !done; counter++) {
        message[sizeof message - 1] = (unsigned char)counter;
        done = prove_with(api, out, key, blinded, message, sizeof message, nonce);
    }
    wipe(nonce, sizeof nonce);
    if (!done) wipe(out, 2 * SECRET);
    return done;
}

/* --- the two entry points -------------------------------------------------------------------------------------------- */

static int verify_one(const struct api *api, unsigned char out[COMPRESSED], const struct key *key,
    const unsigned char *secret, size_t length, const unsigned char signature[COMPRESSED]) {
    unsigned char right[UNCOMPRESSED], right_compressed[COMPRESSED];
    point found;
    int genuine;
    if (!hash_to_curve(api, &found, out, secret, length) || !multiply(api, right, &found, key->secret)) return 0;
    compressed(right_compressed, right);
    genuine = equal(right_compressed, signature);
    /* What the right signature would have been is worth money. */
    wipe(right, sizeof right);
    wipe(right_compressed, sizeof right_compressed);
    return genuine;
}

/* For each of n tokens: `points` gets its Y (33 bytes each) and `genuine` a 1, or a 0 when `signatures` (33 bytes each) is
 * not the key's. The secret of token i is secrets[ends[i - 1]] up to secrets[ends[i]], the first from 0. */
void amparo_verify(const struct api *api, size_t n, const struct key *const *keys, const unsigned char *secrets,
    const uint64_t *ends, const unsigned char *signatures, unsigned char *points, unsigned char *genuine) {
    uint64_t start = 0;
    size_t i;
    for (i = 0; i < n; i++) {
        genuine[i] = (unsigned char)verify_one(api, points + COMPRESSED * i, keys[i], secrets + start,
            (size_t)(ends[i] - start), signatures + COMPRESSED * i);
        start = ends[i];
    }
}

static int sign_one(const struct api *api, unsigned char out[SIGNATURE], const struct key *key,
    const unsigned char blinded_bytes[COMPRESSED]) {
    unsigned char signed_bytes[UNCOMPRESSED];
    point blinded;
    if (!api->parse(api->context, &blinded, blinded_bytes, COMPRESSED)) return 0;
    if (!multiply(api, signed_bytes, &blinded, key->secret)) return 0;
    compressed(out, signed_bytes);
    return prove(api, out + COMPRESSED, key, &blinded, signed_bytes);
}

/* For each of n outputs: `signatures` (97 bytes each) gets C_ | e | s and `made` a 1, or a 0 when B_ (33 bytes in `blinded`)
 * is no compressed point. */
void amparo_sign(const struct api *api, size_t n, const struct key *const *keys, const unsigned char *blinded,
    unsigned char *signatures, unsigned char *made) {
    size_t i;
    for (i = 0; i < n; i++)
        made[i] = (unsigned char)sign_one(api, signatures + SIGNATURE * i, keys[i], blinded + COMPRESSED * i);
}
