"""What reads bytes of strangers, each as a function of bytes: it returns, or raises one of our errors; anything else is a fault.

Where a checksum or an encoding stands before the content, a second target puts the bytes behind it, so that they reach what reads
the content. What is read well must also be written again and read alike. Each target begins with good examples (`seeds`).
"""

from tests.hostile import fuzz_codes, fuzz_mint
from tests.hostile.fuzz_seeds import Target

TARGETS: dict[str, Target] = {
    "route": Target(fuzz_mint.route, fuzz_mint.route_seeds),
    "socket": Target(fuzz_mint.socket, fuzz_mint.socket_seeds),
    "token": Target(fuzz_codes.token, fuzz_codes.token_seeds),
    "token_cbor": Target(fuzz_codes.token_cbor, fuzz_codes.token_cbor_seeds),
    "token_json": Target(fuzz_codes.token_json, fuzz_codes.token_json_seeds),
    "cbor": Target(fuzz_codes.cbor, fuzz_codes.cbor_seeds),
    "request": Target(fuzz_codes.request, fuzz_codes.request_seeds),
    "request_cbor": Target(fuzz_codes.request_cbor, fuzz_codes.request_cbor_seeds),
    "request_fields": Target(fuzz_codes.request_fields, fuzz_codes.request_fields_seeds),
    "payment": Target(fuzz_codes.payment, fuzz_codes.payment_seeds),
    "parts": Target(fuzz_codes.parts, fuzz_codes.part_seeds),
    "part_fields": Target(fuzz_codes.part_fields, fuzz_codes.part_fields_seeds),
    "spent_filter": Target(fuzz_codes.spent_filter, fuzz_codes.spent_filter_seeds),
    "recovery": Target(fuzz_codes.recovery, fuzz_codes.recovery_seeds),
    "card": Target(fuzz_codes.card, fuzz_codes.card_seeds),
    "condition": Target(fuzz_mint.condition, fuzz_mint.condition_seeds),
    "locks": Target(fuzz_mint.locks, fuzz_mint.locks_seeds),
    "access": Target(fuzz_mint.access, fuzz_mint.access_seeds),
    "log": Target(fuzz_mint.log, fuzz_mint.log_seeds),
    "answer": Target(fuzz_mint.answer, fuzz_mint.answer_seeds),
    "receipt": Target(fuzz_mint.receipt, fuzz_mint.receipt_seeds),
    "signer": Target(fuzz_mint.signer, fuzz_mint.signer_seeds),
}
