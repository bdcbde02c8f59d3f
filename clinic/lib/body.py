"""Regions of the body, sides, and the groups of regions that rules speak of. Left and right are the client's."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Region(TextChoices):
    """Every region a note, a mark or a rule may name; the value is also the name in the drawings."""

    FOREHEAD = "forehead", _("Forehead")
    BROW = "brow", _("Brow")
    EYE_ORBIT = "eye_orbit", _("Around the eye")
    TEMPLE = "temple", _("Temple")
    CHEEK = "cheek", _("Cheek")
    JAW_MASSETER = "jaw_masseter", _("Jaw (masseter)")
    TMJ = "tmj", _("Jaw joint (TMJ)")
    EAR_PERIAURICULAR = "ear_periauricular", _("Ear and around it")
    VERTEX = "vertex", _("Top of the head")
    PARIETAL = "parietal", _("Side of the skull (parietal)")
    OCCIPUT = "occiput", _("Back of the head (occiput)")
    SUBOCCIPITAL = "suboccipital", _("Base of the skull (suboccipital)")
    MASTOID = "mastoid", _("Behind the ear (mastoid)")
    NECK_POSTERIOR_UPPER = "neck_posterior_upper", _("Back of the neck, upper")
    NECK_POSTERIOR_LOWER = "neck_posterior_lower", _("Back of the neck, lower")
    NECK_LATERAL = "neck_lateral", _("Side of the neck")
    NECK_ANTERIOR = "neck_anterior", _("Front of the neck")
    SCM = "scm", _("Sternocleidomastoid (SCM)")
    SCALENE = "scalene", _("Scalenes")
    C7_JUNCTION = "c7_junction", _("Neck-to-back junction (C7)")
    UPPER_TRAPEZIUS = "upper_trapezius", _("Upper trapezius")
    LEVATOR_ANGLE = "levator_angle", _("Levator angle")
    SUPRACLAVICULAR = "supraclavicular", _("Above the collarbone")
    CLAVICLE_PECTORAL = "clavicle_pectoral", _("Collarbone and chest")
    STERNUM = "sternum", _("Breastbone")
    DELTOID = "deltoid", _("Shoulder (deltoid)")
    SCAPULA_MEDIAL = "scapula_medial", _("Inner border of the shoulder blade")
    SCAPULA_INFRASPINOUS = "scapula_infraspinous", _("Shoulder blade, below the spine")
    THORACIC_UPPER = "thoracic_upper", _("Upper back")
    THORACIC_LOWER = "thoracic_lower", _("Mid and lower ribs, back")
    LUMBAR = "lumbar", _("Lower back")
    SACRUM = "sacrum", _("Sacrum")
    ABDOMEN = "abdomen", _("Belly")
    HIP = "hip", _("Hip")
    LEG = "leg", _("Leg")
    ARM = "arm", _("Arm")
    HAND = "hand", _("Hand")
    FOOT = "foot", _("Foot")
    MOUTH_INSIDE = "mouth_inside", _("Inside the mouth")


class Side(TextChoices):
    """The client's left or right; the middle line is `middle`, which the drawings shorten to `mid`."""

    LEFT = "left", _("left")
    RIGHT = "right", _("right")
    MIDDLE = "middle", _("middle")


class Group(TextChoices):
    """What a rule means by one word."""

    HEAD = "head", _("head")
    NECK = "neck", _("neck")
    PULSE_LINE = "pulse_line", _("pulse line at the neck")
    SPINE = "spine", _("spine")
    CHEST = "chest", _("chest")
    LEGS = "legs", _("legs")
    ALL = "all", _("whole body")


REGIONS: tuple[Region, ...] = tuple(Region)
SIDES: tuple[Side, ...] = tuple(Side)
REGION_CHOICES = Region.choices
SIDE_CHOICES = Side.choices

_HEAD = REGIONS[: REGIONS.index(Region.MASTOID) + 1]  # the list runs from the forehead down
_NECK = tuple(region for region in REGIONS if region.startswith("neck_"))

GROUPS: dict[Group, frozenset[Region]] = {
    Group.HEAD: frozenset(_HEAD),
    Group.NECK: frozenset(
        {*_NECK, Region.SCM, Region.SCALENE, Region.C7_JUNCTION, Region.SUBOCCIPITAL, Region.UPPER_TRAPEZIUS}
    ),
    # Of the side of the neck only the front half carries the pulse, and the muscle (SCM) may be held by pincer grip:
    # the map does not split the one nor know the other, so a rule that allows either must ask for it.
    Group.PULSE_LINE: frozenset(
        {Region.NECK_ANTERIOR, Region.NECK_LATERAL, Region.SCM, Region.SCALENE, Region.SUPRACLAVICULAR}
    ),
    Group.SPINE: frozenset(
        {Region.C7_JUNCTION, Region.THORACIC_UPPER, Region.THORACIC_LOWER, Region.LUMBAR, Region.SACRUM}
    ),
    Group.CHEST: frozenset({Region.CLAVICLE_PECTORAL, Region.STERNUM}),
    Group.LEGS: frozenset({Region.HIP, Region.LEG, Region.FOOT}),
    Group.ALL: frozenset(REGIONS),
}

# Never pressed, by anyone; the drawings hatch exactly these.
NO_PRESSURE: frozenset[Region] = frozenset({Region.NECK_ANTERIOR, Region.SUPRACLAVICULAR})

# On the middle line there is no left and right.
MIDLINE: frozenset[Region] = frozenset({Region.VERTEX, Region.C7_JUNCTION, Region.STERNUM, Region.SACRUM})

# A rule or a note may name them, no drawing shows them.
NOT_DRAWN: frozenset[Region] = frozenset({Region.ABDOMEN, Region.HIP, Region.LEG, Region.MOUTH_INSIDE})


def regions_in(group: str) -> frozenset[Region]:
    """Return the regions of a group by its word. Raises ValueError for a word no rule knows."""
    return GROUPS[Group(group)]


def sides_of(region: str) -> tuple[Side, ...]:
    """Return the sides on which a region can be marked."""
    return (Side.MIDDLE,) if Region(region) in MIDLINE else (Side.LEFT, Side.RIGHT)
