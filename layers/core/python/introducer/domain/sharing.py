"""Ready to hand on: a text with the partner's link in it, addresses that open it where it is to be sent, and HTML to
put on a page. Addresses are plain links: nothing is loaded from anybody, and nobody is told who looks at them."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from introducer.domain.creative import Material, filled


def shared_text(material: Material, *, link: str, brand: str, campaign: str) -> str:
    """A material's text with the partner's own link in it."""
    return filled(material.text, {"link": link, "brand": brand, "campaign": campaign})


def ways(text: str, link: str, subject: str) -> dict[str, str]:
    """Where a text can be sent, by name: addresses that open it there, ready to be sent. `subject` is the mail's."""
    # Telegram shows the address itself, above the text: at the text's end it would stand there twice.
    beside = text.removesuffix(link).rstrip() if text.endswith(link) else text
    return {
        "whatsapp": f"https://wa.me/?text={_in_query(text)}",
        "telegram": f"https://t.me/share/url?url={_in_query(link)}&text={_in_query(beside)}",
        "x": f"https://x.com/intent/post?text={_in_query(text)}",
        "email": f"mailto:?subject={_in_query(subject)}&body={_in_query(text.replace(chr(10), chr(13) + chr(10)))}",
    }


def banner_html(material: Material, *, link: str, picture: str) -> str:
    """HTML that shows a banner and leads to the link; `picture` is where the banner's picture is."""
    return (
        f'<a href="{escape(link)}" target="_blank" rel="sponsored noopener">'
        f'<img src="{escape(picture)}" width="{material.width}" height="{material.height}"'
        f' alt="{escape(material.name)}"></a>'
    )


def text_link_html(material: Material, *, link: str, brand: str, campaign: str) -> str:
    """HTML of a text link."""
    words = filled(material.text, {"brand": brand, "campaign": campaign})
    language = f' lang="{material.language}" dir="auto"' if material.language else ""
    return f'<a href="{escape(link)}" target="_blank" rel="sponsored noopener"{language}>{escape(words)}</a>'


def _in_query(text: str) -> str:
    return quote(text, safe="")
