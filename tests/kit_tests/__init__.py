"""Tests of the bench itself: that its servers run, tell the truth, and are gone afterwards."""
