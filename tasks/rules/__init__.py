"""The shop's own rules: which items may be shown, whose lists they leave, and how lists are filled under them."""
