from django.test import TestCase


class IndexTest(TestCase):
    def test_counts_orders(self):
        self.assertEqual(self.client.get("/").json()["orders"], 1)
        self.assertEqual(self.client.get("/").json()["orders"], 2)
