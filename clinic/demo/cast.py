"""Who lives in the example clinic. All of them are invented."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time


@dataclass(frozen=True)
class ExampleTherapist:
    """A therapist, what she or he may give, the working week, and what clients read.

    The week: weekday → (location, opens, closes).
    """

    name: str
    email: str
    licence: str
    modalities: tuple[str, ...]
    room: str
    week: dict[int, tuple[str, time, time]]
    colour: str
    biography: str


@dataclass(frozen=True)
class ExamplePlace:
    """What the clients of a location read: the way there, and when it is open."""

    directions: str
    week: Mapping[int, tuple[tuple[time, time], ...]]


HARBOUR = "Harbour Street"
HILLSIDE = "Hillside"
# How a client finds them, and when they are open: weekday → (opens, closes).
PLACES = {
    HARBOUR: ExamplePlace(
        "Tram 15 to Cais do Sodré, then two minutes along the water. The green door, first floor; there is a lift.",
        {day: ((time(8, 0), time(19, 0)),) for day in range(5)}
        | {5: ((time(8, 0), time(18, 30)),), 6: ((time(10, 0), time(18, 30)),)},
    ),
    HILLSIDE: ExamplePlace(
        "Bus 714 to Largo da Graça. Ring at “Clinic”; three steps at the door, and we help with them.",
        {
            0: ((time(8, 0), time(13, 0)), (time(14, 0), time(17, 0))),
            1: ((time(8, 0), time(13, 0)), (time(14, 0), time(17, 0))),
        },
    ),
}
EARLY, LATE = (time(8, 30), time(16, 30)), (time(10, 0), time(18, 30))

# Part-time and staggered, as such clinics work: somebody is there on every day of the week.
THERAPISTS = (
    ExampleTherapist(
        "Bea Lindqvist", "bea@example.org", "PT-20417",
        ("craniosacral", "myofascial", "swedish", "neck_shoulder"), "Room 2",
        {1: (HARBOUR, *EARLY), 3: (HARBOUR, *EARLY), 4: (HARBOUR, *EARLY), 5: (HARBOUR, *EARLY)}, "sea",
        "I work slowly and lightly, mostly at head and neck. I had migraine myself for twenty years. Swedish, English.",
    ),
    ExampleTherapist(
        "Tomás Ferreira", "tomas@example.org", "PT-18833", ("deep_tissue", "neuromuscular", "myofascial"), "Room 1",
        {0: (HARBOUR, *LATE), 2: (HARBOUR, *EARLY), 3: (HARBOUR, *LATE)}, "clay",
        "A physiotherapist first, now with my hands only. I look for the muscle behind the pain. Portuguese, English.",
    ),
    ExampleTherapist(
        "Amina Yusuf", "amina@example.org", "PT-22950", ("swedish", "reflexology", "craniosacral"), "Room 4",
        {1: (HILLSIDE, *EARLY), 2: (HARBOUR, *LATE), 4: (HARBOUR, *LATE)}, "sky",
        "Quiet hours for whoever sleeps badly: feet, breath, and much time. English, Somali, Portuguese.",
    ),
    ExampleTherapist(
        "Joon-ho Park", "joonho@example.org", "PT-19604", ("neuromuscular", "neck_shoulder", "swedish"), "Room 3",
        {0: (HILLSIDE, *EARLY), 5: (HARBOUR, *LATE), 6: (HARBOUR, *LATE)}, "sand",
        "Shoulders and necks that sat too long. I show you what helps between the visits. Korean, English.",
    ),
)  # fmt: skip

# She has just left; a few visits with her are still to be booked anew.
LEFT = ExampleTherapist(
    "Marta Figueira", "marta@example.org", "PT-17120", ("reflexology", "swedish"), "Room 5",
    {2: (HILLSIDE, *EARLY), 3: (HILLSIDE, *EARLY)}, "plum", "",
)  # fmt: skip

SCHOOLS = {
    "craniosacral": "Upledger Institute, CST II",
    "myofascial": "Barnes, MFR II",
    "neuromuscular": "St. John, NMT",
    "swedish": "Escola de Massagem, Lisboa",
    "deep_tissue": "Escola de Massagem, Lisboa",
    "reflexology": "Ingham, Reflexology",
    "neck_shoulder": "In the house",
}

INVITED = ("Eva Brandt", "eva.brandt@example.org")

ROOMS = (
    (HARBOUR, "Room 1", ("adjustable_table",)),
    (HARBOUR, "Room 2", ("quiet", "dimmable")),
    (HARBOUR, "Room 3", ("dimmable",)),
    (HILLSIDE, "Room 4", ("quiet", "adjustable_table")),
    (HILLSIDE, "Room 5", ()),
)

LETTERHEAD = "Rua do Cais 12, 1200-161 Lisboa\n+351 210 000 010 · clinic@example.org"
CANCELLATION = "Please tell us 24 hours before if you cannot come; later we charge half the visit."
HOUSE_RULES = """Come ten minutes early for your first visit.
If you are late, the visit ends when it was meant to, so that nobody after you waits.
You may bring somebody. Children are seen together with a guardian.
No perfume, please: many of our clients cannot bear it.
We take cards and cash, after the visit."""
PRIVACY = """We keep your contact details, what you tell us about your headaches, and what was done at each visit.
Your therapist reads it; the front desk sees your name and your times, never your health.
We keep it for ten years after your last visit. You may see it, have it corrected, and take it with you."""

# What clients read about a service, by modality.
DESCRIPTIONS = {
    "craniosacral": "Very light touch along skull and spine. For those whom firm pressure hurts.",
    "myofascial": "Slow, steady holds for the tissue around neck, head and jaw.",
    "neuromuscular": "Pressure on the points in neck and shoulders from which pain spreads.",
    "swedish": "Calm, even strokes for the whole body.",
    "deep_tissue": "Firm work on shoulders and back, between attacks only.",
    "reflexology": "Work on feet and hands, away from a head that hurts.",
    "neck_shoulder": "A short visit for neck and shoulders.",
}

# name, modality, minutes, price in cents, bookable online, open to new clients
SERVICES = (
    ("Craniosacral, 45 min", "craniosacral", 45, 5400, True, True),
    ("Craniosacral, 60 min", "craniosacral", 60, 6800, True, True),
    ("Myofascial release, 60 min", "myofascial", 60, 6800, True, True),
    ("Myofascial release, 75 min", "myofascial", 75, 8200, True, False),
    ("Neuromuscular, 60 min", "neuromuscular", 60, 7000, True, True),
    ("Neuromuscular, 90 min", "neuromuscular", 90, 9800, True, False),
    ("Swedish, 60 min", "swedish", 60, 6400, True, True),
    ("Deep tissue, 60 min", "deep_tissue", 60, 7200, False, False),
    ("Reflexology, 45 min", "reflexology", 45, 5200, True, True),
    ("Neck and shoulders, 45 min", "neck_shoulder", 45, 5400, True, True),
)


@dataclass(frozen=True)
class ExampleClient:
    """A client and what brings her: one of the stories in stories.py."""

    name: str
    pronouns: str
    born_on: date
    troubled_by: str


# What brings them: touch sensitivity, neck tension, the jaw, a pattern of referred pain, stress.
TOUCH, TENSION, JAW, PATTERN, STRESS = "touch", "tension", "jaw", "pattern", "stress"
SHE, HE, THEY = "she/her", "he/him", "they/them"

CLIENTS = tuple(
    ExampleClient(name, pronouns, date(year, month, day), trouble)
    for name, pronouns, year, month, day, trouble in (
        ("Alice Moreau", SHE, 1992, 3, 12, TENSION),
        ("Marek Nowicki", HE, 1985, 7, 2, TOUCH),
        ("Hannah Osei", SHE, 1998, 11, 23, TOUCH),
        ("Claire Dubois", SHE, 1990, 5, 30, STRESS),
        ("Kwame Boateng", HE, 1979, 1, 17, TENSION),
        ("Ingrid Solberg", SHE, 1968, 9, 4, TOUCH),
        ("Priya Raghunathan", SHE, 1994, 12, 8, JAW),
        ("Tom Whitlock", HE, 1981, 6, 21, TENSION),
        ("Leila Haddad", SHE, 1988, 2, 29, PATTERN),
        ("Sofia Castellanos", SHE, 1996, 8, 14, JAW),
        ("Emeka Okafor", HE, 1975, 10, 3, PATTERN),
        ("Freya Andersen", SHE, 2001, 4, 19, PATTERN),
        ("Daniel Katz", HE, 1966, 3, 27, STRESS),
        ("Wei-Lin Chou", SHE, 1983, 7, 11, STRESS),
        ("Niamh O’Sullivan", SHE, 1999, 1, 5, STRESS),
        ("Rosa Jiménez", SHE, 1971, 12, 16, STRESS),
        ("Yusuf Demir", HE, 1993, 9, 28, STRESS),
        ("Zofia Wiśniewska", SHE, 1987, 5, 9, STRESS),
        ("Ben Achterberg", HE, 1978, 2, 13, TOUCH),
        ("Grace Whitfield", SHE, 1964, 8, 30, TENSION),
        ("Ana-Maria Popescu", SHE, 1991, 6, 6, PATTERN),
        ("Anton Petrov", HE, 1986, 11, 18, PATTERN),
        ("Mei Tanaka", SHE, 1997, 10, 24, PATTERN),
        ("Lucas Fontaine", HE, 1989, 4, 2, TENSION),
        ("Farah Siddiqui", SHE, 1995, 7, 20, PATTERN),
        ("Oskar Lindgren", HE, 1973, 1, 31, PATTERN),
        ("Martha Jensen", SHE, 1958, 9, 15, TOUCH),
        ("Paolo Ricci", HE, 1984, 12, 1, TENSION),
        ("Aisha Rahman", SHE, 2000, 3, 8, TOUCH),
        ("Bruno Keller", HE, 1980, 5, 25, STRESS),
        ("Elif Kaya", SHE, 1992, 8, 7, TENSION),
        ("Noor van Dijk", SHE, 1976, 2, 19, TOUCH),
        ("Paula Brandt", SHE, 1969, 6, 29, TENSION),
        ("Jonas Weber", HE, 1990, 10, 12, PATTERN),
        ("Inês Carvalho", SHE, 1998, 1, 22, STRESS),
        ("Rui Tavares", HE, 1982, 4, 16, TENSION),
        ("Mariana Lopes", SHE, 1985, 9, 9, JAW),
        ("Duarte Nunes", HE, 1977, 7, 27, PATTERN),
        ("Beatriz Faria", SHE, 1993, 11, 4, TOUCH),
        ("Henrique Sousa", HE, 1961, 3, 3, STRESS),
        ("Lena Hoffmann", SHE, 1996, 5, 18, JAW),
        ("Milo Jansen", THEY, 2002, 12, 27, TOUCH),
        ("Sanne de Boer", SHE, 1988, 8, 23, STRESS),
        ("Camille Laurent", SHE, 1974, 1, 10, TENSION),
        ("Théo Girard", HE, 1999, 6, 14, PATTERN),
        ("Giulia Conti", SHE, 1991, 2, 5, JAW),
        ("Matteo Bianchi", HE, 1983, 10, 30, TENSION),
        ("Katarzyna Zając", SHE, 1970, 4, 26, STRESS),
        ("Ondřej Novák", HE, 1994, 9, 20, PATTERN),
        ("Ilse Vermeulen", SHE, 1965, 7, 7, TOUCH),
        ("Siobhán Byrne", SHE, 1986, 12, 11, STRESS),
        ("Declan Murphy", HE, 1972, 5, 2, TENSION),
        ("Anjali Mehta", SHE, 1997, 3, 25, TOUCH),
        ("Ravi Iyer", HE, 1981, 8, 16, STRESS),
        ("Nadia Benali", SHE, 1989, 11, 29, PATTERN),
        ("Karim Haddad", HE, 1968, 1, 14, TENSION),
        ("Yuki Sato", THEY, 2000, 6, 9, STRESS),
        ("Chiara Romano", SHE, 1995, 10, 21, TENSION),
        ("Erik Johansson", HE, 1963, 2, 28, PATTERN),
        ("Maja Kowalska", SHE, 1992, 9, 13, JAW),
    )
)


def email_of(name: str) -> str:
    """Return the invented address of an example client."""
    plain = name.lower().translate(str.maketrans("áéíóúâêôãõçśżłąęńćřň’", "aeiouaeoaocszlaencrn'"))
    letters = "".join(c if c.isascii() and c.isalpha() else "." if c in " -" else "" for c in plain)
    return f"{letters}@example.org"
