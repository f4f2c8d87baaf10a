from django.db import connection
from django.http import HttpRequest, JsonResponse

from orders.models import Order


def index(request: HttpRequest) -> JsonResponse:
    """Places an order, and says how many there are and in which database."""
    Order.objects.create()
    return JsonResponse({"orders": Order.objects.count(), "database": connection.vendor})
