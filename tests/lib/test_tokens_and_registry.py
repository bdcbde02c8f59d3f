import hashlib

import pytest

from clinic.lib.registry import Registry
from clinic.lib.tokens import new_token, token_digest


def test_no_two_tokens_are_alike_and_each_fits_into_an_address():
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(len(token) == 43 and token.replace("-", "").replace("_", "").isalnum() for token in tokens)


def test_only_the_digest_of_a_token_is_kept():
    assert token_digest("quiet") == hashlib.sha256(b"quiet").hexdigest()


def test_a_registry_keeps_the_order_of_registration():
    registry: Registry[object] = Registry("badge")
    registry.register("b", first := object())
    registry.register("a", second := object())
    assert list(registry) == [first, second]
    assert list(registry.items()) == [("b", first), ("a", second)]
    assert "a" in registry
    assert registry["b"] is first


def test_the_same_entry_may_come_again_but_another_of_that_name_may_not():
    registry: Registry[object] = Registry("badge")
    registry.register("a", entry := object())
    registry.register("a", entry)
    with pytest.raises(ValueError, match="another badge called a"):
        registry.register("a", object())
