"""What is said where the database's rules refuse something and have no words of their own."""

from django.db.models.constraints import BaseConstraint
from django.utils.translation import gettext as _


def say_rules() -> None:
    """Say a constraint's rule where Django would show its bare name: the names in this house are sentences."""
    told = BaseConstraint.get_violation_error_message

    def get_violation_error_message(self: BaseConstraint) -> str:
        if self.violation_error_message == BaseConstraint.default_violation_error_message:
            # A language may have words for the rule itself.
            rule = _(self.name.replace("_", " "))
            return _("What was typed breaks this rule: %(rule)s.") % {"rule": rule}
        return str(told(self))

    # The attribute with Django's words goes into migrations, so it stays as it is.
    BaseConstraint.get_violation_error_message = get_violation_error_message  # type: ignore[method-assign]
