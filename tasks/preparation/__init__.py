"""From events to matrices: select, map ids, encode, aggregate, group, split."""
