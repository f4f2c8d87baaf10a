"""The views of the polls: a text, and a picture."""

import io

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from PIL import Image, ImageDraw


def index(request: HttpRequest) -> HttpResponse:
    """Say where one is."""
    return HttpResponse(gettext("Hello, world. You're at the polls index."), content_type="text/plain")


def future(request: HttpRequest) -> HttpResponse:
    """Draw what the polls will say."""
    picture = Image.new("RGB", (320, 120), "white")
    draw = ImageDraw.Draw(picture)
    for n, (colour, height) in enumerate([("navy", 80), ("teal", 50), ("orange", 95)]):
        draw.rectangle((20 + n * 100, 110 - height, 90 + n * 100, 110), fill=colour)
    draw.text((20, 2), "the future", fill="black")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return HttpResponse(out.getvalue(), content_type="image/png")
