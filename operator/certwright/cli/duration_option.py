"""Durations on the command line."""

from __future__ import annotations

from datetime import timedelta

import click

from certwright.resources.durations import parse_duration


class DurationOption(click.ParamType[timedelta]):
    """Go's way of writing durations, as everywhere in Kubernetes."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """A duration from its text."""
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(str(value))
        except ValueError:
            self.fail(f"{value} is not a duration such as 10m or 24h", param, ctx)
