"""Words for types of events, in the languages that logs come in: how much each says for or against an item."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal, NamedTuple

VIEW, INTEREST, NEARLY, TAKEN = 1, 3, 5, 10
"""Weights: looked at, liked or put into a cart, at the checkout or watched to the end, bought."""


class Meaning(NamedTuple):
    """What a type of event says of an item."""

    weight: int = 0
    """Of one event; what a type that lowers takes off."""
    how: Literal["positive", "lower", "exclude", "ignore"] = "positive"
    """What it does."""


_WORDS: Mapping[Meaning, tuple[str, ...]] = {
    Meaning(VIEW): (
        *("view", "views", "viewed", "pv", "pageview", "viewitem", "viewcontent", "viewdetail", "quickview"),
        *("click", "clicks", "clicked", "clickout", "detail", "details", "detailview", "visit", "visited"),
        *("open", "opened", "browse", "browsed", "preview", "tap", "select", "selectitem", "look", "seen"),
        *("ansicht", "angesehen", "aufruf", "klick", "geklickt", "ansehen", "vue", "vu", "clic", "visite"),
        *("consultation", "vista", "visto", "visita", "visualizacion", "visualizzazione", "visualizacao"),
        *("clique", "bekeken", "klik", "weergave", "просмотр", "клик", "浏览", "点击"),
    ),
    Meaning(INTEREST): (
        *("like", "liked", "likes", "favorite", "favourite", "favorited", "favourited", "fav", "heart"),
        *("wishlist", "addtowishlist", "wishlisted", "bookmark", "bookmarked", "save", "saved", "share"),
        *("shared", "follow", "followed", "upvote", "thumbsup", "cart", "carts", "carted", "addtocart"),
        *("addedtocart", "addcart", "cartadd", "add", "added", "basket", "addtobasket", "addtobag", "rate"),
        *("rated", "rating", "review", "reviewed", "play", "played", "watch", "watched", "listen", "read"),
        *("listened", "stream", "streamed", "download", "downloaded", "lead", "warenkorb", "merkzettel"),
        *("indenwarenkorb", "merkliste", "gefallt", "panier", "ajoutpanier", "ajoutaupanier", "favori"),
        *("favoris", "jaime", "carrito", "anadiralcarrito", "agregaralcarrito", "favorito", "megusta"),
        *("carrello", "aggiuntaalcarrello", "preferito", "carrinho", "adicionaraocarrinho", "curtir"),
        *("winkelwagen", "winkelmand", "favoriet", "корзина", "избранное", "收藏", "加购"),
    ),
    Meaning(NEARLY): (
        *("checkout", "begincheckout", "startcheckout", "initiatecheckout", "checkoutstarted", "kasse"),
        *("complete", "completed", "finish", "finished"),
    ),
    Meaning(TAKEN): (
        *("purchase", "purchased", "purchases", "buy", "buys", "bought", "transaction", "transactions"),
        *("order", "ordered", "orders", "ordercompleted", "orderplaced", "placeorder", "sale", "sales"),
        *("sold", "sell", "paid", "conversion", "converted", "booking", "booked", "rent", "rented"),
        *("checkoutcompleted", "kauf", "kaufen", "gekauft", "bestellung", "bestellt", "verkauf", "achat"),
        *("achete", "commande", "vente", "compra", "comprado", "comprar", "pedido", "venta", "acquisto"),
        *("acquistato", "ordine", "vendita", "venda", "aankoop", "gekocht", "bestelling", "verkoop"),
        *("покупка", "заказ", "购买"),
    ),
    Meaning(INTEREST, "lower"): (
        *("removefromcart", "removedfromcart", "removecart", "cartremove", "cartremoved", "uncart"),
        *("remove", "removed", "removefrombasket", "removefrombag", "removefromwishlist", "unlike"),
        *("unliked", "unfavorite", "unfavourite", "unfav", "unbookmark", "unsave", "unfollow"),
        *("ausdemwarenkorb", "retraitpanier", "quitardelcarrito", "eliminardelcarrito"),
    ),
    Meaning(TAKEN, "lower"): (
        *("return", "returned", "returns", "refund", "refunded", "refunds", "cancel", "cancelled"),
        *("canceled", "cancellation", "ordercancelled", "ordercanceled", "orderrefunded", "chargeback"),
        *("retoure", "ruckgabe", "zuruckgegeben", "storno", "stornierung", "stornobuchung", "erstattung"),
        *("retour", "remboursement", "annulation", "devolucion", "reembolso", "cancelacion", "reso"),
        *("rimborso", "devolucao", "estorno", "возврат"),
    ),
    Meaning(0, "exclude"): (
        *("dislike", "disliked", "dislikes", "thumbsdown", "downvote", "notinterested", "notinteresting"),
        *("hide", "hidden", "block", "blocked", "notforme", "gefalltnicht", "nomegusta", "jenaimepas"),
    ),
    Meaning(0, "ignore"): (
        *("impression", "impressions", "imp", "exposure", "expose", "exposed", "shown", "search"),
        *("login", "logout", "sessionstart", "scroll", "hover", "skip", "skipped"),
    ),
}

_FILLERS = frozenset(
    ("product", "item", "items", "page", "event", "user", "content", "article", "artikel", "producto")
)
"""Words beside the one that tells, as in ``Product Viewed``."""

NAMES = frozenset(
    (
        *("event", "events", "eventtype", "eventname", "action", "actions", "behavior", "behaviour", "type"),
        *("interaction", "activity", "kind", "feedback", "operation", "verb", "aktion", "ereignis"),
        *("vorgang", "art", "typ", "evento", "accion", "tipo", "evenement", "azione", "acao", "actie"),
        *("soort", "bewegungsart", "movement"),
    )
)
"""Words in the names of columns that hold types of events."""

OTHER_NAMES = frozenset(
    (
        *("status", "state", "payment", "country", "channel", "category", "device", "platform", "currency"),
        *("gender", "method", "source", "medium", "campaign", "segment", "brand", "genre", "price", "title"),
        *("product", "item", "user", "customer", "shipping", "reason", "comment", "zahlungsart", "store"),
    )
)
"""Words in the names of columns that hold something else, whatever the words in them look like."""


@cache
def meaning(label: str) -> Meaning | None:
    """What a type of event says of an item; None for a word that nobody knows.

    Capitals, accents, what parts words, and words such as "product" do not matter.
    """
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", label)
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", parted).casefold()
        if not unicodedata.combining(letter)
    )
    words = re.findall(r"[^\W_]+", plain)
    for some in (words, [word for word in words if word not in _FILLERS]):
        if (found := _MEANINGS.get("".join(some))) is not None:
            return found
    return None


_MEANINGS = {word: found for found, words in _WORDS.items() for word in words}


def known_share(counts: Mapping[str, int], names: Iterable[str]) -> float:
    """Share of a column's rows whose label is a known type of event; 0 where its labels are something else.

    Parameters
    ----------
    counts
        Rows by label.
    names
        Words of the column's name.

    """
    words = set(names)
    found = {label: meaning(label) for label in counts}
    known = [label for label, one in found.items() if one is not None]
    if not any(one is not None and one.how == "positive" for one in found.values()):
        return 0.0
    share = sum(counts[label] for label in known) / sum(counts.values())
    if words & OTHER_NAMES and not words & (NAMES - {"type", "kind", "art", "typ", "tipo"}):
        return 0.0
    # Without a name that speaks of events, the labels must do it alone.
    enough = 0.5 if words & NAMES else 0.95
    return share if share >= enough and (words & NAMES or len(known) > 1) else 0.0
