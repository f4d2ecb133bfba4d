"""Texts that programs write where nothing is. What a cell really holds stays an id all the same, in every format."""

NULL_TEXTS = (
    *(
        "\\N",
        "NULL",
        "null",
        "Null",
        "(null)",
        "<null>",
        "[null]",
        "nan",
        "NaN",
        "NAN",
        "None",
        "<NA>",
        "NaT",
    ),
    *("N/A", "n/a", "#N/A", "nil", "undefined", "(not set)", "#NULL!"),
)
"""As programs write them: a drafted dataset file reads them as nothing, in `null_values`."""

SPELLINGS = tuple(
    dict.fromkeys(
        spelling
        for text in (*NULL_TEXTS, "NA", "-nan")
        for spelling in (text, text.lower(), text.upper(), text.capitalize())
    )
)
"""The same in any case, and some that may be somebody's id: where they are ids, a run says so."""
