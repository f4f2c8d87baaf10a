"""The addresses of the polls."""

from django.urls import path

from polls import views

app_name = "polls"
urlpatterns = [
    path("", views.index, name="index"),
    path("future", views.future, name="future"),
]
