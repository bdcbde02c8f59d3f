"""Lookups that Django does not bring."""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, Field, ForeignObject, Lookup, Value
from django.db.models.sql.compiler import SQLCompiler


# Keys that lead to another table do not take the lookups of plain columns over.
@ForeignObject.register_lookup
@Field.register_lookup
class Among(Lookup[Any]):
    """`column__among=array`: the value is an element of a PostgreSQL array.

    A subquery in `__in` is a join to the planner, which among many other joins may come last, after whole tables. An
    array is reckoned first, and then looks up by index.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        """Write `column = ANY(array)`."""
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        return f"{lhs} = ANY({rhs})", (*lhs_params, *rhs_params)


KEYS: ArrayField[list[int], list[int]] = ArrayField(BigIntegerField())


def keys(found: Iterable[int]) -> Value:
    """Return these keys for `among` as one word: thousands of values cost a hundredth so."""
    return Value(f"{{{','.join(map(str, found))}}}", KEYS)
