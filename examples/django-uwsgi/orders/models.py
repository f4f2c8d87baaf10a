from django.db import models


class Order(models.Model):
    """An order, of which nobody needs to know more here."""

    placed = models.DateTimeField(auto_now_add=True)
