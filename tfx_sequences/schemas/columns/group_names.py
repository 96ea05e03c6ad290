"""Recognizes keys whose names suggest groups of records: users, patients, sessions."""

from __future__ import annotations

import re

_GROUPS = frozenset(
    (
        *("account", "author", "buyer", "client", "cohort", "customer", "device", "donor", "driver", "family"),
        *(
            "household",
            "learner",
            "member",
            "owner",
            "participant",
            "passenger",
            "patient",
            "person",
            "player",
            "pupil",
        ),
        *("rider", "seller", "session", "speaker", "student", "subject", "tenant", "uid", "user", "vehicle", "viewer"),
        *("visitor", "worker", "writer"),
    )
)
_CODES = frozenset(("code", "codes", "ids", "token", "tokens"))
# `x/index` beside one of these parts is the number of a class or a term.
_CODED = frozenset(("category", "class", "label", "token", "word"))
_ID_WORDS = frozenset(("guid", "hash", "id", "identifier", "key", "no", "nr", "num", "number", "uuid"))


def words_of(key: str) -> list[str]:
    """The words of the last part of a key, in lower case.

    >>> words_of("example/id"), words_of("patientId"), words_of("clip/label/string")
    (['id'], ['patient', 'id'], ['string'])
    """
    last = re.split(r"[/:]", key.rstrip("/:"))[-1]
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last)
    return [word for word in re.split(r"[^A-Za-z0-9]+", apart.lower()) if word]


def is_group_name(key: str) -> bool:
    """Whether a key's name suggests a group: several records may share its value and should stay in one split.

    >>> is_group_name("user_id"), is_group_name("patientId"), is_group_name("session"), is_group_name("user_age")
    (True, True, True, False)
    """
    words = words_of(key)
    named = [word for word in words if word in _GROUPS]
    return bool(named) and set(words) <= _GROUPS | _ID_WORDS


def is_code_name(key: str) -> bool:
    """Whether a key's name suggests that its integers are ids or codes, and not quantities.

    >>> is_code_name("item_id"), is_code_name("icd/code"), is_code_name("region/label/index"), is_code_name("user")
    (True, True, True, True)
    >>> is_code_name("frame_index"), is_code_name("age"), is_code_name("num_users")
    (False, False, False)
    """
    words = words_of(key)
    numbered = words == ["index"] and any(part in _CODED for part in key.lower().split("/"))
    return is_id_name(key) or is_group_name(key) or numbered or (bool(words) and words[-1] in _CODES)


def is_id_name(key: str) -> bool:
    """Whether a key's name suggests an id: `id`, `clip_id`, `example/id`, `recordId`, `uuid`.

    >>> is_id_name("example/id"), is_id_name("recordId"), is_id_name("idle")
    (True, True, False)
    """
    words = words_of(key)
    return bool(words) and words[-1] in ("guid", "id", "identifier", "uid", "uuid")
