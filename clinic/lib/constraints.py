"""What is said where the database's rules refuse something and have no words of their own."""

from django.db.models.constraints import BaseConstraint
from django.utils.translation import gettext as _


def hide_names() -> None:
    """Say a sentence where Django would show the name of the constraint."""
    told = BaseConstraint.get_violation_error_message

    def get_violation_error_message(self: BaseConstraint) -> str:
        if self.violation_error_message == BaseConstraint.default_violation_error_message:
            return _("These details do not fit together. Please check them.")
        return str(told(self))

    # The attribute with Django's words goes into migrations, so it stays as it is.
    BaseConstraint.get_violation_error_message = get_violation_error_message  # type: ignore[method-assign]
