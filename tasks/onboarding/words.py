"""Words in column names, in the languages that logs come in, and how well a name fits a role."""

import re
from collections.abc import Iterable, Mapping

ROLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "user": (
        *("user", "customer", "visitor", "client", "member", "buyer", "shopper", "account", "reviewer"),
        *("cust", "usr", "uid", "kunde", "kunden", "kdnr", "nutzer", "benutzer", "cliente", "usuario"),
        *("utilisateur", "klant", "reader", "listener", "viewer", "subscriber", "person", "patient"),
        *("household", "profile", "cookie", "device", "email", "username", "login", "kund", "asiakas"),
        *("klient", "musteri"),
    ),
    "item": (
        *("item", "product", "stockcode", "sku", "article", "movie", "asin", "isbn", "track", "song"),
        *("book", "content", "video", "game", "show", "artist", "artikel", "artnr", "produkt", "produit"),
        *("producto", "articulo", "prodotto", "articolo", "produto", "recipe", "anime", "business"),
        *("listing", "hotel", "news", "restaurant", "course", "joke", "beer", "app", "page", "url", "post"),
        *("material", "ean", "iid", "vare", "tuote", "towar", "urun", "goods", "offer", "ad", "tconst"),
    ),
    "time": (
        *("timestamp", "datetime", "time", "date", "when", "ts", "dt", "at", "on", "datum", "zeit"),
        *("zeitpunkt", "fecha", "hora", "heure", "data", "dato", "tid", "tijd", "day", "created", "epoch"),
        *("unixtime", "tarih", "pvm", "dag", "tag", "moment", "clock", "eventtime", "occurred"),
        *("zeitstempel", "horodatage"),
    ),
    "value": (
        *("rating", "stars", "score", "bewertung", "puntuacion", "valoracion", "quantity", "qty", "units"),
        *("menge", "anzahl", "cantidad", "quantite", "quantita", "aantal", "pieces", "duration", "seconds"),
        *("playtime", "listens", "plays", "playcount", "watchtime", "minutes", "hours", "count", "weight"),
        *("clicks", "views", "event", "eventtype", "action", "behavior", "behaviour", "interaction"),
        *("interactiontype", "vote", "votes", "reaction", "thumbs", "preference"),
    ),
    "basket": (
        *("invoice", "basket", "order", "transaction", "receipt", "cart", "session", "rechnung"),
        *("bestellung", "beleg", "bon", "pedido", "factura", "commande", "facture", "ticket", "ordine"),
        *("visit",),
    ),
    "title": (
        *("title", "description", "name", "bezeichnung", "titel", "titre", "titulo", "nombre", "nom"),
        *("titolo",),
    ),
}
"""Words in column names, the more telling first."""

OUTCOMES = (
    *("clicked", "purchased", "bought", "converted", "liked", "watched", "completed", "played", "read"),
    *("saved", "click", "purchase", "conversion", "like", "buy", "label", "target", "feedback", "viewed"),
    *("added", "sold"),
)
"""Names of columns that say by yes or no whether somebody took the item."""

NOT_THE_EVENT = (
    *("etl", "load", "loaded", "import", "imported", "insert", "inserted", "ingest", "ingested"),
    *("ingestion", "update", "updated", "modified", "extract", "extracted", "export", "exported"),
    *("process", "processed", "sync", "synced", "batch", "dwh", "received", "geladen", "birth", "birthday"),
    *("birthdate", "born", "dob", "release", "released", "publish", "published", "signup", "registered"),
    *("registration", "joined", "expiry", "expires", "expire", "expiration", "deliver", "delivered"),
    *("delivery", "ship", "shipped", "shipping", "valid", "due", "launch", "premiere", "since"),
    *("partition", "snapshot", "geburtsdatum", "deleted"),
)
"""Words of times that are about a load, a person or an item rather than about what happened."""

