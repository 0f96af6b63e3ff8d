"""Which records a reading of many at once was of, kept small: a page of 1,024 numbers is 128 bytes, a bit for each.

A list of 100,000 households with 270,000 people is some 370 pages, where a row for each record would be 370,000. All that is asked
is asked of one page: which readings held this record, and forget this record. What a list was for stands nowhere here.
"""

from collections.abc import Collection, Iterable, Iterator

from django.db import transaction

from amparo_office.register.models import Access, AccessPage, Household, Individual

PAGE = 1024
_AT_ONCE = 1_000


class Numbers:
    """A set of records' numbers."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._pages: dict[int, bytearray] = {}
        self.add(numbers)

    def add(self, numbers: Iterable[int]) -> None:
        """Take in some more."""
        for each in numbers:
            page, place = divmod(each, PAGE)
            bits = self._pages.get(page)
            if bits is None:
                bits = self._pages[page] = bytearray(PAGE // 8)
            bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, number: int) -> bool:
        page, place = divmod(number, PAGE)
        return page in self._pages and _has(self._pages[page], place)

    def pages(self) -> Iterator[tuple[int, bytes]]:
        """The pages that hold something, in their order."""
        return ((page, bytes(self._pages[page])) for page in sorted(self._pages))

    def page(self, page: int) -> bytes:
        """One page."""
        return bytes(self._pages.get(page, PAGE // 8))


def write(access: Access, households: Numbers, individuals: Numbers) -> None:
    """Say of whom this reading was. In the transaction that writes the reading."""
    kinds = ((AccessPage.Kind.HOUSEHOLD, households), (AccessPage.Kind.INDIVIDUAL, individuals))
    rows = [
        AccessPage(access=access, kind=kind, page=page, bits=bits)
        for kind, numbers in kinds
        for page, bits in numbers.pages()
    ]
    AccessPage.objects.bulk_create(rows, batch_size=_AT_ONCE)


def readings_of(kind: AccessPage.Kind, number: int) -> list[int]:
    """The readings of many that held this record, by their number in `Access`."""
    page, place = divmod(number, PAGE)
    rows = AccessPage.objects.filter(kind=kind, page=page).values_list("access_id", "bits")
    return [access for access, bits in rows if _has(bits, place)]


def forget(kind: AccessPage.Kind, numbers: Collection[int]) -> None:
    """Nothing here speaks of these records any longer; in the transaction that erases them."""
    gone = Numbers(numbers)
    for page, _bits in gone.pages():
        _take_out(kind, page, gone)


def forget_strays() -> int:
    """Records that were erased by one process while another was writing down a list with them are forgotten too. How many pages
    held one."""
    found = 0
    for kind, page in AccessPage.objects.order_by("kind", "page").values_list("kind", "page").distinct():
        model = Household if kind == AccessPage.Kind.HOUSEHOLD else Individual
        there = model._default_manager.filter(id__gte=page * PAGE, id__lt=(page + 1) * PAGE).values_list(
            "id", flat=True
        )
        strays = Numbers(set(range(page * PAGE, (page + 1) * PAGE)) - set(there))
        with transaction.atomic():
            found += _take_out(AccessPage.Kind(kind), page, strays)
    return found


def _take_out(kind: AccessPage.Kind, page: int, gone: Numbers) -> int:
    """Clear these bits of a page in every reading; how many readings had one."""
    mask = gone.page(page)
    changed = 0
    for row in AccessPage.objects.select_for_update().filter(kind=kind, page=page).order_by("id"):
        left = bytes(bits & ~out for bits, out in zip(bytes(row.bits), mask, strict=True))
        if left == bytes(row.bits):
            continue
        changed += 1
        row.bits = left
        if any(left):
            row.save(update_fields=["bits"])
        else:
            row.delete()
    return changed


def _has(bits: bytes | bytearray | memoryview, place: int) -> bool:
    return bool(bits[place >> 3] >> (place & 7) & 1)
