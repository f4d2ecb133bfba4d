"""`make torture`: hostile input, kills and damage by the hundred; nothing of it may end in a traceback or be published."""
