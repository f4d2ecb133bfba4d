"""Every column name, once. No other file spells a column name of ours as a string."""

from typing import Final

# Events: one row per accepted log row.
USER_ID: Final = "user_id"
ITEM_ID: Final = "item_id"
EVENT_TIME: Final = "event_time"
VALUE: Final = "value"
BASKET_ID: Final = "basket_id"
EVENT_TYPE: Final = "event_type"  # of logs with several kinds of events

# Item descriptions.
TITLE: Final = "title"

# Rejected rows.
REASONS: Final = "reasons"
SOURCE_FILE: Final = "source_file"
ROW_NUMBER: Final = "row_number"
RAW_LINE: Final = "raw_line"

# What the row contract sees beside the columns of an event.
CANCELLED: Final = "cancelled"
KEPT_VALUE: Final = "kept_value"  # the value, missing where the row is cancelled
EXTRA_COPY: Final = "extra_copy"  # 0 or 1, as cancelled

# Vocabularies and interactions.
USER_CODE: Final = "user_code"
ITEM_CODE: Final = "item_code"
WEIGHT: Final = "weight"
LAST_TIME: Final = "last_time"

# Predictions.
RANK: Final = "rank"
SCORE: Final = "score"
MODEL: Final = "model"

# Explained look-ups.
BECAUSE: Final = "because"
WHY: Final = "why"
SHARE: Final = "share"
