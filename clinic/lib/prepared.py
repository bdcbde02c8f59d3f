"""Queries that are put into SQL once, for what the desk waits for.

Django writes the SQL of a query anew each time it is asked, which takes longer than PostgreSQL needs for the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

R = TypeVar("R")


@contextmanager
def planned_for_these_words() -> Iterator[None]:
    """Let the database plan each query for what is looked for: a plan for any words suits few of them."""
    connection.ensure_connection()
    told, connection.connection.prepare_threshold = connection.connection.prepare_threshold, None
    try:
        yield
    finally:
        if connection.connection is not None:
            connection.connection.prepare_threshold = told


class Given(Expression):
    """A value that is named when the query is asked."""

    def __init__(self, name: str, kind: Field[Any, Any]) -> None:
        super().__init__(output_field=kind)
        self.name = name

    def as_sql(self, _compiler: SQLCompiler, _connection: Any) -> tuple[str, Any]:
        """Leave its place open, and stand among the parameters until it is known."""
        return "%s", (self,)


class Prepared(Generic[R]):
    """A query whose words are read once; whatever differs from one asking to the next must be `Given`."""

    def __init__(self, words: Callable[[], QuerySet[Any, R]]) -> None:
        self._words = words

    def all(self, **given: object) -> list[R]:
        """Ask, and return all rows: objects with what `select_related` names, or tuples."""
        sql, parameters, rows_of = self._written
        values: list[Any] = [given[one.name] if isinstance(one, Given) else one for one in parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return rows_of(cursor.fetchall())

    def first(self, **given: object) -> R | None:
        """Ask, and return the first row."""
        return next(iter(self.all(**given)), None)

    @cached_property
    def _written(self) -> tuple[str, Sequence[Any], Callable[[list[Any]], list[R]]]:
        words = self._words()
        compiler = words.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        # Only `values_list` names fields.
        return sql, parameters, _rows(compiler) if words._fields else _objects(compiler)  # type: ignore[attr-defined]


def _rows(compiler: SQLCompiler) -> Callable[[list[Any]], list[Any]]:
    return lambda rows: list(compiler.results_iter([rows], tuple_expected=True))


def _objects(compiler: SQLCompiler) -> Callable[[list[Any]], list[Any]]:
    """Return what makes objects of rows, as Django's own querysets do."""
    kind: Any = compiler.klass_info
    begin, end = kind["select_fields"][0], kind["select_fields"][-1] + 1
    names = [column.target.attname for column, *_words in compiler.select[begin:end]]
    populators = get_related_populators(kind, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # of a later Django

    def made(rows: list[Any]) -> list[Any]:
        found = []
        for row in compiler.results_iter([rows]):
            one = kind["model"].from_db(DEFAULT_DB_ALIAS, names, row[begin:end])
            for populator in populators:
                populator.populate(row, one)
            found.append(one)
        return found

    return made


def add(*rows: Model) -> None:
    """Write new rows of one table by one statement, and give them their keys.

    However many there are, it is the same statement: PostgreSQL plans it once. It cannot write columns of arrays.
    """
    sql, fields = _insertion(type(rows[0]))
    columns = [_column(one, rows) for one in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, columns)
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
            row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001  # public by Django's documentation


def _column(field: Field[Any, Any], rows: Sequence[Model]) -> list[Any]:
    """Return what is written of this field for each row; what is the same for many is made ready once."""
    values = [field.pre_save(row, add=True) for row in rows]
    if all(value is values[0] for value in values):
        return [field.get_db_prep_save(values[0], connection)] * len(values)
    return [field.get_db_prep_save(value, connection) for value in values]


@cache
def _insertion(model: type[Model]) -> tuple[str, list[Field[Any, Any]]]:
    fields = [one for one in model._meta.concrete_fields if not (one.primary_key or one.generated)]  # noqa: SLF001  # the same
    names = ", ".join(f'"{one.column}"' for one in fields)
    # Without its length: a cast would cut what is too long instead of refusing it.
    arrays = ", ".join(f"%s::{(one.db_type(connection) or '').partition('(')[0]}[]" for one in fields)
    sql = f"""
        INSERT INTO "{model._meta.db_table}" ({names})
        SELECT {names} FROM unnest({arrays}) WITH ORDINALITY AS rows ({names}, place) ORDER BY place RETURNING id
    """  # noqa: S608, SLF001  # names of our own columns
    return sql, fields
