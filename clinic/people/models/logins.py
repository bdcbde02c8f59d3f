"""Who may sign in, and the invitations by which staff do so first."""

from __future__ import annotations

from typing import Any, ClassVar

import pghistory
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from clinic.audit.kinds import newest_first


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    THERAPIST = "therapist", _("therapist")
    FRONT_DESK = "front_desk", _("front desk")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a login; without a password it can sign in only by a code in the mail."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user


@pghistory.track(fields=["email", "name", "roles", "is_active"], model_name="UserEvent", meta=newest_first("user"))
class User(AbstractBaseUser):
    """A login. Staff have roles; a client's login has none and reaches clients through ClientAccess."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    roles: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=20, choices=Role.choices), default=list, blank=True, verbose_name=_("roles")
    )
    is_active = models.BooleanField(_("may sign in"), default=True)
    joined_at = models.DateTimeField(_("since"), auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_is_unique_in_any_case"),
            models.CheckConstraint(
                condition=Q(roles__contained_by=[str(r) for r in Role]), name="user_roles_are_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_owner(self) -> bool:
        return Role.OWNER in self.roles

    @property
    def is_therapist(self) -> bool:
        return Role.THERAPIST in self.roles

    @property
    def is_front_desk(self) -> bool:
        return Role.FRONT_DESK in self.roles

    @property
    def is_staff_member(self) -> bool:
        return bool(self.roles)

    @property
    def first_name(self) -> str:
        return self.name.split()[0] if self.name else ""


# intake has invitations too, and django-stubs takes two querysets of one name for the same.
class StaffInvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> StaffInvitationQuerySet:
        """Keep those that nobody has accepted or withdrawn; some of them may have run out."""
        return self.filter(accepted_at__isnull=True, withdrawn_at__isnull=True)


class Invitation(models.Model):
    """A link by which somebody becomes a member of staff: mailed once, opened once, kept as a digest."""

    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=120)
    roles: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=20, choices=Role.choices), verbose_name=_("roles")
    )
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    objects = StaffInvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(roles__contained_by=[str(r) for r in Role], roles__len__gt=0),
                name="invitation_is_to_known_roles",
            ),
            models.UniqueConstraint(
                Lower("email"),
                condition=Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="invitation_is_open_once_for_an_address",
            ),
        ]

    def __str__(self) -> str:
        return self.email