MEASURES = frozenset(
    (
        *("age", "amount", "anzahl", "betrag", "brand", "category", "city", "class", "color", "cost"),
        *("count", "country", "discount", "duration", "gender", "group", "kategorie", "menge", "precio"),
        *("preis", "price", "prix", "qty", "quantity", "rating", "revenue", "score", "size", "stars"),
        *("sum", "tax", "total", "value", "weight"),
    )
)
"""Words of what is measured or said of an item or a user: such a column is no id of either."""

AVAILABILITY: Mapping[str, tuple[str, ...]] = {
    "available": (
        *("available", "isavailable", "instock", "isinstock", "stock", "active", "isactive", "availability"),
        *("lieferbar", "verfuegbar", "bestand", "disponible", "disponibile", "enstock", "stocklevel"),
    ),
    "available_from": (
        *(
            "availablefrom",
            "validfrom",
            "onsalefrom",
            "visiblefrom",
            "gueltigab",
            "gueltigvon",
            "verfuegbarab",
        ),
        *("launchdate", "validodesde"),
    ),
    "available_until": (
        *(
            "availableuntil",
            "availableto",
            "validuntil",
            "validto",
            "onsaleuntil",
            "visibleuntil",
            "gueltigbis",
        ),
        *("expires", "expiry", "expirydate", "expirationdate", "validohasta"),
    ),
}
"""Names of columns that say whether, or from and until when, an item may be shown, by the key of ``[rules]``."""

_ID_ENDING = re.compile(r"(id|ids|no|nr|num|nummer|number|code|key|uuid|guid|ref|hash)$")


def plain(name: str) -> str:
    """Letters of a name, in lower case."""
    return re.sub(r"[^a-z]", "", name.lower())


def tokens(name: str) -> list[str]:
    """Words of a name: ``lastUpdate_at`` has last, update, at."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return [word for word in re.split(r"[^a-z]+", parted.lower()) if word]


def name_score(role: str, name: str) -> int:
    """How well a column's name fits a role: 0 = not at all; exact words before parts, early words first."""
    words, whole = ROLE_WORDS[role], plain(name)
    for at, word in enumerate(words):
        if whole == word or _ID_ENDING.sub("", whole) == word:
            return 300 - at
    parts = tokens(name)
    for at, word in enumerate(words):
        if word in parts or word in [_ID_ENDING.sub("", part) for part in parts]:
            return 200 - at
    return max((100 - at for at, word in enumerate(words) if len(word) > 3 and word in whole), default=0)


def is_measure(name: str) -> bool:
    """Whether a name speaks of a measure or a property, and is not that of an id."""
    return not MEASURES.isdisjoint(tokens(name)) and not ends_like_an_id(name)


def names_something_else(name: str) -> bool:
    """Whether a name such as ``customer_name`` or ``event_name`` is no item's title."""
    roles = {word for role in ("user", "basket") for word in ROLE_WORDS[role]} | {
        "event",
        "action",
        "file",
        "store",
    }
    return not roles.isdisjoint(tokens(name))


def is_not_the_event(name: str) -> bool:
    """Whether a time's name says that it is about something else than the event."""
    return any(word in NOT_THE_EVENT for word in tokens(name))


def is_outcome(name: str) -> bool:
    """Whether a name says that the column tells who took the item."""
    return any(word in OUTCOMES for word in tokens(name))


def ends_like_an_id(name: str) -> bool:
    """Whether a name is that of an id."""
    last = (tokens(name) or [""])[-1]
    return last in {"id", "ids", "no", "nr", "number", "code", "key", "uuid"} or plain(name).endswith("id")


def availability(names: Iterable[str]) -> dict[str, str]:
    """Columns that say when an item may be shown, by the key of ``[rules]``; of each the first."""
    known = {plain(name.replace("ü", "ue")): name for name in reversed(list(names))}
    found = {key: [known[word] for word in words if word in known] for key, words in AVAILABILITY.items()}
    return {key: columns[0] for key, columns in found.items() if columns}
