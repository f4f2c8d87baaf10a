"""The views answer."""

from django.test import SimpleTestCase


class ViewTests(SimpleTestCase):
    def test_index(self):
        answer = self.client.get("/polls/")
        self.assertContains(answer, "polls index")

    def test_future(self):
        answer = self.client.get("/polls/future")
        self.assertEqual(answer["Content-Type"], "image/png")
        self.assertTrue(answer.content.startswith(b"\x89PNG"))
