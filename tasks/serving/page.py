"""The OpenAPI description as a page for people, without scripts and without anything from elsewhere."""

import re
from typing import Any

import jinja2
from markupsafe import Markup, escape

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ info.title }} {{ info.version }}</title><style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
code { font-family: ui-monospace, monospace } h2 { font-size: 1.05rem; margin: 2rem 0 .25rem; overflow-wrap: anywhere }
.verb { display: inline-block; min-width: 3.5rem; color: #0b5d3b } table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-top: 1px solid #ddd }
</style></head><body>
<h1>{{ info.title }} {{ info.version }}</h1><p>{{ info.description }} For programs: <a href="openapi.json">openapi.json</a>.</p>
{% for path, verbs in paths.items() %}{% for verb, said in verbs.items() %}
<h2><span class="verb">{{ verb | upper }}</span> <code>{{ path }}</code></h2><p>{{ said.description | marked }}</p>
{% set fields = body(said) %}
{% if said.parameters or fields %}<table><tr><th scope="col">name</th><th scope="col">in</th><th scope="col">what</th></tr>
{% for each in said.parameters or [] %}<tr><td><code>{{ each.name }}</code>{% if each.required %} *{% endif %}</td><td>{{ each.in }}</td>
<td>{{ (each.description or "") | marked }}{% if each.schema.default is defined and each.schema.default is not none %} Default: {{ each.schema.default }}.{% endif %}</td></tr>
{% endfor %}
{% for name, field in fields.items() %}<tr><td><code>{{ name }}</code></td><td>body</td><td>{{ (field.description or "") | marked }}</td></tr>
{% endfor %}</table>{% endif %}
{% endfor %}{% endfor %}
</body></html>
"""


def page(description: dict[str, Any]) -> str:
    """HTML of an OpenAPI description."""
    schemas = description["components"]["schemas"]

    def body(operation: dict[str, Any]) -> dict[str, Any]:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        properties: dict[str, Any] = schemas.get(name, {}).get("properties", {})
        return properties

    environment = jinja2.Environment(autoescape=True)
    environment.filters["marked"] = _marked
    return environment.from_string(TEMPLATE).render(**description, body=body)


def _marked(text: str) -> Markup:
    """Show what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before
